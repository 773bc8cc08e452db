"""What the codec's stages learn from, what they train, and what their terms say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lipkit.errors import BadUsage, WeightsError
from lipkit.faces.mesh import rotation
from lipkit.losses.adversarial import hinge
from lipkit.models.parts import iresnet
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.parts.lpips import vgg
from lipkit.models.parts.patch_judge import PatchJudge
from lipkit.models.vasa.codecs.megaportraits import stages
from lipkit.models.vasa.codecs.megaportraits.changes import KNOTS, changed, spline
from lipkit.models.vasa.codecs.megaportraits.judges import judge_of, judges_of
from lipkit.models.vasa.codecs.megaportraits.material import (
    colours,
    mattes,
    poses,
    stills,
    toy_poses,
)
from lipkit.models.vasa.codecs.megaportraits.model import Picture
from lipkit.models.vasa.codecs.megaportraits.objective import (
    base_terms,
    crossed_terms,
    discrepancy,
    staged,
    swapped,
)
from lipkit.models.vasa.codecs.megaportraits.pose import UNIT, placed
from lipkit.models.vasa.codecs.megaportraits.training_config import (
    CodecTraining,
    DiscriminatorConfig,
    DriverChanges,
    JudgeNames,
    Weighing,
)
from lipkit.training.config import StageConfig
from lipkit.training.loop import train
from lipkit.training.toys.anatomy import Head
from lipkit.training.toys.identities import identity
from lipkit.training.toys.motion import State
from tests.models.vasa.codecs.megaportraits_toy import TOYS, form, toy

SHORT = StageConfig(steps=2, batch=2, warmup=0, log_every=1, save_every=1, learning_rate=1e-3)
STAND_INS = JudgeNames(*["stand-in"] * 4)
TRAINING = CodecTraining(judges=STAND_INS, discriminator=DiscriminatorConfig(4, 2, 2))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "CHECKED", 2)


def pairs(count: int = 2) -> torch.Tensor:
    return stills(32).pairs(TOYS.training, np.random.default_rng(0), count)


def changed_parts(before: dict, model: torch.nn.Module) -> set[str]:
    """First names of the parameters that are others now."""
    now = model.state_dict()
    return {name.split(".")[0] for name in now if not torch.equal(before[name], now[name])}


def copied(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_cartoons_have_the_pose_that_draws_them() -> None:
    state = State(yaw=15, pitch=6, roll=-9, x=0.1, y=0.08, scale=-0.1)
    head = Head(identity(5), state, (100, 100))
    pose = torch.from_numpy(toy_poses(state.row()[None]))
    local = np.array([[0.3, 0.5, -0.6], [-0.4, 0.0, -0.8]])
    pixels = (placed(torch.from_numpy(local * UNIT).float(), pose)[0, :, :2] + 1) * 50 - 0.5
    assert np.allclose(pixels.numpy(), head.project(local), atol=0.02)
    assert np.allclose(rotation(np.degrees(pose[0, :3].numpy())), head.turn, atol=1e-5)
    assert poses(TOYS.training[0], 32).shape == (10, 7)


def test_pairs_are_of_different_takes_with_their_mattes() -> None:
    frames = pairs(3)
    assert frames.shape == (3, 2, 4, 32, 32)
    assert frames.dtype == torch.uint8
    assert not torch.equal(frames[:, 0], frames[:, 1])
    assert mattes(frames).mean() > 0.1
    corners = mattes(frames)[..., :2, :2]
    assert corners.max() < 0.5
    assert colours(frames).abs().max() <= 1


def test_a_spline_goes_through_its_knots_and_keeps_straight_what_is() -> None:
    basis = spline(KNOTS)
    assert torch.allclose(basis, torch.eye(KNOTS**2), atol=1e-4)
    shift = spline(9) @ torch.ones(KNOTS**2, 1)
    assert torch.allclose(shift, torch.ones_like(shift), atol=1e-4)


def test_changes_of_nothing_change_nothing() -> None:
    faces = torch.rand(2, 3, 16, 16) * 2 - 1
    assert torch.allclose(changed(faces, DriverChanges(0, 0, 0, 0)), faces, atol=1e-4)
    assert not torch.allclose(changed(faces, DriverChanges()), faces, atol=0.05)


def test_only_the_head_counts() -> None:
    model = toy()
    scene = staged(model, pairs(), None)
    judges = judges_of(STAND_INS, Weighing())
    loss = Weighing(pixels=1)
    inside = scene.driver_mattes
    true = Picture(torch.where(inside > 0, scene.drivers, 0.7), inside)
    terms = base_terms(model, scene, true, judges, loss)
    assert set(terms) == {"matte", "pixels", "vgg", "face", "gaze"}
    assert all(value.abs() < 1e-5 for value in terms.values())
    wrong = Picture(-scene.drivers, 1 - inside)
    assert all(v > 0.01 for v in base_terms(model, scene, wrong, judges, loss).values())


def test_both_kinds_of_swaps_are_compared() -> None:
    model = toy()
    scene = staged(model, pairs(3), None)
    posed, driven = swapped(model, scene, 2)
    assert posed.colour.shape == driven.colour.shape == (2, 3, 32, 32)
    assert discrepancy(posed, posed, lambda x: [x]) == 0
    one = Picture(torch.ones(1, 3, 4, 4), torch.ones(1, 1, 4, 4))
    none = Picture(torch.zeros(1, 3, 4, 4), torch.ones(1, 1, 4, 4))
    assert discrepancy(one, none, lambda x: [x, 3 * x]).item() == pytest.approx(1 + 2)


def test_terms_across_videos_move_the_neighbour_s_head() -> None:
    model = toy()
    scene = staged(model, pairs(3), None)
    made = model.draw(scene.look, scene.moved)
    judges = judges_of(STAND_INS, Weighing())
    terms = crossed_terms(model, scene, made, judges, Weighing(crossed=2))
    assert set(terms) == {"contrast", "cross_identity"}
    assert 0 <= terms["cross_identity"] <= 2
    sum(terms.values()).backward()
    assert model.expression.last.weight.grad.any()
    without = replace(Weighing(), contrast=0.0)
    assert set(crossed_terms(model, scene, made, judges, without)) == {"cross_identity"}


def test_patches_are_judged_at_every_scale() -> None:
    judge = PatchJudge(4, 3, 2)
    verdict = judge(torch.rand(2, 3, 32, 32))
    assert [v.shape[:2] for v in verdict.verdicts] == [(2, 1), (2, 1)]
    assert [len(features) for features in verdict.features] == [3, 3]
    assert hinge(verdict.verdicts, verdict.verdicts) > 0


def test_a_loss_without_its_judge_says_so() -> None:
    with pytest.raises(BadUsage, match=r"train\.base\.judges\.vgg"):
        judges_of(JudgeNames(), Weighing())
    assert judges_of(JudgeNames(), Weighing(0, 0, 0, consistency=0, cross_identity=0)).vgg is None


def test_judges_come_from_files(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    with torch.random.fork_rng():
        layers = vgg((2, 2, 4, 4, 4)).layers
    path = tmp_path / "vgg.safetensors"
    save_file({f"features.{name}": t for name, t in layers.state_dict().items()}, path)
    network = judge_of("vgg", str(path))
    widths = [seen.shape[1] for seen in network.looks(torch.zeros(1, 3, 32, 32))]
    assert widths == [64, 128, 256, 512, 512]
    with pytest.raises(WeightsError, match="VGG16"):
        judge_of("face", str(path))


def test_arcface_comes_in_any_depth() -> None:
    small = iresnet.IResNet((1, 2, 1, 1), (4, 4, 8, 8)).eval()
    path = Path("backbone.pth")
    found = iresnet.adopt(Checkpoint(dict(small.state_dict()), {}, path))
    faces = torch.rand(2, 3, 50, 50)
    assert torch.allclose(found(faces), small(faces), atol=1e-4)
    assert found(faces).shape == (2, 512)
    with pytest.raises(WeightsError, match="ArcFace"):
        iresnet.adopt(Checkpoint({}, {}, path))


def test_the_pose_net_learns_alone(tmp_path: Path) -> None:
    model = toy()
    before = copied(model)
    stage = stages.PoseStage(form(), SHORT, TOYS)
    train(model, stage, SHORT, tmp_path)
    assert changed_parts(before, model) == {"pose"}
    with torch.inference_mode():
        assert set(stage.validate(model)) == {"degrees", "hundredths"}


def test_the_codec_learns_without_its_pose_net(tmp_path: Path) -> None:
    model = toy()
    before = copied(model)
    stage = stages.CodecStage(form(), SHORT, TRAINING, TOYS)
    heard = []
    train(model, stage, SHORT, tmp_path, report=heard.append)
    assert changed_parts(before, model) == {
        "appearance",
        "identity",
        "expression",
        "from_source",
        "to_driver",
        "canonical",
        "decoder",
    }
    named = {"matte", "vgg", "face", "gaze", "contrast", "cross_identity", "consistency"}
    assert named | {"deceit", "features", "hinge.discriminator"} <= set(heard[0].terms)
    assert {"levels", "swapped", "matte"} <= set(heard[-1].scores)
    assert stage.sample(model, stage.batch(0, 0)).shape == (4, 2, 3, 32, 32)


def test_the_contrast_may_begin_later() -> None:
    loss = replace(Weighing(), contrast_from=2)
    training = replace(TRAINING, loss=loss)
    stage = stages.CodecStage(form(), SHORT, training, TOYS)
    batch, model = stage.batch(0, 0), toy()
    assert "contrast" not in stage.loss(model, batch, 1)
    assert "contrast" in stage.loss(model, batch, 2)


def test_going_on_equals_an_unbroken_run(tmp_path: Path) -> None:
    def trained(folder: Path, *ends: int) -> dict[str, torch.Tensor]:
        from lipkit.training.loop import Limits

        for end in ends:
            model = toy()
            torch.manual_seed(1)
            stage = stages.CodecStage(form(), SHORT, TRAINING, TOYS)
            train(model, stage, SHORT, folder, limits=Limits(end), resume=True)
        return model.state_dict()

    whole, broken = trained(tmp_path / "a", 2), trained(tmp_path / "b", 1, 2)
    assert all(torch.equal(whole[name], broken[name]) for name in whole)


def test_the_enhancer_learns_behind_the_frozen_base(tmp_path: Path) -> None:
    model = toy(2)
    before = copied(model)
    stage = stages.HighStage(form(2), SHORT, TRAINING, TOYS)
    heard = []
    train(model, stage, SHORT, tmp_path, report=heard.append)
    assert changed_parts(before, model) == {"enhancer"}
    assert {"pixels", "deceit", "features", "cross_deceit", "cycle"} <= set(heard[0].terms)
    assert stage.batch(0, 0)["frames"].shape == (2, 2, 4, 64, 64)
