"""``python -m tests.golden DIR [NAME...]``: PASS, FAIL or MISS for each golden file of a folder."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from .fixtures import Outcome, fixtures, run
from .runners import runners


def main(arguments: list[str]) -> int:
    if not arguments or not Path(arguments[0]).is_dir():
        print("usage: python -m tests.golden DIR [NAME...]", file=sys.stderr)
        return 2
    folder, *names = arguments
    torch.set_num_threads(1)
    found = {fixture.name: fixture for fixture in fixtures(Path(folder))}
    table = runners()
    failed = not found
    for name in names or found:
        known = name in found
        outcome = run(found[name], table) if known else Outcome(name, "MISS", reason="no such file")
        print(outcome, flush=True)
        failed |= outcome.verdict != "PASS"
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
