"""A UNet that makes its own tokens of raw sound, where no encoder learned from much speech before.

Whisper tells the official model what is said. Cartoons speak no language that it knows, and a
training of minutes should need no weights: so a small network learns to tell phones first, as
Whisper learned words, and goes on learning with the UNet.
"""

from __future__ import annotations

from torch import Tensor, nn

from lipkit.models.parts.diffusion_config import VideoUNetConfig
from lipkit.models.parts.video_unet import Scene, VideoUNet
from lipkit.training.voices.visemes import VISEMES

PLACES = 5  # of a window, after the convolutions
TOKENS = 4  # made of all of them


class Listener(nn.Module):
    """Tokens ``(n, 4, context)`` of windows of steps ``(n, t, heard)``."""

    def __init__(self, heard: int, context: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(heard, context, 3, padding=1),
            nn.GELU(),
            nn.Conv1d(context, context, 3, 2, 1),
            nn.GELU(),
            nn.Conv1d(context, context, 3, 2, 1),
            nn.GELU(),
            nn.AdaptiveAvgPool1d(PLACES),
            nn.Flatten(),
            nn.Linear(PLACES * context, TOKENS * context),
        )
        self.norm = nn.LayerNorm(context)
        self.recognise = nn.Linear(TOKENS * context, len(VISEMES))  # for the stage of its own

    def forward(self, windows: Tensor) -> Tensor:
        """The tokens; one window is a frame's."""
        made = self.layers(windows.transpose(1, 2))
        return self.norm(made.unflatten(1, (TOKENS, -1)))

    def phones(self, windows: Tensor) -> Tensor:
        """Logits ``(n, k)`` of the classes of phones that are heard in windows."""
        return self.recognise(self(windows).flatten(1))


class ListeningUNet(VideoUNet):
    """The UNet with its listener; its other names are the UNet's."""

    def __init__(self, form: VideoUNetConfig, heard: int) -> None:
        super().__init__(form)
        self.listener = Listener(heard, form.context or 1)

    def enter(self, sample: Tensor, timestep: Tensor | int, audio: Tensor | None = None) -> Scene:
        """As the UNet's, of windows ``(b*f, t, heard)`` or ``(b, f, t, heard)``."""
        if audio is not None:
            audio = self.listener(audio.flatten(0, -3).to(sample.dtype))
        return super().enter(sample, timestep, audio)
