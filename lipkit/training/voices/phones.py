"""The synthesizers' phone names in IPA."""

from __future__ import annotations

import re

from lipkit.training.voices.visemes import CLASS_OF, GLIDES, SILENCE, nearest_phone

PAUSES = {"pau", "#", "sil", "h#", "brth", "ssil", "_", "nil", "0"}


def _table(text: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in text.split())


ENGLISH = _table(
    "aa:ɑ ae:æ ah:ʌ ao:ɔ aw:aʊ ax:ə axr:ə ay:aɪ b:b ch:tʃ d:d dh:ð dx:ɾ eh:ɛ er:ɜ ey:eɪ f:f g:ɡ "
    "hh:h hv:h ih:ɪ ix:ɪ iy:i jh:dʒ k:k l:l el:l m:m em:m n:n en:n nx:n ng:ŋ ow:oʊ oy:ɔɪ p:p r:ɹ "
    "s:s sh:ʃ t:t th:θ uh:ʊ uw:u v:v w:w y:j z:z zh:ʒ"
)
ROMANCE = _table(  # Italian and Catalan
    "a:a e:e E:ɛ i:i o:o O:ɔ u:u j:j w:w S:ʃ Z:ʒ ts:ts dz:dz tS:tʃ dZ:dʒ J:ɲ L:ʎ ng:ŋ nf:n r:ɾ g:ɡ "
    "SS:ʃ JJ:ɲ LL:ʎ ax:ə B:β D:ð G:ɣ N:ŋ y:j rr:r uw:w iy:j"
)
RUSSIAN = _table(
    "a:a aa:a ay:ɨ ae:ɪ oo:ɔ u:u uu:u i:i ii:i y:ɨ yy:ɨ e:ɛ ee:ɛ h:x c:ts ch:tʃ sh:ʃ sch:ɕ zh:ʒ "
    "j:j g:ɡ gg:ɡ kk:k r:ɾ rr:ɾ f:f ff:f l:l ll:l"
)
FINNISH = _table("a:ɑ e:e i:i o:o u:u y:y A:æ O:ø @:æ 7:ø ae:æ oe:ø r:r N:ŋ g:ɡ v:v j:j S:ʃ")
CZECH = _table(  # _ is a stop of the glottis there, r~ a trill with a hiss that rounds the lips
    "a:a e:ɛ o:o ou:oʊ au:aʊ u:u i:i y:i c:ts c~:tʃ dz~:dʒ s~:ʃ z~:ʒ r~:ʒ r~*:ʃ r:r ch:x h:ɦ "
    "t~:t d~:d n~:ɲ n*:ŋ g:ɡ _:ʔ"
)
TABLES = {
    "en": ENGLISH, "it": ROMANCE, "ca": ROMANCE, "ru": RUSSIAN, "fi": FINNISH, "cs": CZECH,
}  # fmt: skip

# Marks that say nothing about the lips: stress, length, nasality, tones, palatalisation.
MARKS = re.compile("[ˈˌːˑ\u0329\u0303\u032a\u0306ʰʲ˞ʷ0-9_|.\\-]")
ALIASES = str.maketrans({"ɚ": "ə", "ɝ": "ɜ", "g": "ɡ", "ɱ": "m", "ɵ": "o", "ʐ": "ʒ"})


def from_festival(name: str, language: str) -> str:
    """IPA of a phone of flite or festival, ``""`` for silence; an unknown one counts as schwa."""
    if name.lower() in PAUSES and name not in TABLES[language]:
        return SILENCE
    if language == "en":
        return ENGLISH.get(name.lower(), "ə")
    plain = name.rstrip("0123456789:")  # vowels carry a stress digit
    table = TABLES[language]
    known = plain if plain in CLASS_OF else nearest_phone(plain)
    return table.get(name.rstrip(":")) or table.get(plain) or known or "ə"


def from_espeak(name: str) -> str | None:
    """IPA of an espeak-ng phoneme name; None where it names no sound of its own."""
    plain = MARKS.sub("", name).translate(ALIASES)
    for glide in GLIDES:
        if glide in plain:
            return glide
    return nearest_phone(plain)
