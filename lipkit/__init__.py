"""lipkit: composable commands for audio-driven talking faces."""

__version__ = "0.1.0"
