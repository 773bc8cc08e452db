"""Runners of the files about LivePortrait's networks and JoyVASA's generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lipkit.faces.warping import transform
from lipkit.models.parts.convert import Rule
from lipkit.models.parts.convert import convert as fit
from lipkit.models.vasa.codecs.liveportrait import config as forms
from lipkit.models.vasa.codecs.liveportrait import convert, cropping, driving, motion, warping
from lipkit.models.vasa.codecs.liveportrait.decoder import Decoder
from lipkit.models.vasa.codecs.liveportrait.driving import Driver, Openings, Source
from lipkit.models.vasa.codecs.liveportrait.motion import Motion, MotionExtractor
from lipkit.models.vasa.codecs.liveportrait.pictures import parsed, prepared
from lipkit.models.vasa.codecs.liveportrait.retargeting import (
    Retargeting,
    eye_openings,
    lip_opening,
)
from lipkit.models.vasa.codecs.liveportrait.volume import AppearanceExtractor
from lipkit.models.vasa.codecs.liveportrait.warping import Warping

from .audio import weights

Meta = dict[str, Any]
Tensors = dict[str, Tensor]
Network = AppearanceExtractor | MotionExtractor | Warping | Decoder | Retargeting


def filled(network: Network, given: Tensors, rules: Sequence[Rule]) -> Any:
    """A network with official weights."""
    state = fit(convert.folded(given), rules, network.state_dict(), "golden")
    network.load_state_dict(state)
    return network.eval()


def appearance_form(official: Meta) -> forms.AppearanceConfig:
    return forms.AppearanceConfig(
        width=official["block_expansion"],
        widest=official["max_features"],
        halvings=official["num_down_blocks"],
        channels=official["reshape_channel"],
        depth=official["reshape_depth"],
        blocks=official["num_resblocks"],
    )


def motion_form(official: Meta) -> forms.MotionConfig:
    return forms.MotionConfig(
        depths=tuple(official["depths"]),
        widths=tuple(official["dims"]),
        points=official["num_kp"],
        bins=official.get("num_bins", 66),
    )


def warp_form(official: Meta) -> forms.WarpConfig:
    dense = official["dense_motion_params"]
    return forms.WarpConfig(
        points=official["num_kp"],
        channels=official["reshape_channel"],
        depth=dense["reshape_depth"],
        width=official["block_expansion"],
        halvings=official["num_down_blocks"],
        compressed=dense["compress"],
        hourglass_width=dense["block_expansion"],
        hourglass_widest=dense["max_features"],
        hourglass_blocks=dense["num_blocks"],
        occlusion=official["estimate_occlusion_map"],
    )


def decoder_form(official: Meta) -> forms.DecoderConfig:
    return forms.DecoderConfig(
        width=official["block_expansion"],
        widest=official["max_features"],
        halvings=official["num_down_blocks"],
        out_width=official["out_channels"],
        enlargement=official["upscale"] or 1,
    )


@torch.no_grad()
def appearance(meta: Meta, tensors: Tensors) -> Tensors:
    network = AppearanceExtractor(appearance_form(meta["config"]))
    filled(network, weights(tensors, "weight."), convert.APPEARANCE)
    image = tensors["in.image"]
    return {
        "out.first": network.first(image),
        "out.second": network.flat(image),
        "out.feature_3d": network(image),
    }


@torch.no_grad()
def motion_extractor(meta: Meta, tensors: Tensors) -> Tensors:
    network = MotionExtractor(motion_form(meta["config"]))
    filled(network, weights(tensors, "weight."), convert.MOTION)
    features = network.features(tensors["in.image"])
    found = network(tensors["in.image"])
    names = {"points": "kp", "expression": "exp", "shift": "t"}
    results = {
        f"out.raw.{names.get(key, key)}": value for key, value in network.numbers(features).items()
    }
    for key in results.copy():
        name = key.removeprefix("out.raw.")
        own = next((ours for ours, theirs in names.items() if theirs == name), name)
        results[f"out.info.{name}"] = getattr(found, own)
    return results | {
        "out.features": features,
        "out.R": found.rotation,
        "out.x_s": found.placed,
        "out.x_s_from_raw": found.placed,
    }


@torch.no_grad()
def warping_module(meta: Meta, tensors: Tensors) -> Tensors:
    network = filled(
        Warping(warp_form(meta["config"])), weights(tensors, "weight."), convert.WARPING
    )
    volume = tensors["in.feature_3d"]
    points = tensors["in.kp_driving"], tensors["in.kp_source"]
    dense = network.dense_motion
    compressed = dense.compressed(volume)
    shifts, heat = warping.sparse_shifts(*points, volume), warping.heat(*points, volume)
    seen = dense.seen(compressed, shifts, heat)
    flow = dense(volume, *points)
    results = {
        "out.compressed": compressed,
        "out.sparse_motion": shifts,
        "out.heatmap": heat,
        "out.hourglass": seen,
        "out.mask": dense.mask(seen).softmax(1),
        "out.deformation": flow.field,
        "out.warped": warping.sampled(volume, flow.field),
        "out.out": network(volume, *points),
    }
    if flow.occlusion is not None:
        results["out.occlusion_map"] = flow.occlusion
    return {key: value for key, value in results.items() if key in tensors}


@torch.no_grad()
def decoder(meta: Meta, tensors: Tensors) -> Tensors:
    given = weights(tensors, "weight.")
    network = filled(Decoder(decoder_form(meta["config"])), given, convert.DECODER)
    feature = tensors["in.feature"]
    first = network.first(feature)
    return {
        "out.fc": first,
        "out.g_middle_0": network.middle[0](first, feature),
        "out.image": network(feature),
        "out.effective_weight_G_middle_0_conv_0": network.middle[0].conv_0.weight,
    }


def retargeting_of(given: Tensors, points: int = 21) -> Retargeting:
    network = Retargeting(forms.RetargetingConfig(), points)
    return filled(network, given, convert.RETARGETING)


@torch.no_grad()
def retargeting(meta: Meta, tensors: Tensors) -> Tensors:
    inner = {
        ours: tuple(meta["config"][theirs][1])
        for ours, theirs in (("stitching", "stitching"), ("lips", "lip"), ("eyes", "eye"))
    }
    points = tensors["in.kp_source"].shape[1]
    network = Retargeting(forms.RetargetingConfig(**inner), points)
    filled(network, weights(tensors, "weight."), convert.RETARGETING)
    source, driving = tensors["in.kp_source"], tensors["in.kp_driving"]
    landmarks = tensors["in.landmarks203"][None]
    eyes = torch.cat([eye_openings(landmarks), tensors["in.driving_eye_ratio"].reshape(1, 1)], 1)
    lips = torch.cat([lip_opening(landmarks), tensors["in.driving_lip_ratio"].reshape(1, 1)], 1)
    return {
        "out.stitch_delta": network.stitch_change(source, driving),
        "out.stitching": network.stitched(source, driving),
        "out.retarget_eye": network.eyes_change(source, tensors["in.eye_ratio"]),
        "out.retarget_lip": network.lips_change(source, tensors["in.lip_ratio"]),
        "out.combined_eye_ratio": eyes,
        "out.combined_lip_ratio": lips,
    }


def motion_of(given: Tensors) -> Motion:
    """A motion out of official names."""
    names = {"kp": "points", "exp": "expression", "t": "shift"}
    known = {names.get(key, key): value for key, value in given.items()}
    fields = ("points", "expression", "pitch", "yaw", "roll", "shift", "scale")
    return Motion(**{field: known[field] for field in fields})


def pose_math(meta: Meta, tensors: Tensors) -> Tensors:
    angles = tensors["in.pitch_yaw_roll_deg"].split(1, 1)
    found = motion_of(weights(tensors, "in.info."))
    points = found.placed
    following = points.roll(-1, 0)
    gains = [driving.enlargement(a, b) for a, b in zip(points, following, strict=True)]
    return {
        "out.R": motion.rotation(*angles),
        "out.degree_from_logits": motion.degrees(tensors["in.bin_logits"]),
        "out.degree_passthrough": found.pitch,
        "out.x": points,
        "out.motion_multiplier_i_to_next": torch.tensor(gains),
        "out.eye_close_ratio": eye_openings(tensors["in.landmarks203"]),
        "out.lip_close_ratio": lip_opening(tensors["in.landmarks203"]),
    }


def image_io(meta: Meta, tensors: Tensors) -> Tensors:
    return {
        "out.prepared": prepared(tensors["in.image_u8"].numpy()[None], 256),
        "out.parsed_u8": torch.from_numpy(parsed(tensors["in.network_output"])),
    }


@torch.no_grad()
def end_to_end(meta: Meta, tensors: Tensors) -> Tensors:
    parts = {
        "F": ("appearance_feature_extractor", appearance_form, AppearanceExtractor),
        "M": ("motion_extractor", motion_form, MotionExtractor),
        "W": ("warping_module", warp_form, Warping),
        "G": ("spade_generator", decoder_form, Decoder),
    }
    rules = (convert.APPEARANCE, convert.MOTION, convert.WARPING, convert.DECODER)
    nets = []
    for (key, (name, form, kind)), names in zip(parts.items(), rules, strict=True):
        network = kind(form(meta["config"][key]))
        nets.append(filled(network, weights(tensors, f"weight.{name}."), names))
    looks, moves, warps, draws = nets
    pair = np.stack([tensors["in.source_u8"].numpy(), tensors["in.driving_u8"].numpy()])
    source, driver = prepared(pair, pair.shape[1]).split(1)
    own, theirs = moves(source), moves(driver)
    x_s, x_d = own.placed, replace(theirs, points=own.points).placed
    volume = looks(source)
    image = draws(warps(volume, x_d, x_s))
    results = {
        "out.feature_3d": volume,
        "out.x_s": x_s,
        "out.x_d": x_d,
        "out.image": image,
        "out.image_u8": torch.from_numpy(parsed(image)),
    }
    occlusion = warps.dense_motion(volume, x_d, x_s).occlusion
    if occlusion is not None:
        results["out.occlusion_map"] = occlusion
    return results


def rule_of(case: Meta) -> driving.Rule:
    """Our rule for official flags."""
    relative = case["flag_relative_motion"]
    return driving.Rule(
        mode="relative" if relative else "absolute",
        region=case["animation_region"],
        stitch=case["flag_stitching"],
        rescale=case["driving_option"] == "expression-friendly",
        gain=case.get("driving_multiplier", 1.0),
        close_lips=case.get("flag_normalize_lip", False),
        retarget_eyes=case.get("flag_eye_retargeting", False),
        retarget_lips=case.get("flag_lip_retargeting", False),
        smoothing=case.get("driving_smooth_observation_variance", 3e-7),
    )


@torch.no_grad()
def driven(meta: Meta, tensors: Tensors) -> Tensors:
    own = motion_of(weights(tensors, "in.src."))
    given = weights(tensors, "in.drv.")
    theirs = motion_of(given | {"kp": own.points[:1].expand(len(given["t"]), -1, -1)})
    network = retargeting_of(weights(tensors, "weight."), own.points.shape[1])
    landmarks = tensors["in.landmarks203"].reshape(-1, 203, 2)
    source = Source(own, landmarks, tensors.get("in.lip_array", 0.0))
    openings = Openings(given["c_eyes"], given["c_lip"]) if "c_lip" in given else None
    first = theirs[:1] if len(theirs) > 1 else None
    results = {"out.x_s": own.placed}
    for number, case in enumerate(meta["cases"]):
        rule = rule_of(case)
        if meta["fixture"].startswith("joyvasa"):
            bounded = {} if rule.mode == "relative" else {"rescale": False, "close_lips": False}
            rule = replace(rule, mode="speech", **bounded)
        moved = Driver(source, rule, network).keypoints(theirs, first, openings)
        results[f"out.case{number}.x_d"] = moved
    return results


def square(matrix: np.ndarray) -> Tensor:
    """A matrix ``(2, 3)`` as the official ``(3, 3)``."""
    return torch.from_numpy(np.vstack([matrix, [0, 0, 1]]))


def crop_paste(meta: Meta, tensors: Tensors) -> Tensors:
    image = tensors["in.image"].numpy()
    frame = (image.shape[1], image.shape[0])
    matrices = []
    results: dict[str, Any] = {}
    for number, case in enumerate(meta["cases"]):
        points = tensors[f"in.case{number}.pts"].numpy()
        framing = cropping.Framing(
            case["scale"], case["vx_ratio"], case["vy_ratio"], case["flag_do_rot"]
        )
        found = cropping.square_around(points, framing)
        matrix = cropping.source_matrix(points, framing, case["dsize"])
        matrices.append(matrix)
        results |= {
            f"out.case{number}.{key}": torch.as_tensor(value)
            for key, value in {
                "center": found.centre,
                "size": found.size,
                "angle": [found.angle],
                "pt2": cropping.axis(points),
                "pt2_eyes": cropping.axis_of_eyes(points),
                "M_o2c": square(matrix),
                "M_c2o": square(cropping.inverse(matrix)),
                "img_crop": cropping.cut(image, matrix, (case["dsize"],) * 2),
                "pt_crop": transform(points, matrix),
                "bbox": found.corners,
                "bbox_rot": found.turned_corners,
            }.items()
        }
    first = results["out.case0.img_crop"].numpy()
    results["out.case0.img_crop_half_area"] = cropping.halved(first, len(first) // 2)
    mask = cropping.placed_mask(tensors["in.mask_crop"].numpy(), matrices[0], frame)
    crop = tensors["in.paste_crop"].numpy()
    results |= {"out.mask_ori": mask, "out.pasted": cropping.pasted(image, crop, matrices[0], mask)}
    size = meta["cases"][0]["dsize"]
    every = (tensors[f"in.case{number}.pts"] for number in range(len(meta["cases"])))
    many = next(points for points in every if len(points) == 203).numpy()
    for name, angle in (("bbox_crop", 0.0), ("bbox_crop_rot", meta["bbox_crop_rot_angle"])):
        matrix = cropping.box_matrix(tensors["in.bbox"].numpy(), size, angle)
        results |= {
            f"out.{name}.img_crop": cropping.cut(image, matrix, (size, size)),
            f"out.{name}.lmk_crop": transform(many, matrix),
            f"out.{name}.M_o2c": square(matrix),
        }
    limit = meta["resize_to_limit"]
    results["out.resize_to_limit"] = cropping.limited(
        tensors["in.resize_in"].numpy(), limit["max_dim"], limit["division"]
    )
    return {key: torch.as_tensor(value) for key, value in results.items() if key in tensors}


RUNNERS = {
    "lp_appearance_feature_extractor": appearance,
    "lp_motion_extractor": motion_extractor,
    "lp_warping_module": warping_module,
    "lp_warping_module_no_occlusion": warping_module,
    "lp_spade_generator": decoder,
    "lp_stitching_retargeting": retargeting,
    "lp_pose_math": pose_math,
    "lp_crop_paste": crop_paste,
    "lp_image_io": image_io,
    "lp_end_to_end": end_to_end,
    "lp_driving_image_source": driven,
    "lp_driving_image_by_image": driven,
    "lp_driving_video_source": driven,
    "joyvasa_driving": driven,
}
