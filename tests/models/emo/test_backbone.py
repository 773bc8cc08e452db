"""What guides the backbone reaches its prediction, and switches change what they say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from lipkit.models.emo.config import EmoConfig, ModelConfig
from lipkit.models.emo.denoiser import Denoiser, Scenery, guides
from lipkit.models.emo.model import Emo, build
from lipkit.models.parts.audio_attention import Voice

from .conftest import lively, resolved

FRAMES = 3


def scene(model: Emo, **edit: Any) -> Scenery:
    """A clip to be made, of noise everywhere."""
    form = model.config
    side, channels = form.side, form.vae.latents
    draw = torch.Generator().manual_seed(1)

    def noise(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw)

    levels = range(len(form.unet.widths))
    masks = [[noise(FRAMES, (side >> k) ** 2).abs() for k in levels] for _ in range(3)]
    found = Scenery(
        pictures=noise(1, 1 + form.carried, channels, side, side),
        voice=Voice(noise(FRAMES, form.hearing.tokens, form.hearing.token_width), masks),
        region=noise(1, 3, form.resolution, form.resolution),
        embedding=noise(1, form.identity.width) if form.unet.context else None,
        velocity=torch.full((1, FRAMES), 0.7),
    )
    return replace(found, **edit)


def fresh_noise(model: Emo) -> Tensor:
    form = model.config
    shape = (1, form.vae.latents, FRAMES, form.side, form.side)
    return torch.randn(shape, generator=torch.Generator().manual_seed(2))


@torch.no_grad()
def predicted(model: Emo, given: Scenery, guidance: float = 1.0) -> Tensor:
    noise = fresh_noise(model)
    return Denoiser(model.backbone, guides(model, given, guidance > 1), guidance)(noise, 500, 0)


def sharing(model: Emo, form: ModelConfig) -> Emo:
    """A model of another form with the same weights."""
    made = Emo(form).eval()
    made.load_state_dict(model.state_dict())
    return made


@pytest.fixture(scope="module")
def hallo() -> Emo:
    """The tiny network with all of Hallo's switches."""
    sets = {
        "model.unet.context": 16,
        "model.reference.mode": "self_concat",
        "model.reference.tap": "norm1",
        "model.reference.spread": "interleaved",
        "model.reference.tokens": "repeated",
        "model.reference.motion": "train",
        "model.reference.first_clip": "copies",
        "model.identity.source": "insightface",
        "model.hearing.block": "hierarchical",
        "model.speed.buckets": 0,
    }
    return lively(resolved(**sets).model)


@pytest.mark.parametrize("kind", ["model", "hallo"])
def test_everything_that_guides_is_seen(kind: str, request: pytest.FixtureRequest) -> None:
    model: Emo = request.getfixturevalue(kind)
    given = scene(model)
    plain = predicted(model, given)
    changed = given.pictures.clone()
    changed[:, 0] += 0.5
    earlier = given.pictures.clone()
    earlier[:, -1] += 0.5
    voice = given.voice
    edits = {
        "reference": {"pictures": changed},
        "frames before": {"pictures": earlier},
        "voice": {"voice": replace(voice, tokens=voice.tokens + 1)},
        "region": {"region": given.region + 1},
    }
    if kind == "hallo":
        edits["face"] = {"embedding": given.embedding + 1}
        edits["weights"] = {"voice": replace(voice, weights=(0.5, 1.5, 2.0))}
    else:
        edits["speed"] = {"velocity": given.velocity + 1}
    for name, edit in edits.items():
        difference = (predicted(model, replace(given, **edit)) - plain).abs().max()
        assert difference > 1e-5, name


def test_the_first_clip_knows_no_frames_before(model: Emo) -> None:
    form = replace(model.config.reference, first_clip="zero_features")
    model = sharing(model, replace(model.config, reference=form))
    given = scene(model, first=True)
    other = given.pictures.clone()
    other[:, 1:] += 1
    again = replace(given, pictures=other)
    assert torch.equal(predicted(model, given), predicted(model, again))
    second = replace(given, first=False)
    assert not torch.equal(predicted(model, given), predicted(model, second))


def test_both_readings_of_reference_attention_are_there() -> None:
    for mode in ("cross", "self_concat"):
        made = build(resolved(**{"model.reference.mode": mode}).model)
        names = {name for name in made.backbone.state_dict() if ".attentions." in name}
        assert any(".attn2." in name for name in names) == (mode == "cross")


def test_new_layers_add_nothing_before_they_are_trained(settings: EmoConfig) -> None:
    torch.manual_seed(0)
    fresh = build(settings.model).eval()
    torch.nn.init.normal_(fresh.backbone.conv_out.weight)
    given = scene(fresh)
    plain = predicted(fresh, given)
    voice = replace(given.voice, tokens=given.voice.tokens + 1)
    other = replace(given, voice=voice, velocity=given.velocity + 1, region=given.region + 1)
    assert torch.equal(plain, predicted(fresh, other))


@pytest.mark.parametrize("kind", ["model", "hallo"])
def test_guidance_in_one_batch_is_guidance_in_two(
    kind: str, request: pytest.FixtureRequest
) -> None:
    model: Emo = request.getfixturevalue(kind)
    given = scene(model)
    whole = predicted(model, given, guidance=2.0)
    bare, full = guides(model, given, guided=True)
    apart = Denoiser(model.backbone, [bare, full], 2.0)
    apart.batches = [bare, full]
    noise = fresh_noise(model)
    with torch.no_grad():
        assert torch.allclose(apart(noise, 500, 0), whole, atol=1e-4)


def test_the_slip_lets_frames_read_the_other_half(hallo: Emo) -> None:
    model, given = hallo, scene(hallo)
    slipped = predicted(model, given, guidance=2.0)
    form = replace(model.config.reference, spread="ordered", tokens="own")
    mended = sharing(model, replace(model.config, reference=form))
    assert not torch.allclose(slipped, predicted(mended, given, guidance=2.0), atol=1e-3)
    assert torch.allclose(predicted(model, given), predicted(mended, given), atol=1e-4)
