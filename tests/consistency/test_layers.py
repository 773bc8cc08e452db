"""Imports go downwards only, and heavy or loud libraries stay where they belong."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "lipkit"
MODULES = sorted(PACKAGE.rglob("*.py"))

# First match wins. A module may import modules of its own layer or of a lower one.
LAYERS = [
    ("lipkit.cli", 6),
    ("lipkit.__main__", 6),
    ("lipkit.commands", 5),
    ("lipkit.models.parts", 3),
    ("lipkit.models", 4),
    ("lipkit.sync", 3),
    ("lipkit.training", 3),
    ("lipkit.metrics", 3),
    ("lipkit.filters", 3),
    ("lipkit.losses", 3),
    ("lipkit.faces.mediapipe", 3),
    ("lipkit.faces.fan", 3),
    ("lipkit.faces.file", 3),
    ("lipkit.audio.windows", 2),
    ("lipkit.audio.mel", 2),
    ("lipkit.audio.speech", 2),
    ("lipkit.audio", 3),
    ("lipkit.faces", 2),
    ("lipkit.artifacts", 2),
    ("lipkit.media", 1),
    ("lipkit.config", 1),
    ("lipkit.runtime", 1),
    ("lipkit.flow", 0),
    ("lipkit.provenance", 1),
    ("lipkit.ui", 1),
    ("lipkit.errors", 0),
    ("lipkit.registry", 0),
    ("lipkit.protocols", 0),
    ("lipkit", 0),
]
HEAVY = {"torch", "diffusers", "transformers", "cv2", "mediapipe", "face_alignment"}
LIGHT_TOPS = ("lipkit.cli", "lipkit.commands", "lipkit.media", "lipkit.config", "lipkit.runtime")
LIGHT_TOPS += ("lipkit.provenance", "lipkit.ui", "lipkit.errors", "lipkit.registry")
OWNERS = {
    "subprocess": {"lipkit.media.ffmpeg", "lipkit.training.voices.programs"},
    "rich": {"lipkit.ui"},
    "tqdm": {"lipkit.ui"},
}
PURE = ("lipkit.models", "lipkit.losses", "lipkit.faces.geometry", "lipkit.faces.masks")
PURE += ("lipkit.faces.mesh", "lipkit.faces.landmarks", "lipkit.faces.tracks", "lipkit.audio")
IMPURE = {"click", "rich", "tqdm", "subprocess"}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module: str) -> int:
    for prefix, layer in LAYERS:
        if module == prefix or module.startswith(prefix + "."):
            return layer
    raise AssertionError(module)


def imports(path: Path, everywhere: bool = True) -> Iterator[str]:
    """Modules that a file imports: anywhere, or only when it is itself imported."""
    stack: list[ast.AST] = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module == "lipkit":
                yield from (f"lipkit.{alias.name}" for alias in node.names)
            else:
                yield module
        elif everywhere or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                continue
            stack += list(ast.iter_child_nodes(node))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_downwards(path: Path) -> None:
    module = name_of(path)
    for imported in imports(path):
        if imported.startswith("lipkit"):
            assert layer_of(imported) <= layer_of(module), f"{module} imports {imported}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_families_do_not_import_each_other(path: Path) -> None:
    families = {p.name for p in (PACKAGE / "models").iterdir() if p.is_dir()} - {"parts"}
    parts = name_of(path).split(".")
    if len(parts) < 3 or parts[1] != "models" or parts[2] not in families:
        return
    for imported in imports(path):
        target = imported.split(".")
        if target[:2] == ["lipkit", "models"] and len(target) > 2 and target[2] in families:
            assert target[2] == parts[2], f"{name_of(path)} imports {imported}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_tops_of_light_modules_are_light(path: Path) -> None:
    module = name_of(path)
    if not module.startswith(LIGHT_TOPS):
        return
    banned = HEAVY | ({"numpy"} if module.startswith(("lipkit.commands", "lipkit.cli")) else set())
    found = {name.split(".")[0] for name in imports(path, everywhere=False)} & banned
    assert not found, f"{module} imports {found} at its top"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_some_libraries_have_one_owner(path: Path) -> None:
    module = name_of(path)
    for imported in imports(path):
        owners = OWNERS.get(imported.split(".")[0])
        assert owners is None or module in owners, f"{module} imports {imported}"
        assert imported.split(".")[0] not in {"torchvision", "torchaudio", "omegaconf", "einops"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_tensor_code_does_no_input_or_output(path: Path) -> None:
    module = name_of(path)
    if module.startswith(PURE):
        found = {name.split(".")[0] for name in imports(path)} & IMPURE
        assert not found, f"{module} imports {found}"
