import numpy as np
import torch

from lipkit.models.vasa.noise import LIDS, REACH, coloured, kernels, white
from lipkit.training.voices.motion import CHANNELS

YAW = CHANNELS.index("yaw")


def test_noise_keeps_its_variance_and_slows_the_head():
    torch.manual_seed(0)
    noise = coloured(torch.randn(400, 30 + 2 * REACH, len(CHANNELS)), kernels())
    np.testing.assert_allclose(noise.std((0, 1)), 1, atol=0.12)
    pace = noise.diff(dim=1).std((0, 1))
    assert pace[CHANNELS.index("aperture")] > 1.3
    assert pace[YAW] < 0.1
    assert torch.equal(noise[..., LIDS[0]], noise[..., LIDS[1]])


def test_windows_share_one_noise():
    filters = kernels()
    whole = coloured(white(7, 0, 40)[None], filters)[0]
    later = coloured(white(7, 20, 20)[None], filters)[0]
    torch.testing.assert_close(whole[20:], later)
    other = coloured(white(8, 20, 20)[None], filters)[0]
    assert not torch.allclose(later, other)
