"""Clips in folders and in shards are footage; takes of ``toy:`` become such clips."""

import json

import numpy as np
import pytest

from lipkit.artifacts import shards
from lipkit.errors import BadInput, BadUsage
from lipkit.faces.file import FileTracker
from lipkit.training.clips import Clips, held_out
from lipkit.training.data import footage, open_data, speech
from lipkit.training.examples import write_examples
from lipkit.training.toys.takes import Toys, ToySpec

TOYS = Toys(ToySpec(size=48, seconds=0.6, held_out=3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips")
    assert len(list(write_examples(TOYS, path, 4))) == 4
    return path


def by_name(sequence):
    return {take.name.rpartition("/")[2].rpartition(":")[2]: take for take in sequence}


def test_examples_are_clips_that_show_the_takes(folder, tmp_path):
    data = footage(open_data(str(folder), tmp_path), "test")
    assert len(data.training) + len(data.held_out) == 4
    assert data.held_out
    take = TOYS.training[1]
    clip = by_name([*data.training, *data.held_out])[f"{take.name}.mkv"]
    assert len(clip) == len(take) == 15
    assert clip.fps == 25
    assert clip.scheme == "dlib68"
    assert np.array_equal(clip.pictures(3, 8), take.pictures(3, 8))
    assert np.array_equal(clip.pictures(12, 15), take.pictures(12, 15))
    assert clip.points == pytest.approx(take.points, abs=1e-3)
    assert clip.wave == pytest.approx(take.wave, abs=1e-3)
    assert clip.valid.all()
    assert not clip.truth


def test_truth_in_json_is_read_as_landmarks(folder):
    take = TOYS.training[0]
    path = folder / f"{take.name}.json"
    faces = FileTracker(path.read_bytes()).detect(np.zeros((15, 48, 48, 3), np.uint8))
    assert faces[4][0].points == pytest.approx(take.points[4], abs=0.01)
    frame = json.loads(path.read_text())["frames"][4]
    assert frame["motion"]["aperture"] == pytest.approx(float(take.motion[4, 0]), abs=1e-3)
    assert frame["silence"] == bool(take.truth["silence"][4])


def test_shards_hold_the_same_footage(folder, tmp_path):
    clips = sorted(folder.glob("*.mkv"))
    packed = [(f"person{k}/{path.stem}", {".mkv": path, ".json": b"{}"}) for k, path in
              enumerate(clips)]  # fmt: skip
    for k in (0, 1):
        assert shards.write_shard(tmp_path / f"{k}.tar", packed[2 * k : 2 * k + 2]) == 2
    single = {take.name: take for take in Clips.of_files(clips, folder).training}
    whole = footage(open_data(str(tmp_path), tmp_path), "test")
    assert len(whole.training) + len(whole.held_out) == 4
    for take in [*whole.training, *whole.held_out]:
        name = take.name.rpartition("/")[2]
        if name in single:
            assert np.array_equal(take.pictures(2, 6), single[name].pictures(2, 6))
    part = footage(open_data(str(tmp_path / "1.tar"), tmp_path), "test")
    assert len(part.training) == len(part.held_out) == 1


def test_unpacked_members_come_and_go(folder, tmp_path):
    clips = sorted(folder.glob("*.mkv"))
    path = tmp_path / "x.tar"
    shards.write_shard(path, [(clip.stem, {".mkv": clip}) for clip in clips])
    again = tmp_path / "y.tar"
    shards.write_shard(again, [(clip.stem, {".mkv": clip}) for clip in clips])
    assert path.read_bytes() == again.read_bytes()
    unpacker, members = shards.Unpacker(most=2), shards.index(path)
    files = [unpacker.path(member) for member in members[:3]]
    assert [file.exists() for file in files] == [False, True, True]
    assert unpacker.path(members[0]).read_bytes() == clips[0].read_bytes()
    assert unpacker.path(members[2]) == files[2]
    folder = unpacker.folder
    del unpacker
    assert not folder.exists()


def test_names_in_an_archive_are_no_paths(tmp_path):
    path = tmp_path / "bad.tar"
    shards.write_shard(path, [("../../evil", {".mkv": b"x" * 100})])
    member = shards.index(path)[0]
    assert member.key == "../../evil"
    unpacker = shards.Unpacker()
    assert unpacker.path(member).parent == unpacker.folder


def test_shards_that_are_none(tmp_path):
    empty, text, cut = (tmp_path / name for name in ("empty.tar", "text.tar", "cut.tar"))
    shards.write_shard(empty, [("a", {".json": b"{}"})])
    text.write_text("nothing")
    shards.write_shard(cut, [("a", {".mkv": b"x" * 5000})])
    members = shards.index(cut)
    cut.write_bytes(cut.read_bytes()[:2000])
    with pytest.raises(BadInput, match="a shard without clips"):
        shards.index(empty)
    with pytest.raises(BadInput, match="no shard"):
        shards.index(text)
    with pytest.raises(BadInput, match="breaks off in a"):
        shards.Unpacker().path(members[0])


def test_people_are_held_out_by_their_names():
    people = [f"person-{k}" for k in range(200)]
    chosen = held_out(people)
    assert 5 < len(chosen) < 25
    assert held_out(people * 3) == chosen
    assert chosen & set(people[:100]) == held_out(people[:100])
    assert len(held_out(["a", "b"])) == 1


def test_each_stage_gets_what_it_learns_from(tmp_path):
    toys, voices = open_data("toy:", tmp_path), open_data("voices:minutes=1", tmp_path)
    assert voices.name == "voices:"
    assert footage(toys, "x") is toys
    assert speech(voices, "x") is voices
    with pytest.raises(BadUsage, match="x learns from pictures, and voices: has none"):
        footage(voices, "x")
    with pytest.raises(BadUsage, match="x does not learn from toy:"):
        speech(toys, "x")
    with pytest.raises(BadInput, match="no clips here"):
        footage(open_data(str(tmp_path), tmp_path), "x")
