"""The charts of one clip, made of the curves that its metrics kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean, median

from lipkit.metrics.plots import Chart, Curve, Mark, Scale, Values, present, span

RATE = 25  # curves have a value for each of 25 frames a second,
EACH = "per frame"  # but the one of this name has one for each frame of the clip

Curves = Mapping[str, Values]


def charts(curves: Mapping[str, Curves], titles: Mapping[str, str], fps: float) -> list[Chart]:
    """Charts of all curves with a value: the well-known ones first, each other one plainly.

    ``curves`` maps a measure's name to its curves by name, ``titles`` to what people call it;
    ``fps`` is the clip's own frame rate.
    """
    drawn, left = [], {name: dict(own) for name, own in curves.items()}
    for wanted, draw in KNOWN:
        for name, own in left.items():
            if present(own.get(wanted[0], ())):
                drawn.append(
                    draw(titles.get(name, name), {key: own.get(key, ()) for key in wanted})
                )
                left[name] = {key: values for key, values in own.items() if key not in wanted}
    for name, own in left.items():
        for key, values in own.items():
            if present(values):
                title = titles.get(name, name)
                drawn.append(
                    plain(title, values, fps) if key == EACH else plain(f"{title}: {key}", values)
                )
    return drawn


def mouth(_: str, curves: Curves) -> Chart:
    """The mouth's aperture over the loudness of the sound, which has a scale of its own."""
    title = "Mouth aperture over loudness"
    aperture, loudness = curves["aperture"], curves.get("loudness", ())
    seconds = max(len(aperture), len(loudness)) / RATE
    y = span(aperture, zero=True, least=0.02)
    lines = [Curve(aperture, "mouth", "aperture in eye distances", step=1 / RATE)]
    heard = "no sound"
    if loud := present(loudness):
        full = Scale(0, max(max(loud), 1e-4) * 1.05)
        voice = Curve(loudness, "voice", "loudness (own scale)", 0, 1 / RATE, full, filled=True)
        lines.insert(0, voice)
        heard = f"loudness up to {max(loud):.3f}"
    summary = f"Mouth aperture over {seconds:.1f} seconds: {_range(aperture)}; {heard}."
    return Chart(title, summary, _clock(seconds), y, tuple(lines), wide=True)


def mouths(_: str, curves: Curves) -> Chart:
    """The mouth's aperture beside that of the reference."""
    made, real = curves["aperture"], curves["aperture of the reference"]
    seconds = max(len(made), len(real)) / RATE
    lines = (
        Curve(real, "real", "reference", step=1 / RATE),
        Curve(made, "mouth", "this clip, in eye distances", step=1 / RATE),
    )
    summary = f"Mouth aperture over {seconds:.1f} seconds: {_range(made)}; "
    summary += f"of the reference: {_range(real)}."
    y = span([*made, *real], zero=True, least=0.02)
    return Chart("Mouth beside the reference's", summary, _clock(seconds), y, lines, wide=True)


def distance(_: str, curves: Curves) -> Chart:
    """SyncNet's mean distance at each lag, with the lag of the least marked."""
    values = curves["distance"]
    reach = (len(values) - 1) // 2
    there = present(values)
    least, middle = min(there), median(there)
    # Lags run the other way than offsets: +k says that the sound comes k frames too early.
    offset = reach - list(values).index(least)
    flipped = list(values)[::-1]
    summary = (
        f"SyncNet distance at offsets from {-reach} to {reach} frames: least {least:.2f} at "
        f"{offset:+d}, median {middle:.2f}, so the confidence is {middle - least:.2f}."
    )
    note = f"confidence {middle - least:.2f}"
    marks = (Mark(x=offset, words=f"offset {offset:+d}"), Mark(y=middle))
    x = Scale(-reach, reach, "frames, + where the sound is early")
    curve = Curve(flipped, "sync", "mean distance", start=-reach)
    return Chart("SyncNet distance", summary, x, span(values, least=1), (curve,), marks, note)


def confidence(_: str, curves: Curves) -> Chart:
    """SyncNet's confidence frame by frame."""
    values = curves["confidence"]
    summary = f"Confidence of lip sync frame by frame: {_range(values)}."
    y = span(values, zero=True, least=1)
    return _over_time("SyncNet confidence", summary, values, y, "sync")


def identity(title: str, curves: Curves) -> Chart:
    """How like the person of the reference each frame looks."""
    values = curves["identity"]
    summary = f"Identity frame by frame, cosine of face embeddings: {_range(values)}."
    y = Scale(min(0.0, *present(values)), 1)
    return _over_time(title, summary, values, y, "face")


def plain(title: str, values: Values, rate: float = RATE) -> Chart:
    """Any curve over time, small, ``rate`` values a second."""
    summary = f"{title} over time: {_range(values)}."
    chart = _over_time(title, summary, values, span(values), "other", rate)
    return replace(chart, minor=True)


def _over_time(
    title: str, summary: str, values: Values, y: Scale, look: str, rate: float = RATE
) -> Chart:
    """A curve with its mean as a line."""
    mean = fmean(present(values))
    curve = Curve(values, look, title, step=1 / rate)
    x = _clock(len(values) / rate)
    return Chart(title, summary, x, y, (curve,), (Mark(y=mean),), f"mean {mean:.3g}")


# Which curves of one measure belong into one chart; the first of them must be there.
KNOWN: tuple[tuple[tuple[str, ...], Callable[[str, Curves], Chart]], ...] = (
    (("loudness", "aperture"), mouth),
    (("aperture of the reference", "aperture"), mouths),
    (("aperture",), mouth),
    (("distance",), distance),
    (("confidence",), confidence),
    (("identity",), identity),
)


def _clock(seconds: float) -> Scale:
    return Scale(0, max(seconds, 1 / RATE), clock=True)


def _range(values: Sequence[float | None]) -> str:
    """Least, greatest and mean value, and how many frames have none."""
    there = present(values)
    if not there:
        return "no value in any frame"
    missing = len(values) - len(there)
    gaps = f", {missing} of {len(values)} frames without a value" if missing else ""
    return f"from {min(there):.3g} to {max(there):.3g}, mean {fmean(there):.3g}{gaps}"
