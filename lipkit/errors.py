"""What can go wrong, and the exit status that says so."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """Exit statuses of every command; documented in ``lipkit(1)``."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3  # some items of a batch failed
    BAD_INPUT = 4  # unusable media, no face, no sound
    WEIGHTS = 5  # weights missing or not fitting
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143


class LipkitError(Exception):
    """A failure that one line explains: what failed, on which file and frame, and what to do.

    ``message`` names the file and the fault; ``hint`` says what the user can do about it.
    """

    status = ExitStatus.FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class BadUsage(LipkitError):
    """The options or their combination make no sense."""

    status = ExitStatus.USAGE


class BadInput(LipkitError):
    """The file cannot be used: unreadable, empty, of the wrong kind, no face, no sound."""

    status = ExitStatus.BAD_INPUT


class WeightsError(LipkitError):
    """Weights are missing or do not fit the model."""

    status = ExitStatus.WEIGHTS


class MediaError(LipkitError):
    """ffmpeg failed; the message carries the tail of what it said."""
