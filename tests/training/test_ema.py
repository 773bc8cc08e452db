import torch
from torch.nn import Parameter

from lipkit.training.ema import Average


def test_average_follows_slowly_and_gives_the_weights_back():
    weight = Parameter(torch.zeros(2))
    average = Average([weight], 0.9)
    with torch.no_grad():
        weight.fill_(1.0)
    average.update(1000)
    torch.testing.assert_close(average.shadow[0], torch.full((2,), 0.1))
    with average.applied():
        torch.testing.assert_close(weight.detach(), torch.full((2,), 0.1))
    torch.testing.assert_close(weight.detach(), torch.ones(2))


def test_young_averages_forget_their_start():
    weight = Parameter(torch.ones(1))
    average = Average([weight], 0.9999)
    average.shadow[0].zero_()
    for step in range(1, 60):
        average.update(step)
    assert average.shadow[0] > 0.99
