"""espeak-ng, flite and festival as sources of utterances with known phone times."""

from __future__ import annotations

import random
import re
import tempfile
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from lipkit.audio.espeak import bundled
from lipkit.training.voices.phones import from_espeak, from_festival
from lipkit.training.voices.programs import output, require
from lipkit.training.voices.sentences import sentence
from lipkit.training.voices.visemes import SILENCE, Segment

RATE = 16000
UNKNOWN_STRESS = 0.5  # only festival reports it


@dataclass(frozen=True)
class Utterance:
    """Speech ``wave (n,)`` at 16 kHz, peak 1, and its phones in order without gaps."""

    wave: NDArray[np.float32]
    segments: list[Segment]
    voice: str

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return len(self.wave) / RATE


ESPEAK_VOICES = (
    *(("en-us", "en"),) * 3,
    *(("en-gb", "en"),) * 2,
    *(("cmn-latn-pinyin", "pinyin"),) * 2,
    ("en-us", "pseudo"),
    ("es", "es"),
    ("es-419", "es"),
    ("de", "de"),
    ("fr-fr", "fr"),
    ("pt-br", "pt"),
)
ESPEAK_VARIANTS = (
    "", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+f1", "+f2", "+f3", "+f4", "+f5",
    "+croak", "+klatt", "+klatt2", "+klatt3", "+klatt4",
)  # fmt: skip
FLITE_VOICES = ("slt", "slt", "awb", "awb", "rms", "rms", "kal16")
FESTIVAL_VOICES = (  # voice, language, weight
    ("voice_kal_diphone", "en", 3),
    ("voice_ked_diphone", "en", 3),
    ("voice_cmu_us_slt_arctic_hts", "en", 4),
    ("voice_lp_diphone", "it", 3),
    ("voice_pc_diphone", "it", 3),
    ("voice_upc_ca_ona_hts", "ca", 3),
    ("voice_suo_fi_lj_diphone", "fi", 2),
    ("voice_hy_fi_mv_diphone", "fi", 2),
    ("voice_msu_ru_nsh_clunits", "ru", 4),
    ("voice_czech_dita", "cs", 3),
    ("voice_czech_krb", "cs", 3),
    ("voice_czech_machac", "cs", 3),
    ("voice_czech_ph", "cs", 2),
)
FESTIVAL_ENCODINGS = {"en": "utf-8", "ru": "utf-8", "cs": "iso8859-2"}  # latin-1 otherwise
FESTIVAL_PACKAGES = (
    "festival festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts festvox-italp16k "
    "festvox-itapc16k festvox-ca-ona-hts festvox-suopuhe-lj festvox-suopuhe-mv festvox-ru "
    "festvox-czech-dita festvox-czech-krb festvox-czech-machac festvox-czech-ph"
)
FESTIVAL_SCRIPT = """(define (speak voice text name stretch)
  (eval (list voice))
  (Parameter.set 'Duration_Stretch stretch)
  (let ((spoken (utt.synth (eval (list 'Utterance 'Text text))))
        (phones (fopen (string-append name ".seg") "w")))
    (utt.save.wave spoken (string-append name ".wav") 'riff)
    (mapcar (lambda (phone) (format phones "%s %f %s\\n" (item.name phone)
        (item.feat phone "segment_end") (item.feat phone "R:SylStructure.parent.stress")))
      (utt.relation.items spoken 'Segment))
    (fclose phones)))
"""


def espeak(rng: random.Random, count: int) -> Iterator[Utterance]:
    """``count`` utterances of espeak-ng, each by a voice, speed and pitch of its own."""
    program = bundled()
    for _ in range(count):
        voice, language = rng.choice(ESPEAK_VOICES)
        variant = rng.choice(ESPEAK_VARIANTS)
        text = " ".join(sentence(language, rng) for _ in range(rng.randint(1, 3)))
        sound, events = program.say(
            text,
            voice + variant,
            rate=rng.uniform(115, 215),
            pitch=rng.uniform(15, 85),
            spread=rng.uniform(20, 80),
        )
        heard = _at_16k(sound, program.rate)
        yield Utterance(
            heard, _espeak_segments(events, len(heard) / RATE), f"espeak_{voice}{variant}"
        )


def _espeak_segments(events: list[tuple[float, str]], seconds: float) -> list[Segment]:
    segments = [Segment(0.0, events[0][0], SILENCE)] if events and events[0][0] > 0.02 else []
    ends = [start for start, _ in events[1:]] + [seconds]
    for (start, name), end in zip(events, ends, strict=True):
        phone = from_espeak(name)
        if phone is not None:
            segments.append(Segment(start, end, phone, UNKNOWN_STRESS))
        elif end - start > 0.05 or not name.strip() or not segments:
            segments.append(Segment(start, end, SILENCE))
        else:  # a release or a linking mark lengthens the phone before it
            last = segments[-1]
            segments[-1] = Segment(last.start, end, last.phone, last.stress)
    return segments


def flite(rng: random.Random, count: int) -> Iterator[Utterance]:
    """``count`` utterances of flite's English voices."""
    require("flite", "flite")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "spoken.wav")
        for _ in range(count):
            voice = rng.choice(FLITE_VOICES)
            text = " ".join(sentence("en", rng) for _ in range(rng.randint(1, 3)))
            pitch = rng.uniform(150, 230) if voice == "slt" else rng.uniform(85, 150)
            settings = {
                "duration_stretch": rng.uniform(0.75, 1.3),
                "int_f0_target_mean": pitch,
                "int_f0_target_stddev": rng.uniform(8, 35),
            }
            options = [part for k, v in settings.items() for part in ("--setf", f"{k}={v:.2f}")]
            path.unlink(missing_ok=True)  # a failed call must not leave the last one's sound
            printed = output(
                ["flite", "-voice", voice, "-psdur", *options, "-t", text, "-o", str(path)]
            )
            ends = re.findall(r"(\S+):([\d.]+)", printed)
            phones = [(from_festival(name, "en"), float(end), UNKNOWN_STRESS) for name, end in ends]
            yield Utterance(_read(path), _chain(phones), f"flite_{voice}")


def festival(rng: random.Random, count: int) -> Iterator[Utterance]:
    """``count`` utterances of one festival voice; starting the program costs most of the time."""
    require("festival", FESTIVAL_PACKAGES)
    weights = [weight for *_, weight in FESTIVAL_VOICES]
    voice, language, _ = rng.choices(FESTIVAL_VOICES, weights)[0]
    encoding = FESTIVAL_ENCODINGS.get(language, "latin-1")
    with tempfile.TemporaryDirectory() as folder:
        script = [FESTIVAL_SCRIPT.encode()]
        for i in range(count):
            text = " ".join(sentence(language, rng) for _ in range(rng.randint(1, 3)))
            spoken = text.replace('"', "").encode(encoding, "ignore")
            name = str(Path(folder, str(i))).encode()
            stretch = f"{rng.uniform(0.78, 1.3):.2f}".encode()
            script.append(b'(speak \'%s "%s" "%s" %s)\n' % (voice.encode(), spoken, name, stretch))
        Path(folder, "job.scm").write_bytes(b"".join(script))
        output(["festival", "-b", str(Path(folder, "job.scm"))])
        for i in range(count):
            times = Path(folder, f"{i}.seg")
            if times.is_file():
                segments = _festival_segments(times.read_text("latin-1"), language)
                yield Utterance(_read(Path(folder, f"{i}.wav")), segments, voice[len("voice_") :])


def _festival_segments(text: str, language: str) -> list[Segment]:
    phones = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 3:
            name, end, stress = fields
            stressed = stress not in ("0", "") or name.endswith("1")
            phones.append((from_festival(name, language), float(end), float(stressed)))
    return _chain(phones)


def _chain(phones: list[tuple[str, float, float]]) -> list[Segment]:
    """Segments out of ``(phone, end, stress)``: each starts where the one before it ends."""
    starts = [0.0, *(end for _, end, _ in phones[:-1])]
    return [
        Segment(start, end, phone, stress)
        for start, (phone, end, stress) in zip(starts, phones, strict=True)
    ]


def _read(path: Path) -> NDArray[np.float32]:
    """A synthesizer's own 16-bit wave file at 16 kHz; empty where none was written."""
    if not path.is_file() or path.stat().st_size <= 44:
        return np.zeros(0, np.float32)
    with wave.open(str(path)) as file:
        data, rate = file.readframes(file.getnframes()), file.getframerate()
    return _at_16k(np.frombuffer(data, np.int16), rate)


def _at_16k(sound: NDArray[np.int16], rate: int) -> NDArray[np.float32]:
    """16-bit sound as samples in -1..1 at 16 kHz."""
    wave = np.asarray(sound / 32768, np.float32)
    if rate == RATE or not len(wave):
        return wave
    common = int(np.gcd(rate, RATE))
    return np.asarray(resample_poly(wave, RATE // common, rate // common), np.float32)


SYNTHESIZERS: dict[str, Callable[[random.Random, int], Iterator[Utterance]]] = {
    "espeak": espeak,
    "flite": flite,
    "festival": festival,
}


def usable(utterance: Utterance) -> bool:
    """Whether the sound is whole: audible, 1.5 to 25 s, and its phones end where it ends."""
    segments = utterance.segments
    return (
        1.5 <= utterance.seconds <= 25
        and len(segments) >= 8
        and abs(segments[-1].end - utterance.seconds) <= 0.4
        and float(np.abs(utterance.wave).max()) >= 0.01
    )
