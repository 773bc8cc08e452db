"""SyncNet accuracy: how often LatentSync's StableSyncNet tells fitting windows from others."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lipkit.audio import mel
from lipkit.audio.windows import mel_start, mel_window_size
from lipkit.metrics.aperture import nothing
from lipkit.metrics.base import Base, BaseWatch
from lipkit.metrics.mouth import aperture, frozen, mute, silent
from lipkit.protocols import Measure, Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.metrics.clip import Clip
    from lipkit.protocols import FaceTrack, Frames, Passage

    Array = NDArray[Any]

WEIGHTS = "stable-syncnet"
SIDE = 256
MOST = 64  # windows of a clip, spread over it
LIKE = 0.5  # cosine above which lips and sound count as fitting


def agreement(cosine: Array, fits: NDArray[np.bool_]) -> float:
    """The share of pairs ``(n,)`` that are judged as they are."""
    return float(((cosine > LIKE) == fits).mean())


def window_starts(track: FaceTrack, frames: int, columns: int) -> Array:
    """First frames of windows that have a face, one shot and sound throughout; at most ``MOST``.

    Windows do not overlap; ``columns`` of the mel spectrogram there are.
    """
    size = mel_window_size(frames)
    starts = [
        start
        for start in range(0, len(track) - frames + 1, frames)
        if track.valid[start : start + frames].all()
        and track.shot[start] == track.shot[start + frames - 1]
        and mel_start(start) + size <= columns
    ]
    chosen = np.linspace(0, len(starts) - 1, min(MOST, len(starts))).round().astype(int)
    return np.asarray(np.array(starts, int)[chosen])


def matrices(track: FaceTrack) -> dict[int, Array]:
    """LatentSync's source-to-crop matrix ``(2, 3)`` of each frame with a face."""
    from lipkit.faces import latentsync
    from lipkit.faces.landmarks import triple

    found: dict[int, Array] = {}
    bias, shot = None, -1
    for row in np.flatnonzero(track.valid):
        if track.shot[row] != shot:
            bias, shot = None, track.shot[row]
        three = np.rint(triple(track.points[row][None], track.scheme)[0])
        found[int(row)], bias = latentsync.fit(three, SIDE, bias)
    return found


class SyncNetAccuracy(Base):
    """Can a SyncNet tell the clip's own sound from that of another place?"""

    needs = frozenset({"video", "audio", "face"})
    weights = (WEIGHTS,)
    clock: Literal["source", "25"] = "25"
    measures = (
        Measure(
            "syncnet_accuracy", "SyncNet accuracy (StableSyncNet)", "", "higher",
            "LatentSync eval: share of 16-frame windows with (cosine > 0.5) as it should be; each"
            " window once with its own lips, once with those half the clip away",
        ),
    )  # fmt: skip

    def watch(self, clip: Clip) -> AccuracyWatch:
        """A watch that looks at windows of the clip."""
        from lipkit.runtime import choose

        return AccuracyWatch(clip, _network(choose().device))


@cache
def _network(device: str) -> Any:
    # families lie above metrics, so the catalogue says where the network is
    from lipkit.models.parts.weights import find

    return import_module(find(WEIGHTS).module).load(device=device)


class AccuracyWatch(BaseWatch):
    """Embeddings of lips and sound of some windows of a clip."""

    def __init__(self, clip: Clip, network: Any) -> None:
        self.network = network
        self.size = network.config.frames
        wave = np.zeros(0, np.float32) if clip.wave is None else clip.wave
        track = clip.track25
        self.refusal = mute(silent(wave, len(track))) or frozen(aperture(track))
        self.mel = mel.log_mel(wave, mel.SYNCNET)
        self.starts = window_starts(track, self.size, len(self.mel))
        wanted = {row for start in self.starts for row in range(start, start + self.size)}
        self.matrices = {row: m for row, m in matrices(track).items() if row in wanted}
        self.faces: list[Frames] = []
        self.lips: list[Array] = []

    def see(self, passage: Passage) -> None:
        """Cut out the faces of the windows' frames, and look at each window once it is whole."""
        from lipkit.faces.latentsync_pixels import cut

        for row, frame in zip(passage.rows, passage.frames, strict=True):
            if self.refusal or int(row) not in self.matrices:
                continue
            self.faces.append(cut(frame, self.matrices[int(row)], SIDE)[1])
            if len(self.faces) == self.size:
                self.lips.append(self._look(np.stack(self.faces)))
                self.faces = []

    def _look(self, faces: Frames) -> Array:
        import torch

        network, weight = self.network, self.network.visual_encoder.conv_in.weight
        pixels = torch.from_numpy(faces).to(weight.device).movedim(-1, 1)[None]
        half = pixels[..., SIDE // 2 :, :].flatten(1, 2).to(weight.dtype) / 127.5 - 1
        with torch.inference_mode():
            return np.asarray(network.visual_encoder(half)[0].float().cpu().numpy())

    def _listen(self, start: int) -> Array:
        import torch

        first = mel_start(start)
        heard = self.mel[first : first + mel_window_size(self.size)].T
        weight = self.network.audio_encoder.conv_in.weight
        window = torch.from_numpy(np.ascontiguousarray(heard))[None, None]
        with torch.inference_mode():
            found = self.network.audio_encoder(window.to(weight.device, weight.dtype))[0]
        return np.asarray(found.float().cpu().numpy())

    def scores(self) -> Mapping[str, Score]:
        """The share of windows judged as they are."""
        settings: dict[str, Any] = {"windows": len(self.lips), "frames": self.size, "side": SIDE}
        count = len(self.lips)
        reason = self.refusal
        if reason is None and count < 2:
            reason = f"{count} windows of {self.size} frames with face and sound, fewer than 2"
        if reason:
            return nothing(SyncNetAccuracy.measures, reason, settings)
        lips = np.stack(self.lips)
        voice = np.stack([self._listen(int(start)) for start in self.starts[:count]])
        other = np.roll(lips, count // 2, axis=0)
        cosine = np.concatenate([(lips * voice).sum(1), (other * voice).sum(1)])
        fits = np.arange(2 * count) < count
        settings |= {"cosine_own": float(cosine[fits].mean())}
        settings |= {"cosine_other": float(cosine[~fits].mean())}
        value = agreement(cosine, fits)
        return {"syncnet_accuracy": Score(value, count * self.size, settings=settings)}
