"""One piece of a video through the filters: cut, judged, and kept as a clip or not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit.commands._alignment import Alignment
from lipkit.errors import LipkitError

if TYPE_CHECKING:
    from lipkit.faces.geometry import Geometry
    from lipkit.filters.pieces import Piece
    from lipkit.filters.recording import Recording
    from lipkit.filters.scenery import SceneryWatch
    from lipkit.filters.verdicts import Trial
    from lipkit.protocols import Frames


def outcome(trial: Trial, clip: str | None = None) -> dict[str, Any]:
    """The end of a row: what became of a piece, and what each filter said."""
    facts = {"clip": clip, "shift": shift_of(trial) if clip else 0, "dropped_by": trial.dropped_by}
    return facts | {"filters": trial.rows}


def shift_of(trial: Trial) -> int:
    """The frames by which the sound comes too early, as far as somebody looked."""
    offset = trial.given.get("sync_offset")
    return round(offset.value or 0) if offset else 0


@dataclass(frozen=True)
class Cutter:
    """Cuts one piece of a recording; ``origin`` is what the clip's record says of its source."""

    alignment: Alignment
    recording: Recording
    piece: Piece
    settings: dict[str, Any]
    origin: dict[str, Any]

    @property
    def facts(self) -> dict[str, Any]:
        """Where the piece lies."""
        piece, fps = self.piece, self.recording.fps
        return {
            "shot": piece.shot,
            "start": round(float(piece.start / fps), 3),
            "end": round(float(piece.end / fps), 3),
            "frames": len(piece),
            "fps": str(fps),
        }

    def cut(self, trial: Trial, target: Path) -> None:
        """Put the piece through the filters and, if it stays, a clip at ``target``."""
        from lipkit.filters.judging import judge

        if not judge(trial, self.recording, self.piece):
            return
        with tempfile.TemporaryDirectory(prefix="lipkit-") as name:
            made = Path(name) / target.name
            self._make(trial, made)
            if trial.dropped_by is None:
                target.parent.mkdir(parents=True, exist_ok=True)
                _copy(made, target)

    def _make(self, trial: Trial, made: Path) -> None:
        """Cut the clip, judge it, and bring its sound to the lips."""
        from lipkit.filters.scenery import SceneryWatch
        from lipkit.filters.scores import judge

        geometry = self.recording.geometry(self.piece, self.alignment.crop)
        scenery = None
        if trial.of("pictures"):
            size, fps = self.recording.source.size, float(self.recording.fps)
            scenery = SceneryWatch(geometry.box, size, fps)
        self._write(made, geometry, 0, scenery)
        if scenery and not trial.judge({"background": scenery.value}):
            return
        rules = trial.of("clip")
        if rules and trial.judge(judge(made, rules)) and shift_of(trial):
            self._write(made, geometry, shift_of(trial), None)

    def _write(
        self, path: Path, geometry: Geometry, shift: int, scenery: SceneryWatch | None
    ) -> None:
        """The clip with its sound ``shift`` frames later."""
        from lipkit import provenance
        from lipkit.faces.survey import crops
        from lipkit.media.video import AudioTrack

        record = provenance.record(
            "align", self.settings | self.facts | {"shift": shift}, [self.origin]
        )
        with tempfile.NamedTemporaryFile(suffix=".wav") as sound:
            self._voice(Path(sound.name), shift)
            cut = crops(self._shown(scenery), geometry)
            self.alignment.write(path, geometry, cut, AudioTrack(Path(sound.name)), record)

    def _shown(self, scenery: SceneryWatch | None) -> Iterator[Frames]:
        for frames in self.recording.frames(self.piece):
            if scenery is not None:
                scenery.see(frames)
            yield frames

    def _voice(self, path: Path, shift: int) -> None:
        import soundfile

        from lipkit.filters.judging import samples
        from lipkit.filters.sounds import RATE, heard

        fps, count = self.recording.fps, samples(self.piece, self.recording)
        start, later = float(self.piece.start / fps), float(shift / fps)
        wave = heard(self.recording.wave, start, count, later)
        soundfile.write(path, wave, RATE, subtype="PCM_16")


def clear(folder: Path, source: str) -> None:
    """Remove what a run that was broken off left of the clips of the video with digest ``source``.

    LipkitError if there is anything else of their names.
    """
    from lipkit.artifacts.clip import read_provenance

    for path in sorted(folder.glob("[0-9][0-9][0-9]*.mkv")):
        inputs = read_provenance(path).get("inputs") or [{}]
        if inputs[0].get("sha256") != source:
            raise LipkitError(f"{path}: in the way, and of another video", hint="another --out-dir")
        path.unlink()


def _copy(made: Path, target: Path) -> None:
    import shutil

    from lipkit.media.target import open_target

    with open_target(target) as part:
        shutil.copyfile(made, part)
