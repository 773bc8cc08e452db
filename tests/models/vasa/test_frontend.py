from itertools import pairwise

import numpy as np
import torch

from lipkit.models.vasa.frontend import measure, normalise
from lipkit.models.vasa.listen import listen, measure_rows, silent_frames
from lipkit.models.vasa.mel import frame_count, log_mel


def test_blocks_hear_what_the_whole_hears(tiny, babble):
    model, rows = tiny, torch.from_numpy(log_mel([babble(9)]))
    statistics = measure(10 ** rows.float().T[None])
    whole = model.frontend.hear(rows, statistics)
    parts = model.frontend.hear(rows, statistics, block=40)
    assert whole.shape == (225, 23)
    torch.testing.assert_close(parts, whole, atol=1e-4, rtol=1e-4)


def test_level_and_colour_of_a_recording_do_not_matter(babble):
    rows = torch.from_numpy(log_mel([babble(4)])).float().T[None]
    power = 10**rows
    coloured = power * (0.01 * torch.linspace(1, 9, 64)[None, :, None])
    same = normalise(power, measure(power))
    other = normalise(coloured, measure(coloured))
    loud = power.mean(1) > 0.05 * power.mean(1).max()
    assert (same - other).abs()[:, :, loud[0]].mean() < 0.05


def test_long_recordings_are_measured_in_blocks_alike(babble):
    rows = log_mel([babble(60)])
    whole = measure(10 ** torch.from_numpy(rows).float().T[None])
    blocks = measure_rows(rows)
    torch.testing.assert_close(blocks.loud, whole.loud, rtol=1e-3, atol=0)
    torch.testing.assert_close(blocks.mean, whole.mean, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(blocks.deviation, whole.deviation, rtol=1e-2, atol=1e-3)


def test_frames_are_a_rounded_duration_and_at_least_one(babble):
    assert [frame_count(n) for n in (0, 1, 319, 320, 640, 959, 960, 16000)] == [
        1, 1, 1, 1, 1, 1, 2, 25,
    ]  # fmt: skip
    for seconds in (0.0, 1 / 16000, 0.037, 1.0, 3.21):
        rows = log_mel([babble(seconds)])
        assert rows.shape == (4 * frame_count(round(seconds * 16000)), 64)


def test_chunks_do_not_matter(babble):
    wave = babble(5)
    cuts = [0, 7, 5000, 5001, 44000, len(wave)]
    chunks = [wave[a:b] for a, b in pairwise(cuts)]
    np.testing.assert_array_equal(log_mel(chunks), log_mel([wave]))


def test_silence_and_broken_samples_are_heard_as_silence(tiny):
    wave = np.zeros(2 * 16000, np.float32)
    wave[100:200] = np.nan
    rows = log_mel([wave])
    assert silent_frames(rows).all()
    heard = listen(tiny.frontend, rows)
    assert heard.shape == (50, 26)
    assert np.isfinite(heard).all()
    assert (heard[:, -1] == 1).all()


def test_speech_between_silences_is_found(babble):
    wave = np.concatenate([np.zeros(16000), babble(2), np.zeros(16000)]).astype(np.float32)
    silent = silent_frames(log_mel([wave]))
    assert silent[:22].all()
    assert not silent[30:70].any()
    assert silent[85:].all()
