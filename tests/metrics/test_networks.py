"""From a public file by `models import` to a network that measures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from lipkit.errors import WeightsError
from lipkit.metrics import fid, hyperiqa, lpips
from lipkit.models.parts import hub
from lipkit.models.parts.hyperiqa import HyperIqa
from lipkit.models.parts.inception import Inception
from lipkit.models.parts.lpips import Lpips
from lipkit.models.parts.weights import find

PICTURE = np.random.default_rng(0).integers(0, 256, (230, 230, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty store, and no network remembered from or for other tests."""
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path / "store"))
    caches = (fid.network, hyperiqa.network, lpips.network)
    for cache in caches:
        cache.cache_clear()
    yield tmp_path
    for cache in caches:
        cache.cache_clear()


def imported(name: str, state: dict[str, torch.Tensor], folder: Path) -> None:
    """Take a file of such tensors, without counters of training, into the store."""
    path = folder / "file.pth"
    torch.save({k: v for k, v in state.items() if "num_batches_tracked" not in k}, path)
    hub.take(find(name), path, {"file": path.name})


def test_inception(store: Path) -> None:
    own = Inception().eval()
    imported(fid.WEIGHTS, own.state_dict(), store)
    found = fid.features(fid.resized(PICTURE[None]))
    with torch.inference_mode():
        np.testing.assert_allclose(found, own(fid.resized(PICTURE[None])), atol=1e-4)


def test_hyperiqa(store: Path) -> None:
    imported(hyperiqa.WEIGHTS, HyperIqa().state_dict(), store)
    patch = hyperiqa.centre(PICTURE)
    assert patch is not None
    first, second = hyperiqa.judged(np.concatenate([patch, patch]))
    assert np.isfinite(first)
    assert first == pytest.approx(second, rel=1e-5)


def test_lpips(store: Path) -> None:
    own = Lpips("alex").eval()
    for head in own.heads:
        torch.nn.init.uniform_(head)
    backbone = {f"features.{k}": v for k, v in own.features.state_dict().items()}
    heads = {
        f"lin{k}.model.1.weight": head[None, :, None, None] for k, head in enumerate(own.heads)
    }
    imported("alexnet", backbone | {"classifier.6.bias": torch.zeros(1000)}, store)
    with pytest.raises(WeightsError, match="lipkit models pull lpips-alex"):
        lpips.network("alex")
    imported("lpips-alex", heads, store)
    compare = lpips.Lpips().compare()["lpips"]
    assert compare(PICTURE, PICTURE) == 0
    noisy = PICTURE ^ 32
    first, second = (
        torch.from_numpy(p).permute(2, 0, 1)[None] / 127.5 - 1 for p in (PICTURE, noisy)
    )
    with torch.inference_mode():
        assert compare(PICTURE, noisy) == pytest.approx(float(own(first, second)), rel=1e-4)
    assert compare(PICTURE[:60], noisy[:60]) is None
