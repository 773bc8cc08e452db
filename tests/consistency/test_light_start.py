"""Help and completion answer at once: they import nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lipkit.cli import VERBS

HEAVY = ["numpy", "torch", "scipy", "cv2", "diffusers", "transformers", "mediapipe", "rich", "PIL"]
SCRIPT = """
import sys
from lipkit.cli import run
status = run(sys.argv[1:])
found = [name for name in {heavy!r} if name in sys.modules]
commands = [name for name in sys.modules if name.startswith("lipkit.commands.")]
sys.exit(f"{{status}} {{found}} {{commands}}" if status or found or ({bare} and commands) else 0)
"""


@pytest.mark.parametrize("arguments", [[], ["--help"], *([verb, "--help"] for verb in VERBS)])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    bare = len(arguments) < 2
    script = SCRIPT.format(heavy=HEAVY, bare=bare)
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Usage: lipkit" in done.stdout
