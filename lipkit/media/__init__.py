"""Bytes to chunks of arrays and back: video, audio, pictures."""
