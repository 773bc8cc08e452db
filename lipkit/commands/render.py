"""``lipkit render``: motion, crops or latents become a video."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lipkit import provenance, ui
from lipkit.commands import _batch, _options, _portrait, _video
from lipkit.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lipkit.artifacts.clip import Clip
    from lipkit.commands._batch import Item
    from lipkit.faces.geometry import Geometry
    from lipkit.media.storage import Storage
    from lipkit.media.video import AudioTrack
    from lipkit.protocols import Pixels


@click.command()
@click.argument("made", metavar="MOTION|CROPS|LATENTS")
@click.argument("source", metavar="SOURCE")
@_options.output
@_options.force
@_portrait.options
@click.option(
    "--fps",
    default="source",
    show_default=True,
    help="Frames a second of motion, or of a portrait's latents.",
)
@click.option(
    "--model",
    help="Preset, run or weights file whose autoencoder finishes latents; by default theirs.",
)
@click.option(
    "--upscale",
    type=click.IntRange(min=1),
    metavar="N",
    help="Enlarge square crops to N pixels by the super-resolution of --upscaler.",
)
@click.option(
    "--upscaler",
    default="vlogger",
    show_default=True,
    metavar="MODEL",
    help="Preset, run or weights file of a model that enlarges.",
)
@_video.encode_alike
@_options.device
@_options.common
def render(made: str, source: str, output: str | None, force: bool, **options: Any) -> int:
    """Turn motion, crops or latents into a video.

    MOTION is what animate --emit motion made; it moves the face in the picture SOURCE, whoever
    that is. CROPS is a clip from animate or sync --emit crops, or from align; it goes back into
    the picture or video SOURCE that it was cut from. LATENTS are what animate or sync --emit
    latents made; they are decoded and go back into the very SOURCE. One of both may be - for
    stdin.

    \b
    lipkit render motion.safetensors face.jpg -o talk.mp4
    lipkit animate face.jpg a.wav --emit crops -o - | lipkit render - face.jpg -o talk.mp4
    lipkit render latents.safetensors talk.mp4 -o out.mp4
    lipkit render crops.mkv face.jpg --upscale 512 --upscaler runs/vlogger -o talk.mp4
    """
    plan = _batch.plan([(made, source)], output=output, out_dir=None, suffix=".mp4", force=force)
    video = {k: options.pop(k) for k in ("video_codec", "encode_preset", "crf", "container")}
    return _batch.execute(plan, Rendering(**options, video=video))


@dataclass(frozen=True)
class Rendering:
    """How to render one item."""

    codec: str | None
    face: str
    fps: str
    audio: str | None
    max_side: int
    model: str | None = None
    device: str = "auto"
    upscale: int | None = None
    upscaler: str = "vlogger"
    video: dict[str, Any] = field(default_factory=dict)

    def __call__(self, item: Item) -> dict[str, Any]:
        """Render one item; what to say of it."""
        from contextlib import ExitStack

        from lipkit.artifacts.sniff import Kind, sniff
        from lipkit.media.source import open_source
        from lipkit.media.video import AudioTrack

        made, source = item.inputs
        with ExitStack() as stack:
            path = stack.enter_context(open_source(made))
            picture = stack.enter_context(open_source(source))
            sound = stack.enter_context(open_source(self.audio)) if self.audio else None
            track = AudioTrack(sound) if sound else None
            kind = sniff(path)
            if kind is Kind.MOTION:
                return self.draw(item, path, picture, track)
            if kind is Kind.CLIP:
                return self.put_back(item, path, picture, track)
            if kind is Kind.LATENTS:
                from lipkit.commands._finishing import finish

                return finish(self, item, path, picture, track)
        raise BadInput(
            f"{made}: {kind}, neither motion, crops nor latents", hint="see animate --emit"
        )

    def record(
        self,
        item: Item,
        path: Path,
        picture: Path,
        history: Any,
        weights: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """How the result was made."""
        made, source = item.inputs
        inputs = [provenance.source(source, picture), provenance.source(made, path, history)]
        settings: dict[str, Any] = {"codec": self.codec, "face": self.face, "fps": self.fps}
        if self.upscale is not None:
            settings |= {"upscale": self.upscale, "upscaler": Path(self.upscaler).name}
        return provenance.record("render", settings, inputs, weights)

    def draw(
        self, item: Item, path: Path, picture: Path, track: AudioTrack | None
    ) -> dict[str, Any]:
        """Motion on a portrait."""
        from lipkit.artifacts.motion import read_motion
        from lipkit.commands._drive import codec_of, drive_by_motion
        from lipkit.commands._portrait import open_appearance

        made, source = item.inputs
        motion = read_motion(path)
        codec = codec_of(self.codec or motion.layout.codec)
        with drive_by_motion(motion, codec, self.fps, made) as drive:
            drive = replace(drive, sound=track or drive.sound)
            record = self.record(item, path, picture, drive.history)
            portrait = open_appearance(codec, picture, source, self.face, self.max_side)
            target = _video.Target(item.output, **self.video)
            _video.write_rendered(codec, portrait, drive, target, crops_only=False, record=record)
        return {"frames": drive.total, "fps": str(drive.fps)}

    def put_back(
        self, item: Item, path: Path, source: Path, track: AudioTrack | None
    ) -> dict[str, Any]:
        """Crops into the picture or video that they were cut from."""
        from lipkit.artifacts.clip import read_clip
        from lipkit.artifacts.sniff import Kind, sniff
        from lipkit.faces.geometry import Geometry

        clip = read_clip(path)
        geometry = Geometry.from_tensors(clip.tensors, clip.header)
        weights: Mapping[str, str] = {}
        if self.upscale is not None:
            from lipkit.commands._enlarging import enlarged

            clip, geometry, loaded = enlarged(
                clip, geometry, self.upscale, self.upscaler, self.device
            )
            weights = loaded.digests
        target = _video.Target(item.output, **self.video)
        onto = onto_video if sniff(source) is Kind.VIDEO else onto_picture
        frames, storage = onto(item, source, clip, geometry, target)
        writer = _video.open_video(
            target,
            geometry.frame_size,
            self.record(item, path, source, clip.provenance, weights),
            times=geometry.times,
            sound=track or clip.audio,
            storage=storage,
        )
        _video.write_all(writer, frames, clip.count)
        return {"frames": clip.count, "fps": str(geometry.fps)}


Onto = tuple["Iterator[Pixels]", "Storage | None"]


def onto_picture(
    item: Item, picture: Path, clip: Clip, geometry: Geometry, target: _video.Target
) -> Onto:
    """A picture with each crop of a clip in its place."""
    from lipkit.commands._portrait import read_portrait

    made, name = item.inputs
    image = read_portrait(picture, name, max(geometry.frame_size)).rgb
    require_size(name, (image.shape[1], image.shape[0]), made, geometry)
    return _video.put_back(image, clip, geometry), None


def onto_video(
    item: Item, video: Path, clip: Clip, geometry: Geometry, target: _video.Target
) -> Onto:
    """A video with each crop of a clip in its place, as deep as it is, and with its alpha."""
    from lipkit.media.probe import require_video
    from lipkit.media.video import frame_times, opaque
    from lipkit.sync.cutouts import put_back, rows_of
    from lipkit.sync.source import Source

    made, name = item.inputs
    _, info = require_video(video)
    require_size(name, info.size, made, geometry)
    storage = target.storage(info)
    for note in storage.notes:
        ui.warn(f"{name}: {note}")
    source = Source(video, frame_times(video), info.size, storage.pixel)
    rows = rows_of(clip.tensors, clip.count)
    if max(rows) >= len(source.times):
        raise BadInput(f"{name}: {len(source.times)} frames, but {made} has frame {max(rows)}")
    if geometry.source not in ("", provenance.digest(video)):
        ui.warn(f"{name}: not the very file that {made} was cut from")
    crops = clip.frames(pixel=opaque(storage.pixel))
    return put_back(source, rows, crops, geometry), storage


def require_size(source: str, size: tuple[int, int], made: str, geometry: Geometry) -> None:
    """BadInput unless pictures of ``size`` are what the crops were cut from."""
    if size != geometry.frame_size:
        want = "x".join(map(str, geometry.frame_size))
        raise BadInput(
            f"{source}: {size[0]}x{size[1]}, but the crops of {made} are from {want}",
            hint="give the picture or video that they were made of",
        )
