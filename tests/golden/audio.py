"""Runners of the files about mel spectrograms, encoders and audio windows."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lipkit.audio import mel, wav2vec2, whisper, windows
from lipkit.models.parts.foreign import Checkpoint

Meta = dict[str, Any]
Tensors = dict[str, Tensor]


def wave(pcm: Tensor) -> np.ndarray:
    return pcm.numpy().astype(np.float32) / 32768


def weights(tensors: Tensors, prefix: str) -> Tensors:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def whisper_mel(meta: Meta, tensors: Tensors) -> Tensors:
    results = {
        f"out.{key}": torch.from_numpy(mel.log_mel(wave(tensors[f"in.{key}"]), mel.WHISPER).T)
        for key in meta["config"]["ids"]
    }
    if "filters" in tensors:
        results["filters"] = torch.tensor(mel.filter_bank(mel.WHISPER))
    return results


def syncnet_mel(meta: Meta, tensors: Tensors) -> Tensors:
    config = meta["config"]
    columns = {key: mel.log_mel(wave(tensors[f"in.{key}"]), mel.SYNCNET).T for key in config["ids"]}
    results = {f"out.{key}": torch.from_numpy(value) for key, value in columns.items()}
    for crop in config["crops"]:
        key, frames, first = crop["id"], crop["num_frames"], windows.mel_start(crop["start"])
        window = columns[key][None, :, first : first + windows.mel_window_size(frames)]
        results[f"out.{key}.crop.{frames}.{crop['start']}"] = torch.from_numpy(window)
    if "mel_basis" in tensors:
        results["mel_basis"] = torch.tensor(mel.filter_bank(mel.SYNCNET))
    return results


def wav2lip_mel(meta: Meta, tensors: Tensors) -> Tensors:
    sound = tensors["in.wav"].numpy()
    mels = {
        name: mel.log_mel(sound, replace(mel.SYNCNET, padding=padding)).T
        for name, padding in (("mel_reflect", "reflect"), ("mel_constant_pad", "zero"))
    }
    results = {f"out.{name}": torch.from_numpy(value) for name, value in mels.items()}
    results["out.mel_basis"] = torch.tensor(mel.filter_bank(mel.SYNCNET))
    columns = mels["mel_reflect"]
    for key, value in tensors.items():
        if key == "out.train_window_start_by_frame":
            results[key] = torch.tensor([windows.mel_start(k) for k in range(len(value))])
        elif found := re.fullmatch(r"out\.segmented_starts_frames(\d+)_(\d+)", key):
            starts = np.stack([windows.segment_starts(int(k)) for k in found.groups()])
            results[key] = torch.from_numpy(starts)
        elif found := re.fullmatch(r"out\.(chunk_start|chunks)_fps([\d.]+)", key):
            starts = windows.mel_starts(columns.shape[1], float(found[2]))
            chunks = np.stack([columns[:, s : s + 16] for s in starts])
            results[key] = torch.from_numpy(starts if found[1] == "chunk_start" else chunks)
    return results


def whisper_features(meta: Meta, tensors: Tensors) -> Tensors:
    config = meta["config"]
    given = Checkpoint(weights(tensors, "w."), {"dims": config["dims"]}, Path(meta["name"]))
    state, shape = whisper.adopt(given)
    network = whisper.build(shape)
    network.load_state_dict(state, assign=True)
    encoder = whisper.WhisperEncoder(network, joints="hard")
    results = {}
    for key in config["ids"]:
        data = encoder.encode(wave(tensors[f"in.{key}"])).data
        results[f"out.{key}"] = torch.from_numpy(data)
        count = torch.tensor(windows.overrun(len(data), 50, 25))
        results |= {k: count for k in tensors if k == f"out.{key}.n_chunks_25fps"}
        rows = stored_rows(config.get("store"), key, tensors)
        for name, value in tensors.items():
            if name.startswith(f"out.{key}") and value.is_floating_point() and rows is not None:
                results[name] = torch.from_numpy(data[rows])
    return {key: value for key, value in results.items() if key in tensors}


def stored_rows(store: Any, key: str, tensors: Tensors) -> Any:
    """Which rows of long features a file holds: those it lists, or every n-th; None for all."""
    for leaf in ("rows", "index"):
        listed = tensors.get(f"out.{key}.{leaf}", tensors.get(f"in.{key}.{leaf}"))
        if listed is not None:
            return listed.numpy()
    step = re.search(r"\d+", str(store))
    return slice(None, None, int(step[0])) if step else None


def audio_windows(meta: Meta, tensors: Tensors) -> Tensors:
    results = {}
    for case in meta["config"]["cases"]:
        key, context = case["id"], tuple(case["audio_feat_length"])
        data = tensors[f"in.{key}"].numpy()
        if case["mode"] == "train":
            extent = {"start": case["start"], "count": case["num_frames"]}
            steps = windows.latentsync_rows(len(data), 25, context, **extent)
        else:
            steps = windows.latentsync_rows(len(data), case["fps"], context)
        results[f"out.{key}.index"] = torch.from_numpy(steps)
        results[f"out.{key}.chunks"] = torch.from_numpy(windows.cut(data, steps))
    return {key: value for key, value in results.items() if key in tensors}


def loop_video(meta: Meta, tensors: Tensors) -> Tensors:
    cases = [(c["video_frames"], c["chunks"]) for c in meta["config"]["cases"]]
    return {f"out.{a}.{b}": torch.from_numpy(windows.extend(a, b, "pingpong")) for a, b in cases}


def hallo_window(meta: Meta, tensors: Tensors) -> Tensors:
    results = {}
    for key, value in tensors.items():
        kind, _, index = key.partition("_")
        if kind == "emb":
            frames = np.arange(len(value))
            steps = windows.rows(frames, 2, 2, len(value))
            results[f"win_{index}"] = value[torch.from_numpy(steps)]
        elif kind == "feat":
            length = meta["interp_lengths"][int(index)][1]
            results[f"interp_{index}"] = wav2vec2.linear_interpolation(value, length)
    return results


def hallo_features(meta: Meta, tensors: Tensors) -> Tensors:
    config = meta["config"]
    shape = config["w2v"] | {k: config[k] for k in ("feat_extract_norm", "do_stable_layer_norm")}
    given = Checkpoint(weights(tensors, "w."), shape, Path("wav2vec_features"))
    state, shape = wav2vec2.adopt(given)
    network = wav2vec2.build(shape)
    network.load_state_dict(state, assign=True)
    fps, clip = Fraction(config["fps"]), config["clip_length"]
    encoder = wav2vec2.Wav2Vec2Encoder(network, fps=fps, normalise=config["do_normalize"])
    sound = wave(tensors["pcm"])
    frames, missing = wav2vec2.filled(len(sound), fps, clip)
    unpadded, _ = wav2vec2.filled(len(sound), fps, 1)
    scaled = tensors["input_values"].numpy()
    padded = np.pad(scaled, (0, missing))
    clips = torch.from_numpy(encoder.states(padded, frames))
    with torch.inference_mode():
        convolved = network.feature_extractor(torch.from_numpy(scaled)[None]).transpose(1, 2)
    steps = windows.rows(np.arange(len(clips)), 2, 2, len(clips))
    mean, deviation = sound.mean(), np.sqrt(sound.var() + 1e-7)
    return {
        "input_values": torch.from_numpy((sound - mean) / deviation),
        "conv_features_unpadded": convolved,
        "emb_unpadded": torch.from_numpy(encoder.states(scaled, unpadded)),
        "emb_clip": clips,
        "emb_last": clips[:, -1],
        "windowed": clips[torch.from_numpy(steps)],
        "@audio_length": unpadded,
    }


def musetalk_windows(meta: Meta, tensors: Tensors) -> Tensors:
    segments = sorted((k for k in tensors if k.startswith("in.hidden_states.")), key=segment_index)
    results = {}
    for case in meta["cases"]:
        used = segments[: -(-case["samples"] // 480000)]
        states = torch.cat([tensors[k] for k in used], dim=1).transpose(0, 1).numpy()
        options = {"left": case["left"], "right": case["right"]}
        chunks = windows.musetalk_chunks(states, case["samples"], case["fps"], **options)
        results[f"out.chunks.{case['case']}"] = torch.from_numpy(chunks)
    return results


def segment_index(key: str) -> int:
    return int(key.rsplit(".", 1)[1])


def musetalk_slices(meta: Meta, tensors: Tensors) -> Tensors:
    results = {}
    for case in meta["cases"]:
        key, length, fps = case["case"], case["feature_len"], case["fps"]
        results[f"out.positions.{key}"] = torch.from_numpy(windows.latentsync_rows(length, fps))
        sparse = f"out.sparse_positions.{key}"
        if sparse in tensors:
            steps = windows.sparse_rows(length, fps, len(tensors[sparse]))
            results[sparse] = torch.from_numpy(steps)
    return results


def joyvasa_features(meta: Meta, tensors: Tensors) -> Tensors:
    """The padding and HuBERT are ours; the last resize and linear map belong to JoyVASA."""
    given = weights(tensors, "weight.audio_encoder.")
    shape = meta["hubert_config"] | {"model_type": "hubert"}
    state, shape = wav2vec2.adopt(Checkpoint(given, shape, Path(meta["fixture"])))
    network = wav2vec2.build(shape)
    network.load_state_dict(state, assign=True)
    encoder = wav2vec2.Wav2Vec2Encoder(network, layers="last", normalise=False)
    results = {
        key.replace("in.pad_in_", "out.pad_"): wav2vec2.mirrored(value)
        for key, value in tensors.items()
        if key.startswith("in.pad_in_")
    }
    padded = results["out.padded"] = wav2vec2.mirrored(tensors["in.audio"])
    states = np.stack([encoder.states(sound.numpy())[:, 0] for sound in padded])
    hidden = results["out.hidden_states"] = torch.from_numpy(states)
    count = meta["config"]["n_motions"]
    resized = functional.interpolate(hidden.transpose(1, 2), count, mode="linear").transpose(1, 2)
    linear = weights(tensors, "weight.audio_feature_map.")
    results["out.audio_feature"] = functional.linear(resized, linear["weight"], linear["bias"])
    return results


RUNNERS = {
    "mel_whisper": whisper_mel,
    "mel_syncnet": syncnet_mel,
    "whisper_features": whisper_features,
    "audio_windows": audio_windows,
    "loop_video": loop_video,
    "audio_window": hallo_window,
    "wav2vec_features": hallo_features,
    "w2l_mel": wav2lip_mel,
    "mt_whisper_chunks": musetalk_windows,
    "mt_v1_slices": musetalk_slices,
    "joyvasa_audio_feature": joyvasa_features,
}
