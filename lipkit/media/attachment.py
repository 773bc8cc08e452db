"""Files that travel inside a Matroska file."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lipkit.media.ffmpeg import QUIET, READ_ONLY, run, url


def read_attachment(path: Path, index: int) -> bytes:
    """The bytes of the ``index``-th attachment of ``path``; MediaError if it has none."""
    with tempfile.TemporaryDirectory(prefix="lipkit-") as folder:
        # Its own name is whatever the file says; ours is the one that is written to.
        out = Path(folder) / "attachment"
        run([
            *QUIET, *READ_ONLY, f"-dump_attachment:t:{index}", url(out), "-i", url(path),
            "-f", "ffmetadata", "-",
        ])  # fmt: skip
        return out.read_bytes()
