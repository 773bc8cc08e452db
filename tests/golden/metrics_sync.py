"""Runners of the files about SyncNet, StableSyncNet's sound and the aperture of the mouth."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from lipkit.audio import mel, mfcc
from lipkit.metrics import embeddings, mouth, offsets
from lipkit.metrics.lags import Lags, lags, speed
from lipkit.metrics.stable_syncnet import agreement
from lipkit.models.parts import syncnet as network
from lipkit.models.parts.foreign import Checkpoint

from .generated import generated

Meta = dict[str, Any]
Tensors = dict[str, Tensor]
MFCC = {  # the JSON's names of what ours calls otherwise
    "winlen": "window",
    "winstep": "hop",
    "nfft": "fft",
    "low": "fmin",
    "high": "fmax",
}
MEL = {
    "sample_rate": "rate",
    "preemphasis": "preemphasis",
    "n_fft": "fft",
    "hop": "hop",
    "mels": "bands",
    "fmin": "fmin",
    "fmax": "fmax",
}


def built(meta: Meta) -> network.SyncNet:
    """SyncNet with the generated weights of a file, taken in as the official file would be."""
    names = network.build().state_dict()
    given = {name: generated(meta["weights"], name, like) for name, like in names.items()}
    for name, check in meta.get("weight_checks", {}).items():
        first = given[name].flatten()[: len(check["first4"])].tolist()
        assert np.allclose(first, check["first4"], rtol=1e-6, atol=1e-9), f"generator of {name}"
    state, _ = network.adopt(Checkpoint(given, {}, Path(meta["name"])))
    net = network.build()
    net.load_state_dict(state, assign=True)
    return net


def syncnet_mfcc(meta: Meta, tensors: Tensors) -> Tensors:
    named = {MFCC.get(k, k): v for k, v in meta["parameters"].items() if not isinstance(v, str)}
    named["count"] = int(re.search(r"first (\d+)", meta["parameters"]["dct"])[1])
    spec = replace(mfcc.SYNCNET, **named)
    results = {}
    for name, case in meta["cases"].items():
        pcm = tensors[f"{name}.pcm"].numpy()
        found = mfcc.mfcc(pcm, spec)
        results[f"{name}.mfcc"] = torch.from_numpy(found)
        results[f"@cases.{name}.frames"] = spec.frames(len(pcm))
        if "samples" in case:
            results[f"@cases.{name}.samples"] = len(pcm)
        if f"{name}.windows" in tensors:
            count = embeddings.window_count(len(pcm), len(pcm))
            windows = embeddings.voice_windows(pcm, count)
            results[f"{name}.windows"] = torch.from_numpy(windows)
    return results


def syncnet_offset(meta: Meta, tensors: Tensors) -> Tensors:
    results: Tensors = {}
    for name, case in meta["cases"].items():
        pair = tensors[f"{name}.video"].numpy(), tensors[f"{name}.audio"].numpy()
        found = offsets.align(*pair, case["vshift"])
        results |= {
            f"{name}.dists": torch.from_numpy(offsets.distances(*pair, case["vshift"])),
            f"{name}.mean_dist": torch.from_numpy(found.means),
            f"{name}.framewise_conf": torch.from_numpy(found.frames),
            f"{name}.framewise_conf_medfilt9": torch.from_numpy(found.smooth_frames),
            f"@cases.{name}.av_offset": torch.tensor(found.offset),
            f"@cases.{name}.min_distance": torch.tensor(found.distance),
            f"@cases.{name}.confidence": torch.tensor(found.confidence),
            f"@cases.{name}.argmin": torch.tensor(found.index),
        }
    return {key: value for key, value in results.items() if key[0] == "@" or key in tensors}


@torch.inference_mode()
def probed(layers: torch.nn.Sequential, value: Tensor, name: str, probes: Tensors) -> Tensor:
    """The layers' output; ``probes`` takes what the file looks at after each layer."""
    for index, layer in enumerate(layers):
        value = layer(value)
        every = value.flatten()
        probes[f"probe.{name}.{index}"] = every[:: every.numel() // 64][:64].clone()
    return value


@torch.inference_mode()
def syncnet_forward(meta: Meta, tensors: Tensors) -> Tensors:
    net = built(meta)
    frames = tensors["frames_bgr"].permute(3, 0, 1, 2)[None].float()
    voice = tensors["audio_windows"].float()
    probes: Tensors = {}
    # official windows overlap; one by one they give the same numbers in the order of the probes
    windows = frames[0].unfold(1, network.FRAMES, 1).permute(1, 0, 4, 2, 3)
    lips = probed(net.netcnnlip, windows, "netcnnlip", probes).flatten(1)
    probed(net.netfclip, lips, "netfclip", probes)
    heard = probed(net.netcnnaud, voice, "netcnnaud", probes).flatten(1)
    probed(net.netfcaud, heard, "netfcaud", probes)
    results = {key: value for key, value in probes.items() if key in tensors}
    results |= {"lip_embedding": net.lips(frames)[0], "audio_embedding": net.voice(voice)}
    features = {"lip_feature512": lips, "audio_feature512": heard}
    return results | {key: value for key, value in features.items() if key in tensors}


@torch.inference_mode()
def syncnet_end_to_end(meta: Meta, tensors: Tensors) -> Tensors:
    net = built(meta)
    key = next(name for name in tensors if name.startswith("frames_bgr"))
    frames = tensors[key].numpy()
    faces = np.stack([cv2.resize(frame, (network.SIDE,) * 2) for frame in frames])
    pcm = tensors["pcm"].numpy()
    stream = embeddings.LipStream(net)
    for face in faces:
        stream.add(face)
    count = embeddings.window_count(len(faces) * embeddings.SAMPLES, len(pcm))
    lips = stream.finish()[:count]
    voice = embeddings.voice_embeddings(net, pcm, count)
    found = offsets.align(lips, voice)
    results = {
        "resized_frame0": torch.from_numpy(faces[0]),
        "lip_embedding": torch.from_numpy(lips),
        "audio_embedding": torch.from_numpy(voice),
        "dists": torch.from_numpy(offsets.distances(lips, voice)),
        "mean_dist": torch.from_numpy(found.means),
        "@expected.min_length": min(len(faces), len(pcm) // embeddings.SAMPLES),
        "@expected.windows": count,
        "@expected.min_distance": found.distance,
        "@expected.confidence": found.confidence,
    }
    if meta["expected"]["second_best_gap"] > meta["tolerance"]["rel_to_max"] * found.distance:
        results["@expected.av_offset"] = found.offset
    known = {key: value for key, value in results.items() if key[0] == "@" or key in tensors}
    return {key: torch.as_tensor(value) for key, value in known.items()}


def stable_syncnet_audio(meta: Meta, tensors: Tensors) -> Tensors:
    given = meta["parameters"]
    shape = {ours: given[key] for key, ours in MEL.items() if key in given}
    spec = replace(mel.SYNCNET, window=shape.get("fft", mel.SYNCNET.window), **shape)
    results: Tensors = {}
    for name, case in meta["cases"].items():
        found = mel.log_mel(tensors[f"{name}.pcm"].numpy().astype(np.float32) / 32768, spec)
        results[f"{name}.mel"] = torch.from_numpy(found.T)
        results[f"@cases.{name}.frames"] = torch.tensor(len(found))
        bounds = (float(found.min()), float(found.max()))
        near = meta["tolerance"]["mel_abs"]
        assert np.allclose(bounds, (case["min"], case["max"]), rtol=0, atol=near), name
    pair = tensors["acc.video"], tensors["acc.audio"]
    cosine = torch.nn.functional.cosine_similarity(*pair)
    right = agreement(cosine.numpy(), tensors["acc.label"].numpy() > 0.5)
    results |= {
        "acc.cosine": cosine,
        "@accuracy.expected": torch.tensor(right),
        "@accuracy.pairs": torch.tensor(len(cosine)),
    }
    return results


def lag_scores(path: str, wanted: Meta, found: Lags) -> Tensors:
    """Results for the numbers of a curve; a null in the file must be None here."""
    values = {
        "r0": found.still,
        "best_r": found.best,
        "best_lag": found.lag,
        "confidence": found.confidence,
    }
    for key, value in values.items():
        assert (value is None) == (wanted[key] is None), f"{path}.{key}: {value}"
    kinds = {int: torch.int64, float: torch.float64}
    return {
        f"@{path}.{key}": torch.tensor(value, dtype=kinds[type(wanted[key])])
        for key, value in values.items()
        if value is not None
    }


def aperture_lag(meta: Meta, tensors: Tensors) -> Tensors:
    results: Tensors = {}
    for name, case in meta["cases"].items():
        video, audio = tensors[f"{name}.video"].numpy(), tensors[f"{name}.audio"].numpy()
        found = lags(video, audio, len(tensors[f"{name}.curve"]) // 2)
        results[f"{name}.curve"] = torch.from_numpy(found.curve)
        results |= lag_scores(f"cases.{name}", case, found)
        if "velocity" in case:
            found = lags(speed(video), audio, len(found.curve) // 2)
            results[f"{name}.velocity_curve"] = torch.from_numpy(found.curve)
            results |= lag_scores(f"cases.{name}.velocity", case["velocity"], found)
    if "rms.pcm" in tensors:
        wave = tensors["rms.pcm"].numpy() / 32768
        results["rms.expected"] = torch.from_numpy(mouth.envelope(wave))
    return results


def syncnet_manifest(meta: Meta, tensors: Tensors) -> Tensors:
    net = network.build()
    state = net.state_dict()
    assert state.keys() == meta["state"].keys(), state.keys() ^ meta["state"].keys()
    shapes = {f"@state.{name}.shape": torch.tensor(list(t.shape)) for name, t in state.items()}
    total = sum(parameter.numel() for parameter in net.parameters())
    return shapes | {"@parameters_total": torch.tensor(total)}


RUNNERS = {
    "syncnet_manifest": syncnet_manifest,
    "syncnet_offset": syncnet_offset,
    "syncnet_mfcc": syncnet_mfcc,
    "syncnet_forward": syncnet_forward,
    "syncnet_end_to_end": syncnet_end_to_end,
    "stable_syncnet_audio": stable_syncnet_audio,
    "aperture_lag": aperture_lag,
}
