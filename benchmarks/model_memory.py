"""How much memory each preset needs: for its weights, and at most while it works.

    python -m benchmarks.model_memory face.jpg talk.mp4 speech.wav > lipkit/assets/memory.toml

Weights are counted without being made (on torch's meta device) in single precision, with those of
other networks that the preset does not work without. Presets of at most ``--most`` MB are also run,
with their own weights or with random ones, on the CPU, and the peak of the process is measured; of
larger ones, or those that need networks which are not here, only the weights are known. ``lipkit
models list`` shows the figures.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.compare_sync import PEAK, present, randomised
from lipkit import config, registry
from lipkit.models.parts import weights

MOST = 200  # MB


def described(name: str) -> Any:
    """The family of a preset."""
    return registry.load(registry.FAMILIES[config.load_preset(name).family])


def weights_mb(name: str) -> float:
    """Megabytes of a preset's networks in single precision, and of those that it needs."""
    import torch

    preset, family = config.load_preset(name), described(name)
    settings = config.resolve(registry.load(family.config), preset=preset.tables)
    with torch.device("meta"):
        module = registry.load(family.build)(settings.model)
    own = sum(t.numel() * 4 for t in (*module.parameters(), *module.buffers())) / 1e6
    known = weights.catalogue()
    needs = known[preset.weights].needs if preset.weights in known else ()
    return float(own + sum(known[need].megabytes for need in needs))


def peak_mb(name: str, given: Sequence[str], folder: Path) -> float | None:
    """The peak of resident memory of a run, in megabytes; None where it does not run here."""
    picture, video, sound = given
    verbs = described(name).verbs
    if not verbs & {"sync", "animate"}:
        return None
    verb = "sync" if "sync" in verbs and name != "builtin" else "animate"
    model = name if present(name) else randomised(name, folder)
    first, out = (video if verb == "sync" else picture), folder / f"{name}.mp4"
    wish = [verb, first, sound, "-o", str(out), "--model", model, "--device", "cpu"]
    done = subprocess.run([sys.executable, "-c", PEAK, *wish], capture_output=True, text=True)
    lines = done.stderr.strip().splitlines()
    if done.returncode:
        print(f"{name}: {lines[-2] if len(lines) > 1 else 'failed'}", file=sys.stderr)
        return None
    return float(lines[-1])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("given", nargs=3, metavar=("PICTURE", "VIDEO", "SOUND"))
    parser.add_argument("--most", type=float, default=MOST, help="MB of weights to run with")
    parser.add_argument("--only", action="append", help="these presets")
    wish = parser.parse_args(arguments)
    print("# Megabytes that presets need: weights in single precision, and the peak of a run on a")
    print("# CPU, Python and its libraries included, where one was made.")
    print("# python -m benchmarks.model_memory face.jpg talk.mp4 speech.wav")
    for name in wish.only or config.preset_names():
        need = weights_mb(name)
        with tempfile.TemporaryDirectory() as folder:
            peak = peak_mb(name, wish.given, Path(folder)) if need <= wish.most else None
        print(f"\n[{name!r}]\nweights = {need:.1f}".replace("'", '"'))
        if peak is not None:
            print(f"peak = {peak:.0f}")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
