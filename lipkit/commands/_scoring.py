"""One clip scored: opened, shown to the metrics, and what is kept of it for sets and reports."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit import __version__, ui
from lipkit.commands._batch import Item
from lipkit.commands._score_inputs import Take, kind_of
from lipkit.commands._score_keep import Folder, Sources, View, write_contribution
from lipkit.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lipkit.metrics.choice import Chosen
    from lipkit.metrics.clip import Clip
    from lipkit.metrics.engine import Findings
    from lipkit.protocols import Score

Wanted = tuple[tuple[str, tuple[str, ...]], ...]  # metrics' names, and their measures'


@dataclass(frozen=True)
class Scoring:
    """How to score one clip; travels to worker processes."""

    wanted: Wanted
    folder: Folder
    pictures: bool = False  # a report will show the clips

    def __call__(self, item: Item) -> dict[str, Any]:
        """The clip's ``line``, and ``kept``: set metric to the file of its contribution."""
        from lipkit.metrics.choice import recall
        from lipkit.metrics.engine import work

        assert isinstance(item, Take)
        chosen = [recall(*one) for one in self.wanted]
        if item.real or item.only_sets:
            chosen = [one.without_clips() for one in chosen if one.set_measures]
        if item.real:
            chosen = [one for one in chosen if "set" in one.metric.needs]
        with ExitStack() as stack:
            sources, clip = opened(stack, item)
            with ui.progress(work(clip, chosen), f"scoring {item.clip}") as bar:
                findings = examined(item, clip, chosen, bar)
            kept = {}
            for one in chosen:
                if one.set_measures:
                    path = self.folder.contribution(sources.share(one))
                    write_contribution(path, one.name, findings.contributions.get(one.name, {}))
                    kept[one.name] = str(path)
            if item.real or item.only_sets:
                return {"kept": kept}
            remark(item, clip, chosen)
            key = sources.key(chosen)
            if self.pictures:
                view_of(clip, findings.scores).write(self.folder.view(key))
            line = line_of(item, clip, key, chosen, findings.scores)
            return {"line": line, "kept": kept}


def examined(take: Take, clip: Clip, chosen: Sequence[Chosen], bar: ui.Progress) -> Findings:
    """What the metrics find; nothing in a clip whose line says already that it cannot be used."""
    from lipkit.metrics.engine import Findings, examine

    try:
        return examine(clip, chosen, bar.advance)
    except BadInput:
        if not take.only_sets:
            raise
        return Findings({}, {})


def opened(stack: ExitStack, take: Take) -> tuple[Sources, Clip]:
    """The clip with its reference and sound, and their files; BadInput if it is no video."""
    from lipkit.artifacts.sniff import Kind, sniff
    from lipkit.media.image import read_image
    from lipkit.media.source import open_source
    from lipkit.metrics.clip import Clip

    path = stack.enter_context(open_source(take.clip))
    kind = sniff(path)
    if kind not in (Kind.VIDEO, Kind.CLIP, Kind.AUDIO, Kind.UNKNOWN):
        raise BadInput(f"{path}: {kind}, not a video")
    sound = stack.enter_context(open_source(take.sound)) if take.sound else None
    reference, still, other = None, None, None
    if take.reference:
        other = stack.enter_context(open_source(take.reference))
        if kind_of(take.reference) is Kind.IMAGE:
            still = read_image(other).rgb
        else:
            reference = reference_of(take.reference)
    clip = Clip(take.clip, path, sound=sound, reference=reference, still=still)
    return Sources(path, other, sound), clip


def remark(take: Take, clip: Clip, chosen: Sequence[Chosen]) -> None:
    """Say what makes the scores of a clip less than they seem."""
    from lipkit.metrics.engine import unreliable

    if unreliable(clip):
        share = float(clip.track.valid.mean())
        ui.warn(f"{take.clip}: unreliable: only {share:.0%} of the frames show a face")
    other = clip.reference
    compared = any("reference" in one.metric.needs for one in chosen)
    if compared and other is not None and abs(clip.end - other.end) > 1 / clip.fps:
        lengths = f"{float(clip.end):.2f} s, its reference {float(other.end):.2f} s"
        ui.say(f"{take.clip}: {lengths}: compared as far as both go")


@lru_cache(maxsize=1)
def reference_of(name: str) -> Clip:
    """A reference video; many clips in a row may have the same, whose face is found once."""
    from lipkit.metrics.clip import Clip

    return Clip(name, Path(name))


def line_of(
    take: Take, clip: Clip, key: str, chosen: Sequence[Chosen], scores: Mapping[str, Score]
) -> dict[str, Any]:
    """The clip's JSON object."""
    from lipkit.artifacts.scores import row_of
    from lipkit.metrics.engine import unreliable

    shaky = unreliable(clip)
    length = clip.end or clip.info.duration
    facts = {
        "clip": take.clip,
        "reference": take.reference,
        "audio": take.sound,
        "frames": clip.frame_count,
        "fps": round(float(clip.fps), 3) if clip.info.video else None,
        "size": list(clip.size) if clip.info.video else None,
        "duration": round(float(length), 3) if length is not None else None,
        "faces": None if shaky is None else round(float(clip.track.valid.mean()), 4),
        "unreliable": shaky,
        "lipkit": __version__,
        "key": key,
        "status": "ok",
    }
    return row_of(facts, [m for one in chosen for m in one.measures], scores)


def view_of(clip: Clip, scores: Mapping[str, Score]) -> View:
    """What the report shows of a clip."""
    curves = {name: score.curves for name, score in scores.items() if score.curves}
    other = clip.reference
    return View(curves, strip_of(clip), strip_of(other) if other is not None else ())


def strip_of(clip: Clip) -> tuple[Any, ...]:
    """A few small pictures of a clip, of the face where somebody looked for one."""
    from lipkit.metrics.strips import face_window, strip

    if clip.info.video is None:
        return ()
    window = face_window(clip.track) if clip.tracked else (0, 0, *clip.size)
    return strip(clip.path, clip.times, window, clip.size)
