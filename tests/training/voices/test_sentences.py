import random

import pytest

from lipkit.training.voices.sentences import GRAMMARS, dictionary, sentence


@pytest.mark.parametrize("language", [*GRAMMARS, "pinyin", "pseudo"])
def test_sentences_are_whole_and_repeatable(language):
    spoken = [sentence(language, random.Random(i)) for i in range(30)]
    assert spoken == [sentence(language, random.Random(i)) for i in range(30)]
    assert len(set(spoken)) > 10
    for text in spoken:
        assert "{" not in text
        assert text[-1] in ".!?"


def test_without_a_word_list_the_own_words_serve():
    words = dictionary("/nonexistent")
    assert "bread" in words
