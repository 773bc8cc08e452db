"""All models that sync, on the same clips: scores, speed and memory in one table.

    python -m benchmarks.compare_sync talk.mp4 speech.wav [talk2.mp4 speech2.wav ...]

Runs every preset whose weights are here, and what ``--model`` adds. ``--random`` also runs designs
whose weights are not here, with random ones: tiny presets, to see speed and memory of nothing but
the machinery. Such rows say so. ``--metrics`` are those of ``lipkit score``. The table goes to
stdout, a JSON line for each model into ``-o``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lipkit import config, registry
from lipkit.media.probe import require_video
from lipkit.media.video import frame_times

METRICS = "aperture_sound,mouth_motion,silence,face_similarity,untouched,flicker"
EXPERT = "syncnet-v2"  # with its weights, lip_sync_error is measured as well
PEAK = "import resource, sys; from lipkit.cli import run; s = run(sys.argv[1:]);"
PEAK += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10, file=sys.stderr);"
PEAK += "sys.exit(s)"


@dataclass(frozen=True)
class Runner:
    """A model to run: its name, what ``--model`` gets, and whether its weights are trained."""

    name: str
    model: str
    weights: str


def syncing_presets() -> list[str]:
    """The presets of families that sync."""
    names = []
    for name in config.preset_names():
        family = config.load_preset(name).family
        if family in registry.FAMILIES and "sync" in registry.load(registry.FAMILIES[family]).verbs:
            names.append(name)
    return names


def present(name: str) -> bool:
    """Whether a preset's weights are here."""
    from lipkit.errors import LipkitError
    from lipkit.models import find

    try:
        return find(name)[0].is_file()
    except LipkitError:
        return False


def usual_metrics() -> str:
    """What is measured unless ``--metrics`` says else."""
    from lipkit.models.parts import weights

    return f"lip_sync_error,{METRICS}" if weights.find(EXPERT).present else METRICS


def randomised(name: str, folder: Path) -> str:
    """A weights file of a preset's design with random numbers."""
    import torch

    from lipkit.models.parts import checkpoint

    preset = config.load_preset(name)
    family = registry.load(registry.FAMILIES[preset.family])
    settings = config.resolve(registry.load(family.config), preset=preset.tables)
    torch.manual_seed(0)
    path = folder / f"{name}.safetensors"
    checkpoint.save(
        registry.load(family.build)(settings.model),
        path,
        name=name,
        config=config.as_tables(settings)["model"],
        origin={"family": family.name},
    )
    return str(path)


def runners(extra: Sequence[str], random: bool, folder: Path) -> list[Runner]:
    """What there is to compare."""
    names = syncing_presets()
    found = [Runner(name, name, "trained") for name in names if present(name)]
    found += [Runner(Path(path).name, path, "given") for path in extra]
    if random:
        tiny = [name for name in names if name.startswith("tiny-")]
        found += [Runner(name, randomised(name, folder), "random") for name in tiny]
    return found


def synced(runner: Runner, video: str, sound: str, out: Path) -> dict[str, Any]:
    """Sync one clip in a process of its own; frames a second and peak of memory."""
    wish = ["sync", video, sound, "-o", str(out), "--model", runner.model, "--length", "shortest"]
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", PEAK, *wish], capture_output=True, text=True)
    lines = done.stderr.strip().splitlines()
    if done.returncode:
        return {"error": lines[-2] if len(lines) > 1 else "failed"}
    seconds = time.monotonic() - started
    return {"frames_a_second": len(frame_times(out)) / seconds, "peak_mb": float(lines[-1])}


def scored(videos: Sequence[str], reference: str, metrics: str) -> list[dict[str, Any]]:
    """The lines of ``lipkit score`` for some videos."""
    command = [sys.executable, "-m", "lipkit", "score", *videos, "--metrics", metrics]
    done = subprocess.run([*command, "--reference", reference], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def measured(
    runner: Runner, clips: Sequence[tuple[str, str]], metrics: str, folder: Path
) -> dict[str, Any]:
    """One model's row: means over the clips."""
    rows: list[dict[str, Any]] = []
    for number, (video, sound) in enumerate(clips):
        out = folder / f"{number}.mp4"
        row = synced(runner, video, sound, out)
        if "error" not in row:
            for line in scored([str(out)], video, metrics):
                row |= {k: line[k] for k in line["scores"] if isinstance(line.get(k), float)}
            out.unlink()
        rows.append(row)
    found: dict[str, Any] = {"model": runner.name, "weights": runner.weights}
    found |= {"errors": [row["error"] for row in rows if "error" in row]}
    for key in dict.fromkeys(key for row in rows for key in row if key != "error"):
        found[key] = statistics.fmean(row[key] for row in rows if key in row)
    return found


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    numbers = dict.fromkeys(k for row in rows for k, v in row.items() if isinstance(v, float))
    head = ["model", "weights", *numbers]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        told = [row["model"], row["weights"] if not row["errors"] else row["errors"][0]]
        lines.append(told + [f"{row[k]:.4g}" if k in row else "" for k in numbers])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", help="video and sound by turns")
    parser.add_argument("--model", action="append", default=[], help="a run or weights file")
    parser.add_argument("--random", action="store_true", help="designs without weights as well")
    parser.add_argument("--metrics", default=usual_metrics())
    parser.add_argument("-o", "--output", type=Path, help="JSON lines")
    given = parser.parse_args(arguments)
    if len(given.clips) % 2:
        parser.error("give a video and a sound for each clip")
    clips = list(zip(given.clips[::2], given.clips[1::2], strict=True))
    for video, _ in clips:
        require_video(Path(video))
    with tempfile.TemporaryDirectory() as folder:
        found = [
            measured(runner, clips, given.metrics, Path(folder))
            for runner in runners(given.model, given.random, Path(folder))
        ]
    if given.output:
        given.output.write_text("".join(f"{json.dumps(row)}\n" for row in found))
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
