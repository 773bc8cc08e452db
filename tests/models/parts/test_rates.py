from fractions import Fraction

import numpy as np
import pytest

from lipkit.models.parts.rates import resample


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(30), Fraction(30000, 1001), Fraction(60)])
def test_resampling_is_exact_in_length_and_knows_no_chunks(fps):
    t = np.arange(250)[:, None] / 25
    motion = np.sin(2 * np.pi * t * [0.5, 1.0]).astype(np.float32)
    count = round(10 * fps)
    pieces = [motion[i : i + 7] for i in range(0, 250, 7)]
    chunked = np.concatenate(list(resample(pieces, fps, count)))
    whole = np.concatenate(list(resample([motion], fps, count)))
    assert chunked.shape == (count, 2)
    np.testing.assert_allclose(chunked, whole, atol=1e-6)
    expected = np.sin(
        2 * np.pi * ((np.arange(count) + 0.5) / float(fps) - 0.02)[:, None] * [0.5, 1]
    )
    np.testing.assert_allclose(whole[3:-3], expected[3:-3], atol=0.02)


def test_resampling_one_frame_holds_it():
    one = np.full((1, 3), 2.0, np.float32)
    held = np.concatenate(list(resample([one], Fraction(60), 2)))
    np.testing.assert_array_equal(held, np.full((2, 3), 2.0))
