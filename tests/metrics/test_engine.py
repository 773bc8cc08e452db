"""What the engine shows to metrics, and what it makes of their answers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from lipkit.errors import BadInput
from lipkit.media.video import Encode
from lipkit.metrics.choice import Chosen
from lipkit.metrics.clip import Clip, nearest
from lipkit.metrics.engine import Findings, examine, sets
from lipkit.metrics.passes import Window
from lipkit.protocols import Metric
from tests.metrics import tiny
from tests.metrics.tiny import LOSSLESS, STEP, numbered


def chosen(*kinds: type[Metric]) -> list[Chosen]:
    found = []
    for kind in kinds:
        metric = kind()
        found.append(Chosen(kind.__name__, metric, metric.measures, metric.set_measures))
    return found


def shown(findings: Findings, name: str, curve: str = "greys") -> list[int]:
    return list(findings.scores[name].curves[curve])  # type: ignore[arg-type]


def greys(rows: Sequence[int]) -> list[int]:
    return [row * STEP % 256 for row in rows]


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    wave = 0.5 * np.sin(np.arange(16000) / 8)
    soundfile.write(tmp_path / "tone.wav", wave, 16000)
    return tmp_path / "tone.wav"


def test_every_frame_is_shown_once_and_in_order(tmp_path: Path) -> None:
    clip = Clip("c", numbered(tmp_path / "c.mkv", 70, 30, size=(640, 480)))
    seen: list[int] = []
    found = examine(clip, chosen(tiny.Greys, tiny.Greys25), seen.append)
    assert shown(found, "grey", "rows") == list(range(70))
    assert shown(found, "grey") == greys(range(70))
    assert sum(seen) == 70
    assert len(seen) > 1, "in one chunk this proves nothing"


@pytest.mark.parametrize("fps", [10, 24, 25, Fraction(30000, 1001), 50])
def test_at_25_a_second_frames_are_the_nearest_in_time(tmp_path: Path, fps: Fraction) -> None:
    clip = Clip("c", numbered(tmp_path / "c.mkv", 24, fps))
    found = examine(clip, chosen(tiny.Greys25))
    ticks = round(24 / fps * 25)
    assert shown(found, "grey25", "rows") == list(range(ticks))
    nearest_rows = [
        min(range(24), key=lambda r: abs(r / fps - Fraction(k, 25))) for k in range(ticks)
    ]
    assert shown(found, "grey25") == greys(nearest_rows)


def test_the_reference_is_shown_in_step_whatever_its_rate_and_chunks(tmp_path: Path) -> None:
    path = numbered(tmp_path / "c.mkv", 60, 25)
    other = Clip("r", numbered(tmp_path / "r.mkv", 120, 50, size=(640, 480)))
    clip = Clip("c", path, reference=other)
    found = examine(clip, chosen(tiny.Beside, tiny.Beside25, tiny.Greys))
    assert shown(found, "beside", "other") == greys(range(0, 120, 2))
    assert shown(found, "beside25", "other") == greys(range(0, 120, 2))
    assert shown(found, "beside") == greys(range(60))


@pytest.mark.parametrize(("ours", "theirs"), [(30, 20), (20, 30)])
def test_comparisons_end_where_the_shorter_ends(tmp_path: Path, ours: int, theirs: int) -> None:
    other = Clip("r", numbered(tmp_path / "r.mkv", theirs))
    clip = Clip("c", numbered(tmp_path / "c.mkv", ours), reference=other)
    found = examine(clip, chosen(tiny.Beside, tiny.Beside25, tiny.Greys))
    assert found.scores["beside"].frames == found.scores["beside25"].frames == min(ours, theirs)
    assert found.scores["grey"].frames == ours


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=8),
    st.lists(st.integers(0, 3), min_size=1, max_size=30),
    st.integers(1, 4),
)
def test_the_window_gives_the_rows_asked_for(
    lengths: list[int], steps: list[int], count: int
) -> None:
    total = sum(lengths)
    video = np.arange(total, dtype=np.uint8)[:, None, None, None]
    ends = np.cumsum(lengths)
    window = Window(iter(video[end - n : end] for end, n in zip(ends, lengths, strict=True)))
    rows = np.cumsum(steps)
    for first in range(0, len(rows), count):
        some = rows[first : first + count]
        window.move(some)
        assert window.take(some).ravel().tolist() == [row for row in some if row < total]


def test_what_a_clip_lacks_is_null_with_the_reason(tmp_path: Path) -> None:
    clip = Clip("c", numbered(tmp_path / "c.mkv", 5))
    found = examine(clip, chosen(tiny.Greys, tiny.Loudness, tiny.Beside))
    assert found.scores["grey"].value is not None
    assert found.scores["loudness"].reason == "no sound in this file"
    assert found.scores["beside"].reason == "no reference video"
    still = Clip("c", clip.path, still=np.zeros((8, 8, 3), np.uint8))
    found = examine(still, chosen(tiny.Greys, tiny.Beside))
    assert found.scores["beside"].reason == "the reference is a picture"


def test_a_clip_that_lacks_what_all_need_is_refused(tmp_path: Path, tone: Path) -> None:
    clip = Clip("c.mkv", numbered(tmp_path / "c.mkv", 5))
    with pytest.raises(BadInput, match=r"^c.mkv: no sound in this file$"):
        examine(clip, chosen(tiny.Loudness))
    with pytest.raises(BadInput, match="no video in this file; metrics of sound alone"):
        examine(Clip("tone.wav", tone), chosen(tiny.Loudness, tiny.Greys))
    assert examine(Clip("tone.wav", tone), chosen(tiny.Loudness)).scores["loudness"].value


def test_given_sound_is_heard_instead_of_the_clips_own(tmp_path: Path, tone: Path) -> None:
    clip = Clip("c", numbered(tmp_path / "c.mkv", 5), sound=tone)
    found = examine(clip, chosen(tiny.Loudness))
    assert found.scores["loudness"].value == pytest.approx(0.5 / 2**0.5, rel=0.01)


def test_nothing_undefined_leaves_without_a_reason(tmp_path: Path) -> None:
    clip = Clip("c", numbered(tmp_path / "c.mkv", 5))
    found = examine(clip, chosen(tiny.Faulty, tiny.Picky, tiny.Greys)).scores
    assert [found[name].value for name in ("nan", "void", "forgotten", "picky")] == [None] * 4
    assert found["nan"].reason == "not a finite number"
    assert found["void"].reason == "no reason"
    assert found["forgotten"].reason
    assert found["picky"].reason == "not to my taste"
    assert found["grey"].value is not None


@pytest.mark.parametrize(
    ("name", "encode"),
    [
        ("a.mkv", LOSSLESS),
        ("b.mp4", Encode("h264", lossless=True)),
        ("c.mov", Encode("h264", lossless=True)),
    ],
)
def test_container_and_lossless_codec_change_nothing(
    tmp_path: Path, name: str, encode: Encode
) -> None:
    clip = Clip(name, numbered(tmp_path / name, 30, encode=encode))
    found = examine(clip, chosen(tiny.Greys, tiny.Greys25))
    assert shown(found, "grey") == shown(found, "grey25") == greys(range(30))


def test_sets_are_computed_from_what_was_kept(tmp_path: Path) -> None:
    kinds = chosen(tiny.Greys, tiny.Apart)
    kept = []
    for name, count in (("a", 4), ("b", 8)):
        clip = Clip(name, numbered(tmp_path / f"{name}.mkv", count))
        kept.append(examine(clip, kinds).contributions)
    made = {"Greys": [k["Greys"] for k in kept], "Apart": [kept[0]["Apart"]]}
    found = sets(kinds, made, {"Apart": [kept[1]["Apart"]]})
    assert found["greys"].frames == 12
    assert found["apart_mean"].value == pytest.approx(abs(1.5 - 3.5) * STEP)
    assert sets(kinds, made, {})["apart_mean"].reason == "none of the reference clips can be used"


@given(st.lists(st.integers(0, 60), min_size=1, max_size=20, unique=True), st.integers(1, 30))
def test_nearest_is_the_nearest(stamps: list[int], count: int) -> None:
    times = [Fraction(stamp, 7) for stamp in sorted(stamps)]
    wanted = [Fraction(k, 5) for k in range(count)]
    for time, row in zip(wanted, nearest(times, wanted), strict=True):
        assert abs(times[row] - time) == min(abs(other - time) for other in times)
