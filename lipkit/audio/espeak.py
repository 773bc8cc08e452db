"""libespeak-ng through ctypes: sound and phoneme times of a text, and the voices there are."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.errors import BadUsage, LipkitError
from lipkit.registry import nearest

SYSTEM = "libespeak-ng.so.1"
SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS
PHONEMES_AS_IPA = 3  # espeakINITIALIZE_PHONEME_EVENTS | espeakINITIALIZE_PHONEME_IPA
STAY = 0x8000  # espeakINITIALIZE_DONT_EXIT: without its data the library would end the process
LIST_TERMINATED, PHONEME = 0, 7  # event types; 7 since 1.51
UTF8 = 1
RATE, PITCH, RANGE = 1, 3, 4
GENDERS = ("", "male", "female")
VARIANT = "+"  # between a language and a way of speaking it
SHELF = "!v/"  # what identifiers of such ways begin with


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


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),  # a byte of priority before each, a zero byte at the end
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("unused", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True)
class Voice:
    """A language, or a way of speaking any of them: ``code`` is what to ask for."""

    code: str
    name: str
    gender: str


class Espeak:
    """The library, initialised once a process; ``data`` is its folder of languages."""

    def __init__(self, library: str = SYSTEM, data: Path | None = None) -> None:
        try:
            self._library = ctypes.CDLL(library)
        except OSError as error:
            hint = "Debian: apt-get install espeak-ng libespeak-ng1"
            raise LipkitError("espeak-ng is not installed", hint=hint) from error
        place = None if data is None else str(data).encode()
        self.rate: int = self._library.espeak_Initialize(
            SYNCHRONOUS, 200, place, PHONEMES_AS_IPA | STAY
        )
        if self.rate <= 0:
            raise LipkitError(f"espeak-ng does not find its languages in {data or 'their place'}")
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._library.espeak_Info.restype = ctypes.c_char_p
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

    @property
    def version(self) -> str:
        """The library's own, such as 1.52.0."""
        return str(self._library.espeak_Info(None).decode().split()[0])

    def say(
        self, text: str, voice: str, *, rate: float, pitch: float, spread: float
    ) -> tuple[NDArray[np.int16], list[tuple[float, str]]]:
        """Sound of ``text`` and ``(start in seconds, IPA name)`` of its phonemes.

        ``rate`` is in words a minute, ``pitch`` and its ``spread`` are 0 to 100. A voice that is
        not there is a BadUsage.
        """
        self._sound, self._events = [], []
        self._choose(voice)
        for parameter, value in ((RATE, rate), (PITCH, pitch), (RANGE, spread)):
            self._library.espeak_SetParameter(parameter, int(value), 0)
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, UTF8, None, None)
        self._library.espeak_Synchronize()
        return np.concatenate([np.zeros(0, np.int16), *self._sound]), self._events

    def _choose(self, voice: str) -> None:
        """Take the voice, by its place: the library itself knows few languages by their codes.

        It would also pass over a way of speaking that is not there.
        """
        language, plus, way = voice.partition(VARIANT)
        languages, ways = self._places
        if plus and way not in ways:
            raise unknown(voice, nearest(way, list(ways)), language + VARIANT)
        place = languages.get(language.lower())
        if place is None or self._library.espeak_SetVoiceByName(f"{place}{plus}{way}".encode()):
            raise unknown(voice, nearest(language, list(languages)))

    @cached_property
    def _places(self) -> tuple[dict[str, str], set[str]]:
        """Where each language is kept, by all of its codes; and the ways of speaking."""
        places: dict[str, str] = {}
        for place, codes, _ in self._listed():
            for code in (*codes, place):
                places.setdefault(code.lower(), place)
        return places, {voice.code for voice in self.variants()}

    def voices(self) -> list[Voice]:
        """The languages, by their names."""
        places, _ = self._places
        found = []
        for place, codes, voice in self._listed():
            own = [code for code in codes if places[code.lower()] == place]
            found.append(replace(voice, code=[*own, place][0]))
        return sorted(found, key=lambda voice: voice.name)

    def variants(self) -> list[Voice]:
        """The ways of speaking: ``CODE+VARIANT`` is a language spoken so."""
        found = [
            replace(voice, code=place.removeprefix(SHELF))
            for place, _, voice in self._listed(b"variant")
        ]
        return sorted(found, key=lambda voice: voice.code)

    def _listed(self, kind: bytes | None = None) -> Iterator[tuple[str, list[str], Voice]]:
        """Place, codes of languages and description of each voice of a kind."""
        text = ctypes.create_string_buffer(kind or b"")
        wanted = ctypes.byref(_Voice(languages=ctypes.cast(text, ctypes.c_void_p)))
        found = self._library.espeak_ListVoices(wanted if kind else None)
        for one in takewhile(bool, (found[i] for i in count())):
            of = one.contents
            voice = Voice("", of.name.decode(), GENDERS[of.gender % len(GENDERS)])
            yield of.identifier.decode(), list(codes_at(of.languages)), voice


def codes_at(place: int) -> Iterator[str]:
    """The languages that the library lists at an address: each behind a byte, until one is 0."""
    while ctypes.string_at(place, 1) != b"\0":
        code = ctypes.string_at(place + 1)
        yield code.decode()
        place += len(code) + 2


def unknown(voice: str, guess: str | None, before: str = "") -> BadUsage:
    """The error about a voice that is not there."""
    hint = f"did you mean {before}{guess}?" if guess else "`lipkit say --voices` lists them"
    return BadUsage(f"no voice {voice!r}", hint=hint)


@cache
def bundled() -> Espeak:
    """The library that the extra ``tts`` brings, else the system's; LipkitError without either."""
    try:
        import espeakng_loader as loader
    except ImportError:
        try:
            return Espeak()
        except LipkitError:
            hint = "pip install 'lipkit[tts]', or pipe in any other program's WAV"
            raise LipkitError("text is spoken by espeak-ng, which is missing", hint=hint) from None
    return Espeak(loader.get_library_path(), Path(loader.get_data_path()))
