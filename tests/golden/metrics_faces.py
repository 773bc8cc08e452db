"""Runners of the files about landmark scores, motion and identity."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from lipkit.faces.mesh import rotation
from lipkit.metrics import beats, blinks, identity, landmark_distance, lips, motion, quality

MEASURES = {
    "lmd_mouth_raw": "lmd",
    "lmd_face_raw": "lmd_face",
    "lmd_mouth_l1": "lmd_l1",
    "lmd_mouth_aligned": "lmd_aligned",
    "lmd_face_aligned": "lmd_aligned_face",
    "nme_iod": "nme",
    "nme_mouth_iod": "nme_mouth",
    "lve_max_sq": "lve",
    "lve_max": "lve_root",
    "lve_sq_iod": "lve_iod",
    "aperture_mae_iod": "aperture_mae",
}


def found(path: str, wanted: Any, value: Any) -> dict[str, Any]:
    """The result for a number in the JSON; one that is null there must be None here too."""
    if wanted is None:
        assert value is None, f"{path}: {value} where nothing is defined"
        return {}
    return {f"@{path}": torch.from_numpy(np.asarray(np.nan if value is None else value))}


def all_found(path: str, wanted: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Results for every number of a table that ``values`` has too."""
    results: dict[str, Any] = {}
    for key, value in values.items():
        if key in wanted:
            results |= found(f"{path}.{key}", wanted[key], value)
    return results


def landmarks(meta: dict[str, Any], tensors: dict[str, Tensor]) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for name, case in meta["cases"].items():
        made, truth = tensors[f"{name}.pred"].numpy(), tensors[f"{name}.gt"].numpy()
        pair = landmark_distance.squeezed(made, truth)
        values: dict[str, Any] = dict(landmark_distance.centred_scores(*pair))
        if values["m_lvd"] is not None:  # the official code takes the 20 mouth points for all 68
            values["f_lvd_as_published"] = values["m_lvd"] * 20 / 68
        values["valid_frames"] = len(landmark_distance.seen(*pair)[0])
        values["paired_frames"] = len(pair[0])
        results |= all_found(f"cases.{name}.eat", case["eat"], values)
        if "general" in case:
            pair = landmark_distance.truncated(made, truth)
            scores = landmark_distance.scores(*pair)
            values = {
                key: scores[MEASURES.get(key, key)] for key in case["general"] if key != "frames"
            }
            values["frames"] = len(landmark_distance.seen(*pair)[0])
            results |= all_found(f"cases.{name}.general", case["general"], values)
    return results


def movement(meta: dict[str, Any], tensors: dict[str, Tensor]) -> dict[str, Any]:
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    wanted = meta["expected"]
    results: dict[str, Any] = {"rotation_a": rotation(arrays["pose_a"])}
    for name, table in wanted["delta_p"].items():
        pose = arrays[name]
        values = {
            "mean_abs": motion.delta_p(pose),
            "l2": motion.delta_p_l2(pose),
            "geodesic_deg": motion.delta_p_geodesic(pose),
            "std_per_axis": motion.pose_spread(pose),
        }
        results |= all_found(f"expected.delta_p.{name}", table, values)
    error = motion.pose_error(arrays["pose_a"], arrays["pose_b"])
    results |= all_found("expected.pose_error", wanted["pose_error"], {"mean_abs": error})
    results |= all_found("expected.jitter", wanted["jitter"], jitter(wanted, arrays["points"]))
    results |= all_found("expected.diversity", wanted["diversity"], diversity(arrays["samples"]))
    parts = (beat_align, closures, lip_timing, sound)
    for part in parts:
        results |= part(wanted, arrays)
    return results


def jitter(wanted: dict[str, Any], points: np.ndarray) -> dict[str, Any]:
    fps = wanted["jitter"]["fps"]
    return {
        "jerk": motion.roughness(points, fps, 3),
        "acceleration": motion.roughness(points, fps, 2),
        "speed": motion.roughness(points, fps, 1),
        "jerk_per_frame3": motion.roughness(points, 1.0, 3),
    }


def diversity(samples: np.ndarray) -> dict[str, Any]:
    return {
        "std_over_samples": motion.spread_over_samples(samples),
        "pairwise_l2": motion.pairwise_distance(samples),
        "temporal_std": motion.spread_over_time(samples),
        "variance_over_samples": float(samples.var(0).mean()),
    }


def beat_align(wanted: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    table, at = wanted["beat_align"], "expected.beat_align"
    keypoints = arrays["beat.keypoints"]
    speeds = beats.speed(keypoints.reshape(len(keypoints), -1, 3))
    paused = beats.motion_beats(speeds)
    sound = arrays["beat.audio_frames"]
    values = {
        "motion_beats": paused,
        "velocity_length": len(speeds),
        "score": beats.alignment(sound, paused),
    }
    results = all_found(f"{at}.bailando", table["bailando"], values)
    head = table["head_pose_a"]
    sound = np.array(head["audio_beats_used"])
    paused = beats.motion_beats(beats.speed(arrays["pose_a"][:, None]))
    values = {
        "motion_beats": paused,
        "score": beats.alignment(sound, paused),
        "reverse_score": beats.alignment(paused, sound),
    }
    results |= all_found(f"{at}.head_pose_a", head, values)
    still = beats.motion_beats(np.ones(100))
    score = beats.alignment(sound, still)
    return results | all_found(f"{at}.no_motion_beats", table["no_motion_beats"], {"score": score})


def closures(wanted: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    table = wanted["blink"]
    seen = blinks.blinks(arrays["ear"])
    assert seen is not None
    lengths = seen.lengths
    values = {
        "count": len(lengths),
        "per_minute": seen.per_minute(25),
        "mean_duration_s": float(np.mean(lengths)) / 25 if lengths else None,
        "closed_fraction": seen.closed,
    }
    for key, runs in (("events", seen.events), ("long_closures", seen.long_closures)):
        assert [list(run) for run in runs] == table[key], f"{key}: {runs}"
    results = all_found("expected.blink", table, values)
    ratios = blinks.aspect_ratio(arrays["eye_points"])
    return results | {"@expected.ear_formula": torch.from_numpy(ratios)}


def lip_timing(wanted: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    deltas = lips.misalignments(arrays["mtm.pred"], arrays["mtm.gt"])
    mean = float(np.mean(deltas)) if deltas else None
    assert deltas == wanted["mtm"]["deltas"], f"mtm: {deltas}"
    values = {
        "mean_frames": mean,
        "matches": len(deltas),
        "ms_at_25fps": None if mean is None else mean * 40,
    }
    results = all_found("expected.mtm", wanted["mtm"], values)
    speakers = arrays["slcc.identity"].tolist()
    values = {
        "slcc": lips.intensity_correlation(arrays["slcc.lip"], arrays["slcc.speech"], speakers),
        "lip_intensity": lips.intensity(arrays["points"]),
    }
    return results | all_found("expected", wanted, values)


def sound(wanted: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    wave, speech = arrays["snr.pcm"], arrays["snr.speech_mask"]
    values: dict[str, Any] = dict(
        zip(("speech_power", "noise_power"), quality.powers(wave, speech), strict=True)
    )
    values |= {"snr_db": quality.snr(wave, speech), "cap_db": quality.CAP}
    return all_found("expected.snr", wanted["snr"], values)


def csim(meta: dict[str, Any], tensors: dict[str, Tensor]) -> dict[str, Any]:
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    wanted = meta["expected"]
    made, truth = arrays["generated"], arrays["ground_truth"]
    cosines = identity.cosines(made, arrays["reference"])
    values = {
        "csim_reference": identity.mean(cosines),
        "csim_reference_per_frame": cosines,
        "csim_min": identity.lowest(cosines),
        "csim_framewise_gt": identity.mean(identity.cosines(made, truth)),
        "csim_of_means": identity.of_means(made, truth),
        "mean_angle_deg": identity.mean_angle(cosines),
    }
    results = all_found("expected", wanted, values)
    cosines = identity.cosines(arrays["with_missing"], arrays["reference"])
    values = {
        "valid": int(np.isfinite(cosines).sum()),
        "csim_reference": identity.mean(cosines),
    }
    results |= all_found("expected.with_missing", wanted["with_missing"], values)
    assert np.allclose(identity.TEMPLATE, arrays["align.template112"])
    matrix = identity.alignment(arrays["align.points5"])
    results["align.matrix"] = torch.from_numpy(matrix)
    # The tolerance of the warp is two levels; torch compares whole numbers exactly.
    crop = identity.aligned(arrays["align.image"], matrix[0]).astype(int)
    apart = np.abs(crop - arrays["align.warped0"]).max()
    assert apart <= meta["tolerance"]["warp_uint8"], f"warp: {apart} levels apart"
    return results


RUNNERS = {"landmarks": landmarks, "motion": movement, "csim": csim}
