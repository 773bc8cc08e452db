"""The loop and ``toy:`` together: a small network learns to see the lips in the sound."""

import numpy as np
import pytest
import torch
from torch import nn

from lipkit.audio.mel import SPEECH64, log_mel
from lipkit.training.config import StageConfig
from lipkit.training.data import footage, open_data, sound
from lipkit.training.loop import train
from lipkit.training.toys.dubbing import dubbed, following
from lipkit.training.toys.motion import INDEX

CONFIG = StageConfig(
    steps=400, batch=16, learning_rate=3e-3, warmup=20, ema=0.98, log_every=100, save_every=400
)
LIPS = [INDEX["aperture"], INDEX["width"]]
SCALE = torch.tensor([0.12, 0.06])


class Listener(nn.Sequential):
    """Log-mel ``(b, 64, 4 f)`` to scaled aperture and width ``(b, 2, f)``."""

    def __init__(self):
        torch.manual_seed(0)
        layers = [nn.Conv1d(64, 48, 4, stride=4), nn.GELU()]
        for _ in range(3):
            layers += [nn.Conv1d(48, 48, 5, padding=2), nn.GELU()]
        super().__init__(*layers, nn.Conv1d(48, 2, 1))


def heard(take, start, stop):
    mel = torch.from_numpy(log_mel(sound(take, start, stop), SPEECH64).T.copy())
    return mel - mel.mean()


class Listen:
    name = "listen"

    def __init__(self, data):
        self.data = data

    def parameters(self, model):
        return model.parameters()

    def batch(self, seed, index):
        rng = np.random.default_rng((seed, index))
        mels, lips = [], []
        for _ in range(CONFIG.batch):
            take = self.data.training[int(rng.integers(len(self.data.training)))]
            mels.append(heard(take, 0, len(take)))
            lips.append(torch.from_numpy(take.truth["motion"][:, LIPS].T.copy()))
        return {"mel": torch.stack(mels), "lips": torch.stack(lips)}

    def loss(self, model, batch, step):
        error = model(batch["mel"]) - batch["lips"] / SCALE[:, None]
        return {"lips": error.square().mean()}

    def validate(self, model):
        takes = dubbed(self.data.held_out[:20])
        made = [model(heard(take, 0, len(take))[None])[0, 0].numpy() for take in takes]
        found = following(made, takes, "aperture")
        return {"heard": found.heard, "seen": found.seen}


@pytest.mark.slow
def test_lips_are_learned_from_sound(tmp_path):
    torch.set_num_threads(1)
    data = footage(open_data("toy:size=16,seconds=3,takes=240,held_out=20", tmp_path), "listen")
    scores = {}
    train(Listener(), Listen(data), CONFIG, tmp_path, report=lambda p: scores.update(p.scores))
    assert scores["heard"] > 0.9
    assert abs(scores["seen"]) < 0.2
