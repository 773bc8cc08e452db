"""What a user's own footage does for the default: each clip in turn by a model tuned on the others.

``python -m benchmarks.finetune`` aligns the clips of ``--video`` that ``--tracks`` knows, runs
``lipkit train vasa --from builtin`` on all but one, and prints how well the mouth that the model
makes for the sound of the one follows the tracked mouth, before and after: r of aperture and of
width at the clip's fixed offset (`voice.OFFSETS`). ``--work`` keeps clips and runs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.voice import OFFSETS, SHARED, Bench, shifted
from lipkit.media.audio import read_wave
from lipkit.models import load


def lipkit(*arguments: str) -> None:
    """Run the program; exits where it fails."""
    if subprocess.run([sys.executable, "-m", "lipkit", *arguments], check=False).returncode:
        sys.exit(f"lipkit {' '.join(arguments)} failed")


def aligned(video: Path, folder: Path) -> Path:
    """The clip of a video, made where it is missing."""
    clip = folder / f"{video.stem}.mkv"
    if not clip.is_file():
        lipkit("align", str(video), "-q", "-o", str(clip))
    return clip


def tuned(clips: list[Path], run: Path, *more: str) -> Path:
    """A run on those clips alone."""
    if not (run / "weights.safetensors").is_file():
        data = run.with_suffix(".data")
        data.mkdir(parents=True, exist_ok=True)
        for clip in clips:
            if not (data / clip.name).exists():
                (data / clip.name).symlink_to(clip.resolve())
        lipkit("train", "vasa", "--from", "builtin", "--data", str(data), "-o", str(run), *more)
    return run


def followed(model: str, video: Path, track: Any) -> tuple[float, float]:
    """Correlation of aperture and width for the sound of a video."""
    bench = Bench(load(model, verb="animate", device="cpu"), seed=0)
    made, offset = bench.of_wave(read_wave(video)), OFFSETS.get(video.stem, 0)
    return (
        shifted(made[:, 0], track["aperture"], offset),
        shifted(made[:, 1], track["width"], offset),
    )


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tracks", type=Path, default=SHARED / "tracks")
    parser.add_argument("--video", type=Path, default=SHARED / "video")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--set", dest="sets", action="append", default=[])
    return parser.parse_args()


def main() -> None:
    """Print a row a clip, and the means; exit 1 where the mean aperture does not rise."""
    options = arguments()
    torch.set_num_threads(1)
    tracks = {path.stem: np.load(path) for path in sorted(options.tracks.glob("*.npz"))}
    videos = [next(options.video.glob(f"{name}.*")) for name in tracks]
    more = [word for text in options.sets for word in ("--set", text)]
    rows = {}
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        clips = [aligned(video, work) for video in videos]
        for video in videos:
            others = [clip for clip in clips if clip.stem != video.stem]
            run = tuned(others, work / f"without-{video.stem}", *more)
            track = tracks[video.stem]
            rows[video.stem] = (followed("builtin", video, track), followed(str(run), video, track))
    table = np.array(list(rows.values()))
    for name, row in [*rows.items(), ("mean", table.mean(0))]:
        (a, w), (a2, w2) = row
        print(f"{name:>22}  aperture {a:.3f} -> {a2:.3f}   width {w:.3f} -> {w2:.3f}", flush=True)
    print(json.dumps({name: np.round(row, 4).tolist() for name, row in rows.items()}))
    before, after = table.mean(0)
    sys.exit(int(after[0] <= before[0]))


if __name__ == "__main__":
    main()
