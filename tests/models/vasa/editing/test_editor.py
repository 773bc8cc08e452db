"""Whole frames with other lips."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from lipkit.artifacts.motion import Motion
from lipkit.errors import BadInput
from lipkit.faces import mesh
from lipkit.faces.mediapipe import MediapipeTracker
from lipkit.models.vasa import pipeline
from lipkit.models.vasa.config import SamplingConfig
from lipkit.models.vasa.editing import MouthEditor
from lipkit.models.vasa.editing.field import mouth_box
from lipkit.protocols import Features, Layout

ROWS = list(range(4, 8))


@pytest.fixture
def editor(tiny):
    return MouthEditor(tiny, SamplingConfig(steps=2))


@pytest.fixture(scope="module")
def speaking(voice):
    """A voice that opens the mouth wide in its second half."""
    return voice([0.0] * 6 + [0.3] * 30)


def edit(editor, clip, voice, rows=ROWS, frames=None, track=None):
    track = track or clip.track
    study = editor.study(track, clip.read)
    times = [clip.track.times[row] for row in rows]
    frames = clip.frames[rows] if frames is None else frames
    return editor.edit(frames, rows, times, track, voice, study)


def test_hears_and_edits_with_the_model_itself(editor, clip, babble):
    voice = editor.hear([babble(1.0), babble(0.5)])
    out = edit(editor, clip, voice)
    assert out.shape == clip.frames[ROWS].shape
    assert out.dtype == np.uint8


def test_motion_moves_lips_as_the_sound_that_it_was_made_for(editor, clip, babble):
    heard = pipeline.hear(editor.model, [babble(1.5)])
    moved = np.concatenate(list(pipeline.move(editor.model, heard, editor.sampling, seed=0)))
    motion = Motion(moved, pipeline.VoiceGenerator.layout, Fraction(25))
    times = [Fraction(row, 25) for row in range(30)]
    found = editor.follow(motion, "m").at(times, Fraction(25))
    assert found == pytest.approx(editor.hear([babble(1.5)]).at(times, Fraction(25)), abs=1e-6)
    double = replace(motion, data=np.repeat(moved, 2, 0), fps=Fraction(50))
    assert editor.follow(double, "m").at(times[2:], Fraction(25)) == pytest.approx(
        found[2:], abs=0.03
    )
    with pytest.raises(BadInput, match="m: motion for the codec other, but builtin"):
        editor.follow(replace(motion, layout=Layout("other", motion.layout.channels)), "m")


def test_features_are_taken_of_its_own_encoder_only(editor):
    rows = np.full((80, 1, 80), -3, np.float32)
    with pytest.raises(BadInput, match="needs mel-64"):
        editor.recall(Features(rows, Fraction(100), "mel"), "f")


def test_only_the_lower_face_changes(editor, clip, speaking):
    out = edit(editor, clip, speaking)
    for row, before, after in zip(ROWS, clip.frames[ROWS], out, strict=True):
        points = clip.track.points[row]
        unit = float(mesh.face_frame(points.astype(float)).unit)
        box = mouth_box(points, unit * 1.05, (512, 512))
        changed = (before != after).any(-1)
        assert changed.any()
        changed[box.slices] = False
        assert not changed.any()


def test_lips_part_and_close_as_asked(editor, clip, voice):
    tracker = MediapipeTracker(max_faces=1, still=True)
    found = []
    for aperture in (0.0, 0.12):
        out = edit(editor, clip, voice([aperture] * 20), rows=[6])
        found.append(float(mesh.aperture(tracker.detect(out)[0][0].points)))
    assert found[0] < 0.02
    assert found[1] > 0.05


def test_chunks_change_nothing(editor, clip, speaking):
    whole = edit(editor, clip, speaking)
    parts = [edit(editor, clip, speaking, rows=[row]) for row in ROWS]
    assert np.array_equal(whole, np.concatenate(parts))


def test_threads_change_nothing(editor, tiny, clip, speaking):
    both = MouthEditor(tiny, SamplingConfig(), threads=2)
    assert np.array_equal(edit(editor, clip, speaking), edit(both, clip, speaking))


def test_the_given_frames_stay_as_they_are(editor, clip, speaking):
    frames = clip.frames[ROWS].copy()
    edit(editor, clip, speaking, frames=frames)
    assert np.array_equal(frames, clip.frames[ROWS])


def test_alpha_is_left_alone(editor, clip, speaking):
    alpha = np.random.default_rng(0).integers(0, 256, clip.frames[ROWS].shape[:3], np.uint8)
    out = edit(
        editor, clip, speaking, frames=np.concatenate([clip.frames[ROWS], alpha[..., None]], -1)
    )
    assert np.array_equal(out[..., 3], alpha)
    assert np.array_equal(out[..., :3], edit(editor, clip, speaking))


def test_deep_colour_agrees_with_plain(editor, clip, speaking):
    deep = edit(editor, clip, speaking, frames=clip.frames[ROWS].astype(np.uint16) * 257)
    plain = edit(editor, clip, speaking)
    assert deep.dtype == np.uint16
    assert np.abs(deep / 257 - plain).max() <= 1
    same = (plain == clip.frames[ROWS]).all(-1)
    assert (deep == clip.frames[ROWS].astype(np.uint16) * 257).all(-1)[same].mean() > 0.95


def test_frames_without_a_face_pass(editor, clip, speaking):
    valid, points = clip.track.valid.copy(), clip.track.points.copy()
    valid[5], points[5] = False, 0
    out = edit(editor, clip, speaking, track=replace(clip.track, valid=valid, points=points))
    assert np.array_equal(out[1], clip.frames[5])


def test_a_clip_without_any_face_passes(editor, clip, speaking):
    track = replace(clip.track, valid=np.zeros(len(clip.track), bool))
    assert np.array_equal(edit(editor, clip, speaking, track=track), clip.frames[ROWS])


def test_a_mouth_out_of_view_passes(editor, clip, speaking):
    away = clip.track.points + np.array([400, 0, 0], np.float32)
    out = edit(editor, clip, speaking, track=replace(clip.track, points=away))
    assert np.array_equal(out, clip.frames[ROWS])


def test_the_same_source_frame_can_be_seen_at_other_times(editor, clip, speaking):
    study = editor.study(clip.track, clip.read)
    rows, times = [6, 6], [clip.track.times[2], clip.track.times[10]]
    out = editor.edit(clip.frames[rows], rows, times, clip.track, speaking, study)
    assert not np.array_equal(out[0], out[1])
