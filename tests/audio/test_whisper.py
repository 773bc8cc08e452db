"""Whisper features: no joints in long sound, layers as chosen, official files converted whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lipkit.audio import whisper
from lipkit.audio.whisper import WhisperEncoder
from lipkit.errors import BadUsage, WeightsError
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.parts.weights import find

MANIFEST = Path(__file__).parents[1] / "golden/latentsync/manifest_whisper_tiny_encoder.json"


def steps_between(data: np.ndarray) -> np.ndarray:
    """How far each step lies from the one before it, by layer."""
    return np.abs(np.diff(data, axis=0)).mean(axis=2)


def test_hard_joints_jump_and_faded_ones_do_not(small_whisper: Any, minute: np.ndarray) -> None:
    for joints, jumps in (("hard", True), ("faded", False)):
        data = WhisperEncoder(small_whisper, joints=joints).encode(minute).data
        assert data.shape == (3500, 3, 16)
        change = steps_between(data)
        # hard windows meet at 30 and 60 s; faded ones share 25 to 30 and 50 to 55 s
        joint = change[[1499, 2999]] if jumps else np.vstack([change[1245:1505], change[2495:2755]])
        rest = np.vstack([change[100:1200], change[1550:2450]])
        assert (joint.max(axis=0) > 1.2 * rest.max(axis=0)).all() == jumps


def test_a_cut_of_long_sound_has_the_features_of_the_whole(
    small_whisper: Any, minute: np.ndarray
) -> None:
    encoder = WhisperEncoder(small_whisper)
    whole, cut = encoder.encode(minute).data, encoder.encode(minute[25 * 16000 :]).data
    # the window that begins 25 s into the whole is the first of the cut
    np.testing.assert_allclose(whole[1250 + 260 :], cut[260:], atol=1e-3)


def test_half_a_minute_is_one_window(small_whisper: Any, minute: np.ndarray) -> None:
    wave = minute[: 30 * 16000]
    faded = WhisperEncoder(small_whisper).encode(wave).data
    hard = WhisperEncoder(small_whisper, joints="hard").encode(wave).data
    assert len(hard) == 1500
    np.testing.assert_array_equal(faded, hard)


def test_chunks_give_what_the_whole_gives(small_whisper: Any, minute: np.ndarray) -> None:
    encoder = WhisperEncoder(small_whisper)
    chunks = np.array_split(minute, 13)
    streamed = np.concatenate(list(encoder.stream(lambda: chunks)))
    np.testing.assert_allclose(streamed, encoder.encode(minute).data, atol=1e-4)


@pytest.mark.parametrize("length", [0, 1, 319, 320, 4800, 479999, 480001])
def test_the_number_of_steps_is_as_promised(small_whisper: Any, length: int) -> None:
    encoder = WhisperEncoder(small_whisper, layers="last")
    wave = np.full(length, 0.01, np.float32)
    assert len(encoder.encode(wave).data) == encoder.count(length) == length // 160 // 2


def test_layers_are_chosen(small_whisper: Any, minute: np.ndarray) -> None:
    wave = minute[:16000]
    every = WhisperEncoder(small_whisper).encode(wave).data
    last = WhisperEncoder(small_whisper, layers="last").encode(wave).data
    some = WhisperEncoder(small_whisper, layers="2,0").encode(wave).data
    np.testing.assert_array_equal(last, every[:, -1:])
    np.testing.assert_array_equal(some, every[:, [2, 0]])
    for wrong in ("3", "-1", "first"):
        with pytest.raises(BadUsage):
            WhisperEncoder(small_whisper, layers=wrong)


def test_the_official_manifest_is_consumed_whole_at_full_size() -> None:
    shapes = json.loads(MANIFEST.read_text())
    official = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    tensors, config = whisper.adopt(Checkpoint(official, {}, MANIFEST), find("whisper-tiny"))
    network = whisper.build(config)
    assert len(tensors) == len(official)
    assert {k: v.shape for k, v in tensors.items()} == {
        k: v.shape for k, v in network.state_dict().items()
    }
    assert config["encoder_attention_heads"] == 6


def test_every_kind_of_names_gives_the_same_network(small_whisper: Any) -> None:
    own = small_whisper.state_dict()
    given = {"encoder_attention_heads": 2}
    whole = {f"model.encoder.{name}": tensor for name, tensor in own.items()}
    whole |= {"model.decoder.layers.0.fc1.weight": torch.zeros(1), "proj_out.weight": torch.ones(1)}
    for names in (own, {f"encoder.{k}": v for k, v in own.items()}, whole):
        tensors, config = whisper.adopt(Checkpoint(names, given, Path("x")))
        assert tensors.keys() == own.keys()
        assert (config["encoder_layers"], config["encoder_ffn_dim"]) == (2, 32)


def test_weights_of_another_size_are_refused(small_whisper: Any) -> None:
    checkpoint = Checkpoint(dict(small_whisper.state_dict()), {}, Path("small.pt"))
    with pytest.raises(WeightsError, match="2 blocks of width 16, but whisper-tiny has 4 of 384"):
        whisper.adopt(checkpoint, find("whisper-tiny"))


def test_a_tensor_too_many_or_too_few_is_refused(small_whisper: Any) -> None:
    own = dict(small_whisper.state_dict())
    with pytest.raises(WeightsError, match=r"1 unknown: layers\.0\.extra"):
        whisper.adopt(Checkpoint(own | {"layers.0.extra": torch.zeros(1)}, {}, Path("x")))
    del own["layers.1.fc2.bias"]
    with pytest.raises(WeightsError, match=r"1 missing: layers\.1\.fc2\.bias"):
        whisper.adopt(Checkpoint(own, {}, Path("x")))
    with pytest.raises(WeightsError, match="no Whisper encoder"):
        whisper.adopt(Checkpoint({"a": torch.zeros(1)}, {}, Path("x")))
