"""Write the completion scripts for bash, zsh and fish: ``python completions/build.py``."""

from __future__ import annotations

from pathlib import Path

from click.shell_completion import get_completion_class

from lipkit.cli import lipkit

HERE = Path(__file__).parent
FILES = {"bash": "lipkit.bash", "zsh": "_lipkit", "fish": "lipkit.fish"}


def scripts() -> dict[str, str]:
    """File name to text, of every script."""
    made = {}
    for shell, file in FILES.items():
        kind = get_completion_class(shell)
        assert kind is not None
        completion = kind(lipkit, {}, "lipkit", "_LIPKIT_COMPLETE")
        made[file] = completion.source_template % completion.source_vars()
    return made


if __name__ == "__main__":
    for file, text in scripts().items():
        (HERE / file).write_text(text.strip() + "\n", encoding="utf-8")
