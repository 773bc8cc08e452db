"""libespeak-ng through ctypes: sound and phoneme times of a text."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.training.voices.programs import missing

SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS
PHONEMES_AS_IPA = 3  # espeakINITIALIZE_PHONEME_EVENTS | espeakINITIALIZE_PHONEME_IPA
LIST_TERMINATED, PHONEME = 0, 7  # event types; 7 since 1.51
UTF8 = 1
RATE, PITCH, RANGE = 1, 3, 4


class _Id(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # milliseconds
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Espeak:
    """The library, initialised once a process."""

    def __init__(self, library: str = "libespeak-ng.so.1") -> None:
        try:
            self._library = ctypes.CDLL(library)
        except OSError as error:
            raise missing("espeak-ng", "espeak-ng libespeak-ng1") from error
        self.rate: int = self._library.espeak_Initialize(SYNCHRONOUS, 200, None, PHONEMES_AS_IPA)
        self._sound: list[NDArray[np.int16]] = []
        self._events: list[tuple[float, str]] = []
        self._callback = _CALLBACK(self._receive)  # kept: the library holds a bare pointer to it
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, sound: Any, count: int, events: Any) -> int:
        if sound and count > 0:
            self._sound.append(np.ctypeslib.as_array(sound, (count,)).copy())
        i = 0
        while events[i].type != LIST_TERMINATED:
            if events[i].type == PHONEME:
                name = events[i].id.string.decode("utf-8", "ignore")
                self._events.append((events[i].audio_position / 1000, name))
            i += 1
        return 0

    def say(
        self, text: str, voice: str, *, rate: float, pitch: float, spread: float
    ) -> tuple[NDArray[np.int16], list[tuple[float, str]]]:
        """Sound of ``text`` and ``(start in seconds, IPA name)`` of its phonemes.

        ``rate`` is in words a minute, ``pitch`` and its ``spread`` are 0 to 100.
        """
        self._sound, self._events = [], []
        self._library.espeak_SetVoiceByName(voice.encode())
        for parameter, value in ((RATE, rate), (PITCH, pitch), (RANGE, spread)):
            self._library.espeak_SetParameter(parameter, int(value), 0)
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, UTF8, None, None)
        self._library.espeak_Synchronize()
        return np.concatenate([np.zeros(0, np.int16), *self._sound]), self._events
