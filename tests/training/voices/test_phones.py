import pytest

from lipkit.training.voices.phones import from_espeak, from_festival


@pytest.mark.parametrize(
    ("name", "language", "expected"),
    [
        ("pau", "en", ""),
        ("#", "it", ""),
        ("iy", "en", "i"),
        ("a1", "it", "a"),
        ("@", "fi", "æ"),
        ("7", "fi", "ø"),
        ("sch", "ru", "ɕ"),
        ("r~", "cs", "ʒ"),
        ("_", "cs", "ʔ"),
        ("i:", "cs", "i"),
        ("#", "cs", ""),
        ("nonsense", "en", "ə"),
    ],
)
def test_festival_names(name, language, expected):
    assert from_festival(name, language) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("ˈaɪ", "aɪ"), ("tʃ", "tʃ"), ("ɚ", "ə"), ("ɑ̃", "ɑ"), ("ɡʲ", "ɡ"), ("", None), ("_:", None)],
)
def test_espeak_names(name, expected):
    assert from_espeak(name) == expected
