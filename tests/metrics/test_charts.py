from __future__ import annotations

from lipkit.metrics.charts import charts


def test_the_offset_is_marked_where_the_distance_is_least() -> None:
    means = [10.0] * 31
    means[15 - 3] = 6.0  # offset = 15 - index, specified by SyncNet
    (chart,) = charts({"lse_c": {"distance": means}}, {}, 25)
    (mark,) = [mark for mark in chart.marks if mark.x is not None]
    assert (mark.x, mark.words) == (3, "offset +3")
    assert chart.note == "confidence 4.00"
    curve = chart.curves[0]
    lowest = list(curve.values).index(6.0)
    assert curve.start + lowest * curve.step == 3
    assert "least 6.00 at +3" in chart.summary


def test_the_mouth_is_drawn_over_the_sound_on_scales_of_their_own() -> None:
    curves = {"mouth_motion": {"aperture": [0.0, None, 0.1], "loudness": [0.5, 0.6, 0.9]}}
    (chart,) = charts(curves, {}, 25)
    behind, before = chart.curves
    assert (behind.filled, before.filled) == (True, False)
    assert behind.scale is not None
    assert behind.scale.high > 0.9
    assert chart.y.high < 0.2
    assert "1 of 3 frames without a value" in chart.summary


def test_a_clip_without_sound_shows_the_mouth_alone() -> None:
    (chart,) = charts({"mouth_motion": {"aperture": [0.0, 0.1]}}, {}, 25)
    assert [curve.look for curve in chart.curves] == ["mouth"]
    assert "no sound" in chart.summary


def test_the_reference_is_drawn_on_the_same_scale() -> None:
    own = {"aperture": [0.0, 0.1], "aperture of the reference": [0.0, 0.4, 0.2]}
    (chart,) = charts({"mtm": own}, {}, 25)
    assert len(chart.curves) == 2
    assert all(curve.scale is None for curve in chart.curves)
    assert chart.y.high > 0.4


def test_curves_per_frame_run_at_the_rate_of_the_clip_and_others_at_25() -> None:
    values = [0.5] * 60
    source, regular = charts(
        {"psnr": {"per frame": values}, "blink_rate": {"eye aspect ratio": values}},
        {"psnr": "PSNR", "blink_rate": "Blinks"},
        30,
    )
    assert (source.title, source.x.high, source.minor) == ("PSNR", 2, True)
    assert (regular.title, regular.x.high) == ("Blinks: eye aspect ratio", 2.4)


def test_curves_without_any_value_are_left_out() -> None:
    curves = {"csim": {"identity": [None, None]}, "psnr": {"per frame": []}, "lse_c": {}}
    assert charts(curves, {}, 25) == []


def test_identity_starts_at_nought_or_below() -> None:
    (chart,) = charts({"csim": {"identity": [0.8, 0.9, None]}}, {"csim": "CSIM"}, 25)
    assert (chart.y.low, chart.y.high) == (0, 1)
    (chart,) = charts({"csim": {"identity": [-0.2, 0.9]}}, {"csim": "CSIM"}, 25)
    assert chart.y.low == -0.2
