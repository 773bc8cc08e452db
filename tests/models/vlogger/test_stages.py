"""The stages of the training."""

from __future__ import annotations

import copy
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from lipkit.errors import BadInput, BadUsage
from lipkit.models.vlogger import enlarging, speaking, stages
from lipkit.models.vlogger.config import VloggerConfig
from lipkit.models.vlogger.model import Vlogger, build
from lipkit.training.toys.takes import Toys, ToySpec

BUILDERS = {
    "motion": speaking.motion,
    "frames": stages.frames,
    "temporal": stages.temporal,
    "upscale": enlarging.upscale,
}


def trained(model: Vlogger, stage) -> set[str]:
    chosen = {id(parameter) for parameter in stage.parameters(model)}
    return {name.split(".")[0] for name, p in model.named_parameters() if id(p) in chosen}


@pytest.mark.parametrize("name", BUILDERS)
def test_a_stage_trains_its_part_alone(
    name: str, model: Vlogger, small: VloggerConfig, toys: Toys
) -> None:
    stage = BUILDERS[name](model, small, toys, 0)
    parts = {"motion": {"mover"}, "upscale": {"upscalers"}}
    assert trained(model, stage) == parts.get(name, {"painter"})
    batch, again = stage.batch(3, 5), stage.batch(3, 5)
    for key, value in batch.items():
        assert not isinstance(value, torch.Tensor) or torch.equal(value, again[key])
    own = copy.deepcopy(model).requires_grad_(True)
    terms = BUILDERS[name](own, small, toys, 0).loss(own, batch, 0)
    torch.stack(list(terms.values())).sum().backward()
    assert all(torch.isfinite(term) for term in terms.values())
    assert all(np.isfinite(value) for value in stage.validate(model).values())
    if name != "motion":
        assert stage.sample(model, batch).shape[-3] == 3


def test_fresh_models_learn_a_face_first(small: VloggerConfig, toys: Toys) -> None:
    fresh = build(small.model)
    speaking.motion(fresh, small, toys, 0)
    assert fresh.face.spread[0] > 0.5
    assert (fresh.head_spread != 1).any()


def test_the_past_is_given_clean(model: Vlogger, small: VloggerConfig, toys: Toys) -> None:
    stage = speaking.motion(model, small, toys, 0)
    batches = [stage.batch(0, k)["past"].sum(1) for k in range(6)]
    lengths = torch.cat(batches)
    assert lengths.max() <= small.model.motion.context
    assert lengths.max() > 0
    assert lengths.min() == 0


def test_only_layers_over_time_of_the_base_learn_from_clips(
    model: Vlogger, small: VloggerConfig, toys: Toys
) -> None:
    stage = stages.temporal(model, small, toys, 0)
    chosen = {id(p) for p in stage.parameters(model)}
    base = {n for n, p in model.painter.base.named_parameters() if id(p) in chosen}
    assert base
    assert all("over_time" in name for name in base)


def test_a_frozen_base_learns_before_its_controls(
    model: Vlogger, small: VloggerConfig, toys: Toys
) -> None:
    config = replace(small, train=replace(small.train, frozen=True))
    own = copy.deepcopy(model)
    assert stages.base(own, small, toys, 0) is None
    base = stages.base(own, config, toys, 0)
    assert base is not None
    control = stages.frames(own, config, toys, 0)
    assert not {id(p) for p in base.parameters(own)} & {id(p) for p in control.parameters(own)}


def test_personalizing_changes_weights_of_low_rank_alone(
    model: Vlogger, small: VloggerConfig, toys: Toys
) -> None:
    own = copy.deepcopy(model)
    names, before = set(own.state_dict()), own.painter.control.middle.weight.clone()
    stage = stages.personalize(own, small, toys, 0)
    for parameter in stage.parameters(own):
        torch.nn.init.normal_(parameter, std=0.1)
    stage.finish(own)
    assert set(own.state_dict()) == names
    change = (own.painter.control.middle.weight - before).flatten(1)
    assert 0 < torch.linalg.matrix_rank(change) <= small.train.rank


def test_nobody_is_personalized_out_of_nothing(small: VloggerConfig, toys: Toys) -> None:
    with pytest.raises(BadUsage, match="trained model"):
        stages.personalize(build(small.model), small, toys, 0)


def test_footage_must_fit(model: Vlogger, small: VloggerConfig) -> None:
    with pytest.raises(BadInput, match="smaller"):
        enlarging.upscale(model, small, Toys(ToySpec(size=16, takes=2, held_out=1)), 0)
    other = replace(small, model=replace(small.model, fps=24))
    stage = speaking.MotionStage(model, other, Toys(ToySpec(size=16, takes=2, held_out=1)))
    with pytest.raises(BadInput, match="25 frames a second, not 24"):
        stage.batch(0, 0)
    assert Toys().training[0].fps == Fraction(25)
