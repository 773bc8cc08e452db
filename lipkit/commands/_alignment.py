"""What ``lipkit align`` does with one input: find the face, then cut it out of every frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit import ui
from lipkit.commands import _batch
from lipkit.commands._faces import fresh_tracker, reduced, stretch, wish_of
from lipkit.errors import BadInput

if TYPE_CHECKING:
    from lipkit.faces.geometry import Geometry
    from lipkit.faces.survey import Crop, Survey, Wish
    from lipkit.media.video import AudioTrack
    from lipkit.protocols import FaceTracker, Frames


@dataclass(frozen=True)
class Alignment:
    """What to cut out of each input and how to store it; works on one item at a time."""

    template: str
    size: int | None
    tracker: str
    detector: str
    landmarks: str | None
    face: str
    on_missing: str
    min_score: float
    codec: str
    crf: int | None
    device: str

    def __call__(self, item: _batch.Item) -> dict[str, Any]:
        """Align one input; what was found in it."""
        from lipkit.artifacts.sniff import Kind, sniff
        from lipkit.media.source import open_source

        name = "standard input" if item.inputs[0] == "-" else item.inputs[0]
        with open_source(item.inputs[0]) as path:
            kind = sniff(path)
            if kind == Kind.IMAGE:
                return self._picture(name, path, item.output)
            if kind in (Kind.VIDEO, Kind.CLIP):
                return self._video(name, path, item.output)
        raise BadInput(f"{name}: neither a video nor a picture", hint=f"it looks like {kind}")

    def _picture(self, name: str, path: Path, output: str) -> dict[str, Any]:
        from fractions import Fraction

        from lipkit.faces.survey import crops, survey
        from lipkit.media.image import read_image

        picture = read_image(path)
        for note in picture.notes:
            ui.warn(f"{name}: {note}")
        wish = wish_of(self.face, Fraction(25))
        tracker = self.finder(still=True)
        found = survey([picture.rgb[None]], tracker, wish)
        height, width = picture.rgb.shape[:2]
        geometry = self._geometry(name, path, found, wish, tracker, [Fraction(0)], (width, height))
        self._write(name, path, output, geometry, crops([picture.rgb[None]], geometry))
        return _summary(geometry, found)

    def _video(self, name: str, path: Path, output: str) -> dict[str, Any]:
        from lipkit.faces.survey import crops, survey
        from lipkit.media.probe import require_video
        from lipkit.media.video import read_frames, read_timed_frames

        info, video = require_video(path)
        wish = wish_of(self.face, video.fps)
        tracker = self.finder(still=False)
        whole = self.tracker == "file"  # its landmarks are in pixels of the source
        seen = video.size if whole else reduced(video.size)
        total = round(info.duration * video.fps) if info.duration else None
        times = []

        def watched() -> Iterator[Frames]:
            with ui.progress(total, f"finding faces in {name}") as bar:
                for part in read_timed_frames(path, size=seen):
                    times.extend(part.times)
                    yield part.frames
                    bar.advance(len(part.times))

        found = survey(watched(), tracker, wish)
        geometry = self._geometry(name, path, found, wish, tracker, times, video.size, seen)
        geometry = replace(geometry, rotation=video.rotation)
        with ui.progress(len(times), f"cutting {name}") as bar:
            cut = _counted(crops(read_frames(path), geometry), bar.advance)
            self._write(name, path, output, geometry, cut)
        return _summary(geometry, found)

    def finder(self, still: bool) -> FaceTracker:
        """What finds faces, fresh for another picture or video."""
        if self.tracker == "file":
            from lipkit.faces.file import FileTracker

            assert self.landmarks is not None
            return FileTracker(_landmark_bytes(self.landmarks), self.landmarks)
        return fresh_tracker(
            self.tracker,
            still=still,
            min_score=self.min_score,
            device=self.device,
            detector=self.detector,
        )

    @property
    def crop(self) -> Crop:
        """What crops to cut."""
        from lipkit.faces.survey import Crop
        from lipkit.faces.templates import SIZES

        return Crop(self.template, self.size or SIZES[self.template], self.on_missing)

    def _geometry(
        self,
        name: str,
        path: Path,
        found: Survey,
        wish: Wish,
        tracker: FaceTracker,
        times: list[Any],
        frame_size: tuple[int, int],
        seen: tuple[int, int] | None = None,
    ) -> Geometry:
        """The geometry of one input; BadInput where nobody, or not the one wanted, is in it."""
        from lipkit.faces.survey import locate, missing
        from lipkit.provenance import digest

        if not found.found:
            raise self._nobody(name, found)
        gaps = missing(found.path.valid)
        if gaps:
            where = ", ".join(stretch(gap, times) for gap in gaps[:5])
            more = f" and {len(gaps) - 5} more stretches" if len(gaps) > 5 else ""
            line = f"{name}: no face in {where}{more}"
            if self.on_missing == "fail":
                raise BadInput(line, hint="lower --min-score, or use --on-missing pass or hold")
            did = "passed through" if self.on_missing == "pass" else "held where it was"
            ui.warn(f"{line}; {did} (--on-missing changes that)")
        geometry = locate(
            found,
            self.crop,
            wish,
            scheme=tracker.scheme,
            times=times,
            frame_size=frame_size,
            seen_size=seen,
        )
        return replace(geometry, tracker=tracker.name, source=digest(path))

    def _nobody(self, name: str, found: Survey) -> BadInput:
        if found.most_faces and self.face.isdigit():
            return BadInput(
                f"{name}: no face {self.face}, it shows at most {found.most_faces} at a time",
                hint="--face 1 is the leftmost",
            )
        if found.most_faces:
            return BadInput(
                f"{name}: nobody in it looks like {self.face}", hint="choose by --face left or 1"
            )
        return BadInput(
            f"no face found in {name}",
            hint="a lower --min-score finds more; --tracker file takes landmarks of your own",
        )

    def _write(
        self, name: str, path: Path, output: str, geometry: Geometry, cut: Iterator[Frames]
    ) -> None:
        from lipkit import provenance
        from lipkit.media.probe import probe
        from lipkit.media.video import AudioTrack

        picture = len(geometry) == 1
        sound = not picture and probe(path).audio is not None
        settings = {k: v for k, v in asdict(self).items() if v is not None}
        record = provenance.record("align", settings, [provenance.source(name, path)])
        audio = AudioTrack(path) if sound else None
        self.write(None if output == "-" else Path(output), geometry, cut, audio, record)

    def write(
        self,
        target: Path | None,
        geometry: Geometry,
        cut: Iterator[Frames],
        audio: AudioTrack | None,
        record: dict[str, Any],
    ) -> None:
        """Write crops with their sound as a clip to ``target``; None is standard output."""
        from lipkit.artifacts.clip import LOSSLESS, open_clip_writer
        from lipkit.media.video import Encode

        tensors, header = geometry.to_tensors()
        with open_clip_writer(
            target,
            tensors,
            header | {"provenance": record},
            size=geometry.size,
            times=geometry.times,
            audio=audio,
            encode=LOSSLESS if self.codec == "ffv1" else Encode(self.codec, crf=self.crf),
            provenance=record,
        ) as writer:
            for frames in cut:
                writer.write(frames)


def _landmark_bytes(name: str) -> bytes:
    from lipkit.media.source import open_source

    with open_source(name) as path:
        return path.read_bytes()


def _counted(chunks: Iterator[Frames], advance: Callable[[int], None]) -> Iterator[Frames]:
    for chunk in chunks:
        yield chunk
        advance(len(chunk))


def _summary(geometry: Geometry, found: Survey) -> dict[str, Any]:
    return {
        "frames": len(geometry),
        "with_face": int(found.path.valid.sum()),
        "shots": int(found.shot[-1]) + 1,
        "most_faces": found.most_faces,
    }
