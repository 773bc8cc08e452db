import numpy as np

from lipkit.training.voices.visemes import (
    CLASS_OF,
    NAMES,
    SEAL,
    TABLE,
    Segment,
    activations,
    nearest_phone,
)

SPOKEN = [
    Segment(0.0, 0.4, ""),
    Segment(0.4, 0.6, "a"),
    Segment(0.6, 0.72, "b"),
    Segment(0.72, 0.92, "a"),
    Segment(0.92, 2.5, ""),
]


def test_activations_sum_to_one_and_follow_the_phones():
    blended = activations(SPOKEN, 62)
    assert blended.shape == (62, len(NAMES))
    np.testing.assert_allclose(blended.sum(1), 1, atol=1e-5)
    assert blended[12].argmax() == NAMES.index("a")
    assert blended[16].argmax() == SEAL
    assert blended[45].argmax() == NAMES.index("pause_mid")


def test_lips_narrow_for_a_bilabial_between_open_vowels():
    aperture = (activations(SPOKEN, 62) @ TABLE)[:, 0]
    assert aperture[16] < 0.05 < 0.12 < aperture[12]


def test_blocks_leave_no_joint():
    long = [Segment(0.2 * i, 0.2 * i + 0.2, "a" if i % 2 else "m") for i in range(150)]
    whole = activations(long, 750)
    # The period is ten frames, so rows ten frames apart agree wherever a block ends.
    np.testing.assert_allclose(whole[500:520], whole[490:510], atol=1e-4)


def test_every_phone_has_one_class():
    assert nearest_phone("tʃa") == "tʃ"
    assert nearest_phone("?") is None
    assert CLASS_OF["b"] == SEAL
