"""CAPP learns which sound a head moves to, trains from clips, and scores them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from scipy.ndimage import gaussian_filter1d

from lipkit import config as settings
from lipkit.artifacts.clip import open_clip_writer
from lipkit.cli import lipkit
from lipkit.errors import BadInput, BadUsage
from lipkit.faces import mesh
from lipkit.faces.geometry import Geometry, ticks
from lipkit.faces.warping import box_of
from lipkit.media.video import AudioTrack, VideoWriter
from lipkit.models.capp import scoring
from lipkit.models.capp.config import CappConfig
from lipkit.models.capp.features import heard
from lipkit.models.capp.gathering import gather
from lipkit.models.capp.model import build
from lipkit.models.capp.scoring import OwnCapp, cosines
from lipkit.models.capp.stages import PairsStage, pairs
from lipkit.models.capp.takes import Take, Takes, stretches
from lipkit.training.data import open_data
from lipkit.training.loop import train
from lipkit.training.toys.motion import INDEX
from lipkit.training.voices import synthesizers
from lipkit.training.voices.corpus import CorpusSpec
from lipkit.training.voices.source import Source
from lipkit.training.voices.synthesizers import Utterance
from lipkit.training.voices.visemes import Segment


def nodding(rng: np.random.Generator, frames: int = 200) -> Take:
    """A sound whose level wanders, and a head that nods with it and turns as it likes."""
    level = np.clip(4 * gaussian_filter1d(rng.standard_normal(2 * frames), 4), -1.5, 1.5)
    mel = -4 + 2 * level[:, None] + 0.3 * rng.standard_normal((2 * frames, 128))
    yaw, pitch, roll = (gaussian_filter1d(rng.standard_normal(frames), 12) for _ in range(3))
    nods = gaussian_filter1d(level[::2], 2)
    pose = np.stack([4 * yaw, 4 * nods + 2 * pitch, 3 * roll], 1)
    return Take(mel.astype(np.float16), pose.astype(np.float32))


@pytest.fixture(scope="module")
def tiny() -> CappConfig:
    changes = [
        "model.frames=25", "train.pairs.frames=25", "model.width=32", "model.pose_layers=1",
        "train.pairs.batch=24", "train.pairs.steps=100", "train.pairs.learning_rate=4e-3",
        "train.pairs.warmup=10", "train.pairs.ema=0.9", "train.pairs.log_every=100",
    ]  # fmt: skip
    preset = settings.load_preset("tiny-capp").tables
    return settings.resolve(CappConfig, preset=preset, sets=changes)


@pytest.fixture(scope="module")
def trained(tiny, tmp_path_factory):
    """A model, its stage, and how good it was before training."""
    rng = np.random.default_rng(0)
    sides = (Takes([nodding(rng) for _ in range(count)]) for count in (40, 8))
    torch.manual_seed(0)
    model = build(tiny.model)
    stage = PairsStage(tiny.train.pairs, *sides)
    with torch.inference_mode():
        before = stage.validate(model.eval())
    train(model, stage, tiny.train.pairs, tmp_path_factory.mktemp("run"))
    return model.eval(), stage, before


def test_matched_pairs_never_seen_are_told_from_mismatched_ones(trained):
    model, stage, before = trained
    with torch.inference_mode():
        after = stage.validate(model)
    assert before["matched"] - before["mismatched"] < 0.02
    assert after["matched"] - after["mismatched"] > 0.1
    assert before["found"] < 0.12  # one in sixteen is chance
    assert after["found"] > 0.15


def test_the_right_sound_scores_higher_than_a_late_or_another_one(trained):
    model, _, _ = trained
    rng = np.random.default_rng(99)
    takes = [nodding(rng, 400) for _ in range(4)]
    right = np.mean([cosines(model, t.audio, t.pose, 25).mean() for t in takes])
    others = zip(takes, takes[1:] + takes[:1], strict=True)
    wrong = np.mean([cosines(model, a.audio, b.pose, 25).mean() for a, b in others])
    late = np.mean([cosines(model, t.audio[40:], t.pose, 25).mean() for t in takes])
    assert right > wrong + 0.1
    assert right > late + 0.1


def test_loudness_and_posture_are_nothing(trained):
    model, _, _ = trained
    take = nodding(np.random.default_rng(5))
    plain = cosines(model, take.audio.astype(np.float64), take.pose, 25)
    moved = cosines(model, take.audio.astype(np.float64) + 1.5, take.pose + 20, 25)
    assert np.allclose(plain, moved, atol=1e-3)


def test_windows_with_a_gap_are_left_out(trained):
    model, _, _ = trained
    take = nodding(np.random.default_rng(5))
    pose = take.pose.copy()
    assert len(cosines(model, take.audio, pose, 25)) == 8
    pose[60] = np.nan
    assert len(cosines(model, take.audio, pose, 25)) == 7
    assert not len(cosines(model, take.audio[:48], pose, 25))


def test_stretches_end_where_the_face_does():
    pose = np.zeros((100, 3), np.float32)
    pose[40:45] = np.nan
    audio = np.arange(180)[:, None] * np.ones(3)
    found = list(stretches(audio, pose, 40))
    assert [(len(take.audio), len(take.pose)) for take in found] == [(80, 40), (90, 45)]
    assert found[1].audio[0, 0] == 90
    assert not list(stretches(audio, pose, 60))


def test_mel_has_two_steps_a_frame():
    assert heard(np.zeros(16000 * 2 + 500, np.float32), "mel").shape == (100, 128)


def animated(points: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """FaceMesh points (f, 478, 3) of a face turned by angles (f, 3)."""
    frame = mesh.face_frame(points.astype(np.float64))
    local = mesh.to_local(points.astype(np.float64), frame)
    turned = mesh.rotation(pose) @ frame.rotation
    unit, origin = (np.repeat(it[None], len(pose), 0) for it in (frame.unit, frame.origin))
    local = np.repeat(local[None], len(pose), 0)
    return mesh.from_local(local, mesh.FaceFrame(turned, origin, unit)).astype(np.float32)


def write_clip(path: Path, points: np.ndarray) -> None:
    """An aligned clip of noise, whose geometry has these landmarks."""
    import soundfile

    count = len(points)
    number, base = ticks([Fraction(k, 25) for k in range(count)])
    geometry = Geometry(
        matrix=np.tile(np.eye(2, 3), (count, 1, 1)),
        points=points,
        box=box_of(points),
        score=np.ones(count),
        valid=np.ones(count, np.bool_),
        shot=np.zeros(count, np.int32),
        ticks=number,
        time_base=base,
        fps=Fraction(25),
        size=(64, 64),
        frame_size=(512, 512),
        scheme="mediapipe478",
        template="square",
    )
    rng = np.random.default_rng(0)
    sound = path.parent.with_name("sound.wav")
    soundfile.write(sound, 0.1 * rng.standard_normal(count * 640), 16000)
    tensors, header = geometry.to_tensors()
    track = AudioTrack(sound)
    with open_clip_writer(
        path, tensors, header, size=(64, 64), times=geometry.times, audio=track
    ) as writer:
        writer.write(rng.integers(0, 256, (count, 64, 64, 3)).astype(np.uint8))


@pytest.fixture(scope="module")
def clips(astronaut, tmp_path_factory) -> Path:
    """Two videos of a face that rocks, with noise; a silent one; and a text."""
    import soundfile

    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    for name in ("a", "b", "silent"):
        frames = [np.roll(astronaut[:256, 100:356], int(6 * np.sin(k / 3)), 1) for k in range(40)]
        sound = folder.parent / f"{name}.wav"
        soundfile.write(sound, 0.1 * rng.standard_normal(40 * 640), 16000)
        audio = None if name == "silent" else AudioTrack(sound)
        with VideoWriter(
            folder / f"{name}.mp4", size=(256, 256), fps=Fraction(25), audio=audio
        ) as writer:
            writer.write(np.stack(frames))
    (folder / "notes.txt").write_text("no clip")
    return folder


SMALL = ("--set", "model.frames=25", "--set", "train.pairs.frames=25", "--set", "model.width=16")
SMALL += ("--set", "train.pairs.batch=4", "--preset", "tiny-capp", "-q")


def test_a_run_from_a_folder_of_videos_scores_clips(clips, tmp_path, monkeypatch):
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path / "store"))
    run = tmp_path / "run"
    line = ["train", "capp", *SMALL, "--data", str(clips), "-o", str(run), "--max-steps", "2"]
    result = CliRunner().invoke(lipkit, line, standalone_mode=False)
    assert (result.exception, result.return_value) == (None, 0)
    line = ["models", "import", str(run / "weights.safetensors"), "--name", "capp"]
    result = CliRunner().invoke(lipkit, line, standalone_mode=False)
    assert result.exception is None
    scoring._model.cache_clear()
    from lipkit.metrics.clip import Clip

    clip = Clip("a", clips / "a.mp4")
    found = OwnCapp().watch(clip).scores()["capp_own"]
    assert -1 <= found.value <= 1
    assert found.settings["window"] == 25
    short = SimpleNamespace(wave=clip.wave[:9000], track25=clip.track25)
    found = OwnCapp().watch(short).scores()["capp_own"]
    assert found.reason == "no 1 s with sound show a face throughout"
    scoring._model.cache_clear()


def test_clips_of_no_use_are_named_and_left_out(clips, tmp_path):
    said: list[str] = []
    for name in ("silent.mp4", "notes.txt"):
        (tmp_path / name).write_bytes((clips / name).read_bytes())
    with pytest.raises(BadInput, match="no two people move their heads to sound for 3 s"):
        gather(Source(tmp_path, report=said.append), "mel", 75)
    assert len(said) == 2
    assert "silent.mp4" in said[0]


def test_cartoons_know_their_pose(tmp_path):
    data = open_data("toy:takes=3,held_out=2,seconds=2", tmp_path)
    training, held = gather(data, "mel", 25)
    assert (len(training.items), len(held.items)) == (3, 2)
    first = data.training[0]
    assert np.allclose(training.items[0].pose[:, 0], first.motion[:, INDEX["yaw"]])
    assert np.allclose(training.items[0].audio, heard(first.wave, "mel")[:100], atol=0.01)


def test_aligned_clips_keep_the_roll(tmp_path, astronaut):
    """The roll that alignment took from the crops is known from the geometry."""
    from lipkit.faces.mediapipe import MediapipeTracker

    (face,) = MediapipeTracker(still=True).detect(astronaut[None])[0]
    roll = 10 * np.sin(np.arange(40) / 6)
    turned = animated(face.points, np.outer(roll, (0, 0, 1)))
    for name in "ab":
        write_clip(tmp_path / f"{name}.mkv", turned)
    training, held = gather(Source(tmp_path), "mel", 25)
    for side in (training, held):
        (take,) = side.items
        assert np.allclose(take.pose[:, 2] - take.pose[0, 2], roll, atol=0.5)


def test_a_spoken_corpus_gets_a_head_that_gestures(tmp_path, monkeypatch):
    def speak(rng, count):
        for i in range(count):
            phones = ["", *(rng.choice("aobm") for _ in range(14)), ""]
            ends = np.linspace(0, 4, 17)
            loud = np.repeat([0.9 if p in ("a", "o") else 0.02 for p in phones], 4000)
            wave = (loud * np.sin(np.arange(64000) / 13)).astype(np.float32)
            pairs = zip(ends[:-1], ends[1:], phones, strict=True)
            segments = [Segment(first, last, phone, 0.5) for first, last, phone in pairs]
            yield Utterance(wave, segments, "hum+f5" if i % 4 == 0 else "hum")

    monkeypatch.setitem(synthesizers.SYNTHESIZERS, "hum", speak)
    source = Source(tmp_path, CorpusSpec(minutes=(("hum", 0.7),), shard_minutes=0.7))
    for side in gather(source, "mel", 75):
        audio, pose = side.cut(np.random.default_rng(0), 5, 75)
        assert (audio.shape, pose.shape) == ((5, 150, 128), (5, 75, 3))
        deviation, pace = side.spread()
        assert (deviation > 0.5).all()
        assert (pace < deviation).all()
    with pytest.raises(BadUsage, match=r"holds mel, not wav2vec2.*--set model\.audio=mel"):
        gather(source, "wav2vec2-base-960h", 75)


def test_settings_that_contradict_each_other(tiny, tmp_path):
    other = replace(tiny, model=replace(tiny.model, frames=75))
    with pytest.raises(BadUsage, match=r"train\.pairs\.frames is 25, but the model sees 75"):
        pairs(build(other.model), other, Source(tmp_path), 0)
