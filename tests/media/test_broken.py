"""Missing, empty, truncated and corrupt videos: one line, in ffmpeg's words."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from lipkit.errors import BadInput
from lipkit.media.ffmpeg import complaint
from lipkit.media.probe import probe
from lipkit.media.video import frame_times, read_frames


def count(path: Path) -> int:
    return sum(len(frames) for frames in read_frames(path))


def test_video_that_breaks_off_is_read_as_far_as_it_goes(make, talk, tmp_path, caplog) -> None:
    whole = make("f.mkv", "-i", str(talk), "-c", "copy")
    broken = tmp_path / "b.mkv"
    broken.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    with caplog.at_level(logging.WARNING):
        frames = count(broken)
    assert 5 < frames < 25
    assert f"damaged, {frames} frames read: File ended prematurely" in caplog.text
    assert len(frame_times(broken)) == frames


def test_whole_video_gives_no_warning(talk: Path, caplog) -> None:
    assert count(talk) == 25
    assert not caplog.records


def test_mp4_without_its_index(talk: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.mp4"
    path.write_bytes(talk.read_bytes()[:2000])
    with pytest.raises(BadInput, match=r"t\.mp4: not a media file .*: moov atom not found"):
        count(path)


def test_video_of_zeros(talk: Path, tmp_path: Path) -> None:
    data = bytearray(talk.read_bytes())
    begin = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data[begin:end] = bytes(end - begin)
    path = tmp_path / "z.mp4"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=r"z\.mp4: cannot be decoded") as caught:
        count(path)
    assert "\n" not in str(caught.value)


def test_noise_in_the_middle_never_crashes(talk: Path, tmp_path: Path, caplog) -> None:
    data = bytearray(talk.read_bytes())
    where = np.random.default_rng(0).integers(1000, data.index(b"moov") - 4, 60)
    for k in where:
        data[k] ^= 0x5A
    path = tmp_path / "n.mp4"
    path.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        assert count(path) > 5
    assert "damaged" in caplog.text


@pytest.mark.parametrize(
    ("make_path", "words"),
    [
        (lambda folder: folder / "none.mp4", "none.mp4: no such file"),
        (lambda folder: folder, "is a folder"),
    ],
)
def test_no_file(tmp_path: Path, make_path, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        probe(make_path(tmp_path))


def test_sound_is_no_video(make) -> None:
    path = make("a.wav", "-f", "lavfi", "-i", "sine=duration=0.2")
    with pytest.raises(BadInput, match=r"a\.wav: no video in this file"):
        count(path)


def test_cover_art_is_no_video(make) -> None:
    cover = make("c.png", "-f", "lavfi", "-i", "color=red:size=32x32", "-frames:v", "1")
    song = make(
        "s.mp3", "-f", "lavfi", "-i", "sine=duration=0.5", "-i", str(cover), "-map", "0", "-map",
        "1", "-c:v", "copy", "-disposition:v", "attached_pic",
    )  # fmt: skip
    assert probe(song).video is None
    assert probe(song).audio.codec == "mp3"


def test_playlists_do_not_reach_the_network(tmp_path: Path) -> None:
    path = tmp_path / "p.m3u8"
    path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n")
    with pytest.raises(BadInput):
        probe(path)


def test_complaint_is_one_clean_line() -> None:
    said = (
        b"[mov,mp4 @ 0x55e2f0] moov atom not found\n"
        b"[in#0 @ 0x55e2f1] Error opening input: Invalid data found when processing input\n"
        b"Error opening input file file:x.mp4.\n"
        b"Error opening input files: Invalid data found when processing input\n"
    )
    assert complaint(said) == "moov atom not found: Invalid data found when processing input"
    assert complaint(b"") == "ffmpeg gave no reason"
