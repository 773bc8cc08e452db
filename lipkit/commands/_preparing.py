"""What ``lipkit align`` does with filters: one video in, the clips out of it that are any good."""

from __future__ import annotations

import hashlib
import json
import mimetypes
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit import __version__, jsonl, ui
from lipkit.commands import _batch
from lipkit.commands._alignment import Alignment
from lipkit.commands._cutting import Cutter, clear, outcome
from lipkit.commands._faces import reduced, wish_of
from lipkit.errors import BadInput, BadUsage
from lipkit.filters.rules import Rule
from lipkit.filters.verdicts import Trial, Value
from lipkit.runtime import cores

if TYPE_CHECKING:
    from lipkit.filters.recording import Recording

REPORT = ".jsonl"


def runnable(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The filters that can run; what was asked for by name and cannot is an error.

    Others are left out with a note, but for cuts, which lipkit finds by itself then.
    """
    from lipkit.filters.scores import obstacle

    found = []
    for rule in rules:
        problem = obstacle(rule)
        if problem is None:
            found.append(rule)
            continue
        if rule.named:
            raise problem
        if rule.name == "shots":
            found.append(replace(rule, bound=None))
        ui.warn(f"without the filter {rule.name}: {problem}")
    return tuple(found)


def videos(names: Sequence[str]) -> list[tuple[str, str]]:
    """Each video, and what its clips are named after: its place in the folder that was given."""
    found = []
    for name in names:
        if name == "-" or not Path(name).is_dir():
            found.append((name, "stdin" if name == "-" else Path(name).stem))
            continue
        inside = [path for path in _batch.expand(name) if _is_video(Path(path))]
        if not inside:
            raise BadInput(f"{name}: no video in this folder")
        found += [(path, str(Path(path).relative_to(name).with_suffix(""))) for path in inside]
    return found


def _is_video(path: Path) -> bool:
    """Whether a file of a folder is meant to be a video, be it a broken one."""
    from lipkit.artifacts.sniff import Kind, sniff

    named = (mimetypes.guess_type(path.name)[0] or "").startswith("video/")
    return named or (path.stat().st_size > 0 and sniff(path) in (Kind.VIDEO, Kind.CLIP))


def plan(
    inputs: Sequence[tuple[str, str]],
    out_dir: str,
    *,
    jobs: int,
    force: bool,
    skip_existing: bool,
) -> _batch.Plan:
    """Where the report on each video goes; its clips lie in a folder of that name."""
    if not inputs:
        raise BadUsage("nothing to do: no inputs given")
    items = [_batch.Item((name,), str(Path(out_dir, stem + REPORT))) for name, stem in inputs]
    _batch.refuse_clashes(items)
    for folder in {str(Path(item.output).parent) for item in items}:
        _batch.make_folder(folder)
    return _batch.Plan(tuple(items), False, jobs or cores(), force, skip_existing)


@dataclass(frozen=True)
class Preparation:
    """How to cut the clips into ``out_dir``, and by which filters; works on one video at a time."""

    alignment: Alignment
    rules: tuple[Rule, ...]
    fps: Fraction
    out_dir: str

    @property
    def settings(self) -> dict[str, Any]:
        """What the clips depend on."""
        filters = {rule.name: str(rule.bound or "") for rule in self.rules}
        own = {k: v for k, v in asdict(self.alignment).items() if v is not None}
        return own | {"filters": filters, "fps": str(self.fps)}

    @property
    def mark(self) -> str:
        """A short name of the settings and the version, to tell clips made otherwise."""
        text = json.dumps([__version__, self.settings], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def __call__(self, item: _batch.Item) -> dict[str, Any]:
        """Cut one video's clips and write the report on its pieces; how many there are."""
        from lipkit.media.source import open_source
        from lipkit.media.target import open_target

        name, report = item.inputs[0], Path(item.output)
        folder = report.with_suffix("")
        with open_source(name) as path:
            shared = {"source": name, "made_by": self.mark}
            rows = [shared | row for row in self._rows(name, path, folder)]
        with open_target(report) as part:
            part.write_text("".join(jsonl.row(row) + "\n" for row in rows))
        clips = [row["clip"] for row in rows if row["clip"]]
        dropped = Counter(row["dropped_by"] for row in rows if row["dropped_by"])
        return {"pieces": len(rows), "kept": len(clips), "dropped": dropped, "clips": clips}

    def _rows(self, name: str, path: Path, folder: Path) -> Iterator[dict[str, Any]]:
        from lipkit.filters.pieces import pieces
        from lipkit.provenance import source

        try:
            recording = self._watch(name, path)
        except BadInput as problem:
            if not self._rule("readable"):
                raise
            trial = Trial(self.rules)
            trial.judge({"readable": Value(None, problem.message.removeprefix(f"{path}: "))})
            yield outcome(trial)
            return
        length = self._rule("length")
        bound = length.bound if length else None
        origin = source(name, path)
        clear(folder, origin["sha256"])
        for k, piece in enumerate(pieces(recording.cuts, len(recording), recording.fps, bound)):
            trial = Trial(self.rules)
            cutter = Cutter(self.alignment, recording, piece, self.settings, origin)
            target = folder / f"{k:03d}.mkv"
            cutter.cut(trial, target)
            clip = None if trial.dropped_by else str(target.relative_to(self.out_dir))
            yield cutter.facts | outcome(trial, clip)

    def _rule(self, name: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.name == name), None)

    def _watch(self, name: str, path: Path) -> Recording:
        from lipkit.filters.recording import Way, watch
        from lipkit.media.probe import require_video

        info, video = require_video(path)
        shots = self._rule("shots")
        threshold = shots.bound.low if shots and shots.bound else None
        whole = self.alignment.tracker == "file"  # its landmarks are in pixels of the source
        way = Way(self.fps, video.size if whole else reduced(video.size), bool(shots), threshold)
        face, total = self.alignment.face, round((info.duration or 0) * video.fps)
        with ui.progress(total or None, f"finding faces in {name}") as bar:
            tracker = self.alignment.finder(still=False)
            return watch(path, tracker, lambda fps: wish_of(face, fps), way, bar.advance)
