"""Whose lips ``sync`` edits: tracked faces, kept between runs, and the roles they play."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit import provenance, ui
from lipkit.commands._faces import fresh_tracker, is_place, reduced, stretch, wish_of
from lipkit.commands._sync_inputs import wanted
from lipkit.errors import BadInput

if TYPE_CHECKING:
    from lipkit.commands._sync_inputs import Material
    from lipkit.commands.sync import Syncing
    from lipkit.faces.geometry import Geometry
    from lipkit.media.description import VideoInfo
    from lipkit.media.probe import MediaInfo
    from lipkit.protocols import Editor, FaceTrack
    from lipkit.sync.cast import Part, Role
    from lipkit.sync.events import Log
    from lipkit.sync.journal import WorkFolder
    from lipkit.sync.source import Source

# Which tracker finds the landmarks that an editor reads.
TRACKER_OF = {"mediapipe478": "mediapipe", "dlib68": "fan"}


@dataclass(frozen=True)
class Tracked:
    """A face through the whole video."""

    face: str
    geometry: Geometry
    track: FaceTrack


def track_all(
    wish: Syncing, material: Material, editor: Editor, log: Log, work: WorkFolder | None
) -> list[Tracked]:
    """All faces that are to speak; BadInput where one is nowhere, or missing against the wish."""
    from lipkit.sync.tracking import track_of

    found = []
    for face in dict.fromkeys(part.face for part in wanted(wish)):
        geometry, in_crops = geometry_of(wish, material, editor, face, work)
        track = track_of(geometry, hold=wish.on_missing == "hold", in_crops=in_crops)
        report_missing(wish, material.names[0], face, geometry, log)
        found.append(Tracked(face, geometry, track))
    return found


def geometry_of(
    wish: Syncing, material: Material, editor: Editor, face: str, work: WorkFolder | None
) -> tuple[Geometry, bool]:
    """One face's geometry, and whether it is that of a clip's own crops.

    What a clip knows of its face is taken over where the editor can read it.
    """
    from lipkit.artifacts.clip import read_clip
    from lipkit.faces.geometry import Geometry
    from lipkit.sync.journal import settings_hash

    if material.in_crops:
        clip = read_clip(material.video)
        geometry = Geometry.from_tensors(clip.tensors, clip.header)
        if geometry.scheme == editor.scheme:
            return geometry, True
    likeness = not is_place(face) and Path(face).is_file()
    who = provenance.digest(Path(face)) if likeness else face
    source = provenance.digest(material.video)
    key = settings_hash({"source": source, "face": who, "scheme": editor.scheme})
    kept = work.geometry(key) if work is not None else None
    if kept is not None:
        return kept, False
    geometry = follow(material, face, editor.scheme)
    if work is not None:
        work.keep_geometry(key, geometry)
    return geometry, False


def follow(material: Material, face: str, scheme: str) -> Geometry:
    """Look for the face in every frame, in the background of a progress bar."""
    from lipkit.media.probe import require_video
    from lipkit.sync import tracking

    info, video = require_video(material.video)
    tracker = fresh_tracker(TRACKER_OF[scheme])
    with ui.progress(frames_of(info, video), f"finding faces in {material.names[0]}") as bar:
        geometry = tracking.follow(
            material.video,
            tracker,
            wish_of(face, video.fps),
            seen=reduced(video.size),
            frame_size=video.size,
            advance=bar.advance,
        )
    return replace(geometry, source=provenance.digest(material.video), rotation=video.rotation)


def frames_of(info: MediaInfo, video: VideoInfo) -> int | None:
    """About how many frames a video has, before any is decoded."""
    return round(info.duration * video.fps) if info.duration else None


def report_missing(wish: Syncing, name: str, face: str, geometry: Geometry, log: Log) -> None:
    """Say where nobody is seen; BadInput where that is not wanted."""
    from lipkit.faces.survey import missing
    from lipkit.sync import events

    did = {"pass": "left as it is", "hold": "edited where it last was", "fail": "refused"}
    events.about_faces(log, geometry, face, did[wish.on_missing])
    events.about_cuts(log, geometry)
    gaps = missing(geometry.valid)
    if not gaps:
        return
    where = ", ".join(stretch(gap, geometry.times) for gap in gaps[:5])
    more = f" and {len(gaps) - 5} more stretches" if len(gaps) > 5 else ""
    line = f"{name}: no face in {where}{more}"
    if wish.on_missing == "fail":
        raise BadInput(line, hint="--on-missing pass leaves such frames alone")
    ui.warn(f"{line}; {did[wish.on_missing]} (--on-missing changes that)")


def cast_of(
    parts: Sequence[Part],
    tracked: Sequence[Tracked],
    voices: Mapping[str, Any],
    editor: Editor,
    source: Source,
    log: Log,
) -> list[Role]:
    """The roles, each with what the editor learns of its face and, if it has one, its own voice."""
    from lipkit.sync.cast import Role
    from lipkit.sync.events import about_fades

    roles = {}
    for one in tracked:
        study = editor.study(one.track, source.read)
        about_fades(log, one.geometry, study)
        roles[one.face] = Role(one.track, study)
    for part in parts:
        by = {} if part.sound is None else {"sound": part.sound}
        for start, end in part.spans or ():
            log.add("speaker", face=part.face, start=start, end=end, **by)
    return [
        replace(
            roles[part.face],
            spans=part.spans,
            voice=None if part.sound is None else voices[part.sound],
        )
        for part in parts
    ]
