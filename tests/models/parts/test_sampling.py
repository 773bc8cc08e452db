import pytest
import torch

from lipkit.models.parts.sampling import (
    clean_of,
    cosine_schedule,
    ddim,
    guided,
    keeping,
    noised,
    target_of,
)


def test_schedule_falls_from_signal_to_noise():
    share = cosine_schedule(1000)
    assert share[0] > 0.999
    assert share[-1] < 1e-4
    assert (share.diff() < 0).all()


def test_noising_keeps_unit_variance():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, 20000, generator=generator)
    noise = torch.randn(4, 20000, generator=generator)
    share = cosine_schedule(100)
    t = torch.tensor([0, 30, 60, 99])
    mixed = noised(x, noise, share, t)
    torch.testing.assert_close(mixed.std(1), torch.ones(4), atol=0.02, rtol=0)
    correlation = (mixed * x).mean(1)
    torch.testing.assert_close(correlation, share[t].sqrt(), atol=0.02, rtol=0)


def test_perfect_denoiser_is_followed_in_any_number_of_steps():
    target = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1))
    share = cosine_schedule(1000)
    for steps in (1, 3, 10):
        found = ddim(lambda x, t: target, torch.randn(2, 5, 3), share, steps)
        torch.testing.assert_close(found, target)


def test_sampler_draws_the_denoisers_distribution():
    # For data N(3, 0.5) the best denoiser is linear in x, so its samples must be N(3, 0.5) again.
    share = cosine_schedule(1000)

    def best(x, t):
        a = share[t][:, None]
        gain = a.sqrt() * 0.25 / (a * 0.25 + 1 - a)
        return 3 + gain * (x - a.sqrt() * 3)

    noise = torch.randn(20000, 1, generator=torch.Generator().manual_seed(2))
    drawn = ddim(best, noise, share, 50)
    assert abs(drawn.mean() - 3) < 0.02
    assert abs(drawn.std() - 0.5) < 0.02


def test_guidance_moves_away_from_the_unconditioned():
    full, without = torch.tensor([2.0]), torch.tensor([1.0])
    assert guided(full, [(0.5, without)]) == 2.5
    assert guided(full, []) == 2
    assert guided(full, [(0.5, without), (1.0, torch.tensor([4.0]))]) == 0.5


def test_what_is_known_stays_and_the_rest_is_made_to_it() -> None:
    alpha_bar, generator = cosine_schedule(100), torch.Generator().manual_seed(0)
    known, mask = torch.full((1, 8), 0.7), torch.tensor([[1.0] * 4 + [0.0] * 4])
    seen = []

    def denoise(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        seen.append((float(x[0, :4].mean()), float(alpha_bar[t[0]])))
        return x[:, :4].mean().expand_as(x) / alpha_bar[t[0]].sqrt().clamp_min(0.5)

    made = ddim(
        denoise,
        torch.randn(1, 8, generator=generator),
        alpha_bar,
        10,
        eta=1.0,
        generator=generator,
        hold=keeping(known, mask, generator),
    )
    assert torch.equal(made[:, :4], known[:, :4])
    value, share = seen[-1]
    assert abs(value - 0.7 * share**0.5) < 2 * (1 - share) ** 0.5


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_predictions_of_all_kinds_mean_the_same(kind: str) -> None:
    clean, noise, share = torch.randn(2, 3), torch.randn(2, 3), torch.tensor(0.6)
    x = share.sqrt() * clean + (1 - share).sqrt() * noise
    target = target_of(kind, clean, noise, share)
    torch.testing.assert_close(clean_of(kind, target, x, share), clean, rtol=1e-4, atol=1e-4)


def test_noise_on_the_way_keeps_the_variance() -> None:
    alpha_bar, generator = cosine_schedule(200), torch.Generator().manual_seed(0)

    def denoise(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return x * alpha_bar[t[0]].sqrt()  # the best guess for normal data

    for eta in (0.0, 1.0):
        start = torch.randn(1, 20000, generator=generator)
        made = ddim(denoise, start, alpha_bar, 100, eta=eta, generator=generator)
        assert abs(float(made.std()) - 1) < 0.1
