import torch

from lipkit.models.parts.sampling import cosine_schedule, ddim, guided, noised


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
