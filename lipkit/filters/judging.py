"""The filters that need no crops yet, on one piece of a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lipkit.filters import sounds, tracks
from lipkit.filters.pieces import Piece, seconds
from lipkit.filters.verdicts import Trial, Value

if TYPE_CHECKING:
    from lipkit.filters.recording import Recording

STAYS = Value(None, stays=True)  # what says all by the piece being there
NO_FACE = "no face"


def judge(trial: Trial, recording: Recording, piece: Piece) -> bool:
    """Take down what length, track and sound say, as far as they let the piece through."""
    length = next((rule.bound for rule in trial.rules if rule.name == "length"), None)
    long = Value(seconds(piece, recording.fps, length))
    if not trial.judge({"readable": STAYS, "shots": STAYS, "length": long}):
        return False
    seen = recording.followed(piece)
    if not trial.judge({rule.name: tracks.MEASURES[rule.name](seen) for rule in trial.of("track")}):
        return False
    if not seen.path.valid.any():
        trial.fault = NO_FACE
        return False
    rules = trial.of("sound")
    if not rules:
        return True
    start, count = float(piece.start / recording.fps), samples(piece, recording)
    wave = sounds.heard(recording.wave, start, count)
    speech = sounds.heard(recording.speech, start, count)
    return trial.judge({rule.name: sounds.MEASURES[rule.name](wave, speech) for rule in rules})


def samples(piece: Piece, recording: Recording) -> int:
    """How many samples of sound belong to a piece."""
    return round(len(piece) / recording.fps * sounds.RATE)
