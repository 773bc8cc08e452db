"""VASA-1's generator hears, minds its conditions, and goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from lipkit import config as settings
from lipkit.errors import BadInput, BadUsage, WeightsError
from lipkit.models.vasa.vasa1 import stages
from lipkit.models.vasa.vasa1.conditions import (
    DEVIATION,
    MEAN,
    Emotions,
    cut,
    gazes,
    main_gaze,
)
from lipkit.models.vasa.vasa1.config import (
    EMOTIONS,
    ControlsConfig,
    SamplingConfig,
    Vasa1Config,
)
from lipkit.models.vasa.vasa1.hearing import frames_of, hear, recall, rows_of
from lipkit.models.vasa.vasa1.live import speak_live
from lipkit.models.vasa.vasa1.model import Vasa1, build
from lipkit.models.vasa.vasa1.pipeline import DynamicsGenerator, move, speak
from lipkit.models.vasa.vasa1.takes import Take, observed, statistics
from lipkit.protocols import Features
from lipkit.sync.hearing import encoder_of
from lipkit.training.config import StageConfig
from lipkit.training.toys.takes import Toy
from tests.models.parts.onnx import write_tiles

SMALL = (
    "model.generator.width=16",
    "model.generator.layers=1",
    "model.generator.heads=2",
    "model.generator.window=10",
    "model.generator.context=4",
)
QUICK = SamplingConfig(steps=2)


@pytest.fixture(scope="module")
def config() -> Vasa1Config:
    tables = settings.load_preset("tiny-vasa1").tables
    sets = (*SMALL, f"model.generator.emotion={len(EMOTIONS)}")
    return settings.resolve(Vasa1Config, preset=tables, sets=sets)


@pytest.fixture
def model(config: Vasa1Config) -> Vasa1:
    torch.manual_seed(0)
    return build(config.model).eval()


def test_the_preset_has_the_papers_sizes() -> None:
    form = settings.resolve(Vasa1Config, preset=settings.load_preset("vasa1").tables).model
    assert (form.generator.layers, form.generator.width, form.generator.heads) == (8, 512, 8)
    assert form.generator.channels == 7 + 512
    with torch.device("meta"):
        generator = build(form).generator
    blocks = sum(p.numel() for p in generator.encoder.layers.parameters())
    assert blocks == pytest.approx(25.2e6, rel=0.01)


def test_settings_that_do_not_fit_are_refused() -> None:
    for wrong in ("model.generator.channels=40", "model.generator.emotion=3"):
        with pytest.raises(BadUsage, match="generator"):
            settings.resolve(Vasa1Config, sets=(wrong,))
    with pytest.raises(BadUsage, match="emotion"):
        settings.resolve(Vasa1Config, sets=("controls.emotion=boredom",))
    joy = settings.resolve(Vasa1Config, sets=("controls.emotion=happiness",)).controls
    assert joy.feeling[EMOTIONS.index("happiness")] == sum(joy.feeling) == 1


def test_a_frame_hears_its_own_steps(config: Vasa1Config) -> None:
    data = np.arange(12, dtype=np.float32)[:, None, None].repeat(3, 2)
    features = Features(data, Fraction(100), "mel-64")
    rows = rows_of(features, config.model, 4)
    assert rows.shape == (4, 12)
    loud = np.quantile(np.arange(12), 0.9)
    assert np.allclose(rows[1], np.repeat([4, 5, 6, 7], 3) - loud)
    assert np.allclose(rows[3], 11 - loud)  # the last step goes on
    plain = replace(config.model, hearing=replace(config.model.hearing, spectra=False))
    assert np.allclose(rows_of(features, plain, 3)[:, 0], [1.5, 5.5, 9.5])


def test_sound_has_a_row_a_frame(config: Vasa1Config) -> None:
    wave = np.random.default_rng(0).standard_normal(16000).astype(np.float32) * 0.1
    assert hear(wave, config.model).shape == (25, 256)
    assert hear(wave[:10], config.model).shape == (1, 256)
    assert frames_of(0, 25) == 1
    kept = encoder_of("mel-64").encode(wave)
    assert np.allclose(recall(kept, config.model, "x"), hear(wave, config.model), atol=1e-4)
    other = Features(np.zeros((100, 1, 80), np.float32), Fraction(100), "mel")
    with pytest.raises(BadInput, match="mel-64"):
        recall(other, config.model, "x.safetensors")


def test_the_main_gaze_is_the_most_usual_one() -> None:
    angles = np.concatenate([np.full((9, 2), (10.0, -5.0)), np.full((4, 2), (-30.0, 0.0))])
    assert main_gaze(angles).tolist() == [10, -5]
    take = Toy(1, 1, 32, 0.4)
    assert gazes(take) is not None
    assert np.array_equal(gazes(take)[:, 0], take.motion[:, 8])


def test_emotions_are_told_by_a_network(tmp_path: Path) -> None:
    """One that says how bright the quarters of the face are, in red and in green."""
    path = write_tiles(tmp_path / "emotions.onnx", 112, 224)
    take = Toy(1, 1, 64, 0.04)
    face = cut(take.pictures(0, 1)[0], take.points[0]) / 255.0
    quarters = ((face - MEAN) / DEVIATION).reshape(2, 112, 2, 112, 3).mean((1, 3))
    odds = np.exp(quarters[..., :2].transpose(2, 0, 1).ravel())
    assert np.allclose(Emotions(path).shares(take), odds / odds.sum(), atol=1e-4)
    path.write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="ONNX"):
        Emotions(path)


def test_a_take_is_seen_by_the_codec(model: Vasa1) -> None:
    take = observed(model, Toy(1, 1, 64, 0.6), None)
    assert take.motion.shape == (15, 39)
    assert take.audio.shape == (15, 256)
    assert (take.gaze.shape, take.distance.shape, take.emotion.shape) == ((2,), (1,), (8,))
    assert take.known
    mean, deviation = statistics([take.motion, take.motion])
    assert np.allclose(mean.numpy(), take.motion.mean(0), atol=1e-3)
    assert deviation.min() > 0


def test_every_condition_matters_and_can_be_left_out(model: Vasa1) -> None:
    heard = np.random.default_rng(0).standard_normal((10, 256)).astype(np.float32)

    def made(**changes: object) -> np.ndarray:
        player = DynamicsGenerator(model, QUICK, ControlsConfig())
        _, state = player.generate(heard, {}, None)
        return player.generate(heard, changes, state)[0]

    plain = made()
    assert plain.shape == (10, 39)
    joy = ControlsConfig(emotion="happiness").feeling
    for change in ({"gaze": (15, 0)}, {"distance": 0.3}, {"emotion": joy}):
        assert not np.allclose(made(**change), plain, atol=1e-4), change
    first = DynamicsGenerator(model, QUICK).generate(heard, {}, None)[0]
    assert not np.allclose(first, plain, atol=1e-4)


def test_guidance_goes_away_from_what_was_left_out(model: Vasa1) -> None:
    player = DynamicsGenerator(model, SamplingConfig(guidance=0.7, gaze_guidance=1.5))
    heard = torch.randn(10, 256)
    asked = player.conditions(heard, {"gaze": (10, 5)}, None)
    x, t = torch.randn(1, 10, 39), torch.tensor([400])
    with torch.inference_mode():
        full = model.generator(x, t, asked)
        deaf = model.generator(x, t, asked.without("audio"))
        blind = model.generator(x, t, asked.without("gaze"))
        wanted = (1 + 0.7 + 1.5) * full - 0.7 * deaf - 1.5 * blind
        assert torch.allclose(player.denoised(x, t, asked), wanted, atol=1e-4)


def test_motion_goes_on_window_by_window(model: Vasa1) -> None:
    heard = np.random.default_rng(0).standard_normal((23, 256)).astype(np.float32)
    parts = list(move(model, heard, QUICK, seed=3))
    assert [len(part) for part in parts] == [10, 10, 3]
    again = list(move(model, heard, QUICK, seed=3))
    assert all(np.array_equal(a, b) for a, b in zip(parts, again, strict=True))
    other = next(iter(move(model, heard, QUICK, seed=4)))
    assert not np.allclose(other, parts[0], atol=1e-4)
    wave = np.zeros(16000, np.float32)
    spoken = speak(model, QUICK, [wave[:9000], wave[9000:]], 0)
    assert (spoken.total, spoken.fps) == (25, 25)
    assert len(np.concatenate(list(spoken.chunks))) == 25
    assert spoken.layout.codec == "megaportraits"


@pytest.mark.parametrize("size", [300, 7000])
def test_a_live_voice_moves_in_time(model: Vasa1, size: int) -> None:
    """Motion comes as soon as the frames that a window hears, however the sound arrives."""
    wave = np.random.default_rng(1).standard_normal(640 * 17 + 100).astype(np.float32)
    sampling = SamplingConfig(steps=2, live_hop=3, live_ahead=4)
    given = 0

    def arriving() -> Iterator[np.ndarray]:
        nonlocal given
        for start in range(0, len(wave), size):
            given = min(len(wave), start + size)
            yield wave[start : start + size]

    parts = []
    for part in speak_live(model, sampling, arriving(), 0):
        parts.append(part)
        moved = sum(map(len, parts))
        assert moved <= given // 640 - 4 or given == len(wave)
    whole = np.concatenate(list(speak_live(model, sampling, [wave], 0)))
    assert len(whole) == frames_of(len(wave), 25) == 17
    assert np.allclose(np.concatenate(parts), whole, atol=1e-3)


def test_conditions_are_dropped_as_often_as_they_should() -> None:
    absent = stages.absences(20_000, 10)
    shares = {name: mask.float().mean().item() for name, mask in absent.items()}
    for name in ("gaze", "distance", "emotion"):
        assert shares[name] == pytest.approx(0.1, abs=0.02)
    assert shares["previous"] == pytest.approx(0.5, abs=0.02)
    audio = absent["audio"]
    assert audio.all(1).float().mean() == pytest.approx(0.1, abs=0.02)
    late = audio & ~audio.all(1, keepdim=True)
    assert late.any(1).float().mean() == pytest.approx(0.09, abs=0.02)
    assert (late[:, 1:] >= late[:, :-1]).all()  # once silent, silent to the end


def test_the_stage_trains_the_transformer_alone(model: Vasa1) -> None:
    rng = np.random.default_rng(0)

    def take(known: bool) -> Take:
        rows = (rng.standard_normal((20, width)).astype(np.float32) for width in (39, 256))
        rest = (np.zeros(width, np.float32) for width in (2, 1, 8))
        return Take(*rows, *rest, known)

    takes = [take(True), take(False)]
    stage = stages.GeneratorStage(StageConfig(batch=3), takes, takes)
    trained = {id(p) for p in stage.parameters(model)}
    assert trained == {id(p) for p in model.generator.parameters()}
    stacked = np.concatenate([t.motion for t in takes])
    assert np.allclose(model.motion_mean.numpy(), stacked.mean(0), atol=1e-4)
    batch = stage.batch(0, 0)
    assert batch["motion"].shape == (3, 14, 39)
    assert all(torch.equal(v, stage.batch(0, 0)[k]) for k, v in batch.items())
    loss = stage.loss(model, batch, 0)
    assert set(loss) == {"motion"}
    assert 0.3 < loss["motion"].item() < 10
    assert set(stage.validate(model)) == {"expression_r", "best_quarter_r"}
