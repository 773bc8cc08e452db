import torch

from lipkit.models.vasa.generator import Conditions


def conditions(batch: int = 2) -> Conditions:
    torch.manual_seed(1)
    return Conditions(
        audio=torch.randn(batch, 10, 26),
        motion=torch.randn(batch, 4, 15),
        motion_audio=torch.randn(batch, 4, 26),
        gaze=torch.randn(batch, 2),
        distance=torch.randn(batch, 1),
    )


def test_shapes(tiny):
    model = tiny.generator
    x, t = torch.randn(2, 10, 15), torch.tensor([5, 900])
    assert model(x, t, conditions()).shape == x.shape
    assert model(x, t, Conditions()).shape == x.shape


def test_every_condition_counts(tiny):
    model = tiny.generator
    x, t, full = torch.randn(2, 10, 15), torch.tensor([5, 900]), conditions()
    said = model(x, t, full)
    for name in ("audio", "motion", "gaze", "distance"):
        assert not torch.allclose(model(x, t, full.without(name)), said, atol=1e-5), name
    assert not torch.allclose(model(x, t + 50, full), said, atol=1e-5)


def test_absent_in_a_batch_equals_not_given(tiny):
    model = tiny.generator
    x, t, full = torch.randn(2, 10, 15), torch.tensor([5, 900]), conditions()
    absent = {"audio": torch.tensor([True, False]), "previous": torch.tensor([False, True])}
    mixed, close = model(x, t, full, absent), {"rtol": 1e-4, "atol": 1e-4}
    torch.testing.assert_close(mixed[:1], model(x, t, full.without("audio"))[:1], **close)
    torch.testing.assert_close(mixed[1:], model(x, t, full.without("motion"))[1:], **close)
