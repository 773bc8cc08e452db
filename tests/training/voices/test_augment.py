import torch

from lipkit.training.voices.augment import augment, masked_bands


def test_augmented_speech_is_whole_and_noisy():
    torch.manual_seed(0)
    power = torch.zeros(4, 64, 200)
    power[:, 20, 100] = 1e3
    heard = augment(power)
    assert heard.shape == power.shape
    assert torch.isfinite(heard).all()
    assert (heard > 0).all()
    assert (heard.amax((1, 2)) > 5 * heard.mean((1, 2))).all()


def test_masks_hide_few_bands():
    torch.manual_seed(0)
    features = torch.ones(32, 64, 10)
    hidden = (masked_bands(features) == 0).all(-1).sum(1)
    assert 0 < (hidden > 0).float().mean() < 1
    assert hidden.max() <= 8
