"""Runners of the files about distances of sets, pairs of pictures and quality without reference."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lipkit.metrics import frechet, fvd, similarity
from lipkit.metrics.hyperiqa import centre
from lipkit.models.parts import hyperiqa, lpips
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.parts.weights import find

from .fixtures import Within
from .generated import generated

Meta = dict[str, Any]
Tensors = dict[str, Tensor]


def stated(text: str) -> float:
    """The number behind "rel" in a tolerance that is a sentence."""
    found = re.search(r"rel ([\d.e+-]+)", text)
    assert found is not None, text
    return float(found[1])


def fid(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    rtol = stated(meta["tolerance"]["exact"])
    results: dict[str, Any] = {}
    for name, case in meta["cases"].items():
        rows = [tensors[f"{name}.{side}"].numpy() for side in "ab"]
        ours, theirs = map(frechet.Gaussian.of, rows)
        half = len(rows[0]) // 2
        joined = frechet.Gaussian.of(rows[0][:half]) + frechet.Gaussian.of(rows[0][half:])
        traces = case["parts"]["trace1"] + case["parts"]["trace2"]
        values = [frechet.frechet(whole, theirs) for whole in (ours, joined)]
        worst = max(values, key=lambda value: abs(value - case["fid"]))
        results[f"@cases.{name}.fid"] = double(worst, rtol * traces, rtol)
        means = float(((ours.mean - theirs.mean) ** 2).sum())
        parts = {"mean_term": means, "trace1": ours.trace, "trace2": theirs.trace}
        for key, value in parts.items():
            results[f"@cases.{name}.parts.{key}"] = double(value, rtol * traces, rtol)
        if "kid_unbiased_poly3" in case:
            # terms of the kernel's own size cancel each other
            size = abs(frechet.kernel_sum(*rows)) / len(rows[0]) / len(rows[1])
            kid = double(frechet.kid(*rows), rtol * max(size, 1), rtol)
            results[f"@cases.{name}.kid_unbiased_poly3"] = kid
    return results


def double(value: float, atol: float, rtol: float) -> Within:
    return Within(torch.tensor(value, dtype=torch.float64), atol, rtol)


def video_distance(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    rtol = stated(meta["tolerance"]["exact"])
    results: dict[str, Any] = {}
    for name in meta["cases"]:
        sets = (tensors[f"{name}.{side}"].numpy() for side in ("gen", "real"))
        value = frechet.frechet(*map(frechet.Gaussian.of, sets))
        results[f"@cases.{name}.fvd"] = double(value, 0, rtol)
    frames = tensors["pre.video_thwc"].numpy()
    prepared = torch.from_numpy(fvd.centred(frames))
    key = next(key for key in tensors if key.startswith("pre.stylegan_v_ctHW_every"))
    step = int(key.rpartition("every")[2])
    near = meta["tolerance"]["preprocess_abs"]
    results[key] = Within(prepared[..., ::step, ::step], near)
    assert list(prepared.shape) == meta["pre_shape"]
    said = meta["preprocessing"]["latentsync"]
    found = re.search(r"rows (\d+)\.\.(\d+), cols (\d+)\.\.(\d+)", said)
    assert found is not None, said
    top, last_row, left, last_column = map(int, found.groups())
    box = (left, top, last_column + 1, last_row + 1)
    cut = tensors["pre.latentsync_crop_resized"]
    resized = torch.stack([torch.from_numpy(fvd.cut_out(f, box)) for f in frames[: len(cut)]])
    results["pre.latentsync_crop_resized"] = Within(resized, meta["tolerance"]["resize_uint8"])
    return results


def image_pairs(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    near = meta["tolerance"]["skimage"]
    real = tensors["reference"].numpy()
    results: dict[str, Any] = {}
    for name, wanted in meta["expected"].items():
        made = tensors[f"distorted.{name}"].numpy()
        values = {
            "ssim_uniform7": similarity.ssim_box(made, real),
            "ssim_gaussian11": similarity.ssim(made, real),
            "mse": similarity.mean_squared(made, real),
            "psnr": similarity.psnr(made, real),
        }
        for key in wanted:
            if found := re.fullmatch(r"psnr_inside_mask_rows(\d+)_(\d+)_cols(\d+)_(\d+)", key):
                top, bottom, left, right = map(int, found.groups())
                place = slice(top, bottom), slice(left, right)
                values[key] = similarity.psnr(made[place], real[place])
        for key, value in values.items():
            assert (value is None) == (wanted[key] is None), f"{name}.{key}: {value}"
            if value is not None:
                results[f"@expected.{name}.{key}"] = double(value, near, near)
    return results


@torch.inference_mode()
def perceptual(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    pictures = {key: value.permute(2, 0, 1)[None] / 127.5 - 1 for key, value in tensors.items()}
    results: dict[str, Any] = {}
    for net, names in meta["manifest"].items():
        model = built_lpips(net, names, meta["weights"])
        for case, wanted in meta["expected"].items():
            if case.split(".")[0] != net:
                continue
            other = pictures["a" if case.endswith(".self") else case.split(".")[1]]
            layers = model.per_layer(pictures["a"], other)[0]
            key = f"@expected.{case}"
            results[f"{key}.per_layer"] = layers
            results[f"{key}.lpips"] = layers.sum()
            assert len(wanted["per_layer"]) == len(layers)
    return results


def built_lpips(net: str, names: dict[str, list[int]], rule: Meta) -> lpips.Lpips:
    """LPIPS with the generated weights of a file, taken in as torchvision's and the authors'."""
    backbone, heads = {}, {}
    for name, shape in names.items():
        if name.startswith("net."):
            index, leaf = name.split(".")[2:]
            like = torch.empty(shape, device="meta")
            backbone[f"features.{index}.{leaf}"] = generated(rule, f"{net}.{name}", like)
        elif re.match(r"lin\d", name):
            like = torch.empty(shape, device="meta")
            heads[name] = generated(rule, f"{net}.{name}", like).abs()
    backbone |= {"classifier.1.weight": torch.zeros(1)}  # the real file has it too
    model = lpips.Lpips(net).eval()
    for part, given, weights in (
        (model.features, backbone, {"alex": "alexnet", "vgg": "vgg16"}[net]),
        (model.heads, heads, f"lpips-{net}"),
    ):
        state, _ = lpips.adopt(Checkpoint(given, {}, Path(weights)), find(weights))
        part.load_state_dict(state)
    return model


@torch.inference_mode()
def quality(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    with torch.device("meta"):
        model = hyperiqa.HyperIqa()
    given = {k: generated(meta["weights"], k, like) for k, like in model.state_dict().items()}
    state, _ = hyperiqa.adopt(Checkpoint(given, {}, Path(meta["name"])))
    model.load_state_dict(state, assign=True)
    model.eval()
    patches = [centre(picture) for picture in tensors["images"].numpy()]
    batch = torch.cat([torch.from_numpy(patch).permute(0, 3, 1, 2) for patch in patches])
    last, judged = model.res(hyperiqa.normalised(batch))
    layers = list(model.judges(model.conv1(last)))
    score = model(hyperiqa.normalised(batch))
    inner = {
        "target_in_vec": near_peak(judged, meta),
        "target_fc1w_first64": near_peak(layers[0][0].flatten(1)[:, :64], meta),
        "target_fc4b": near_peak(layers[3][1], meta),
        "target_fc5w": near_peak(layers[4][0].flatten(1), meta),
    }
    results = {"score": score} | {key: value for key, value in inner.items() if key in tensors}
    return results | {"@expected.score": score, "@expected.mean": score.mean()}


def manifest(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    with torch.device("meta"):
        model = hyperiqa.HyperIqa()
    state = model.state_dict()
    assert state.keys() == meta["state"].keys(), state.keys() ^ meta["state"].keys()
    shapes = {f"@state.{name}": torch.tensor(list(t.shape)) for name, t in state.items()}
    total = sum(parameter.numel() for parameter in model.parameters())
    return shapes | {"@parameters_total": torch.tensor(total)}


def near_peak(value: Tensor, meta: Meta) -> Within:
    """Inner values, whose small ones are differences of large ones."""
    rtol = meta["tolerance"]["rel"]
    return Within(value, rtol * float(value.abs().max()), rtol)


RUNNERS = {
    "fid": fid,
    "fvd": video_distance,
    "image_pairs": image_pairs,
    "lpips": perceptual,
    "hyperiqa": quality,
    "hyperiqa_manifest": manifest,
}
