"""The settings chain: defaults < preset < file < --set < option."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from lipkit import config
from lipkit.errors import BadUsage


@dataclass(frozen=True)
class Sampling:
    steps: int = 10
    guidance: float = 1.5
    kind: Literal["ddim", "dpm"] = "ddim"
    spread: tuple[float, ...] = (1.0,)
    note: str | None = None

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError("sampling.steps must be at least 1")


@dataclass(frozen=True)
class Settings:
    sampling: Sampling = field(default_factory=Sampling)
    seed: int = 0


def resolve(tmp_path: Path, toml: str | None = None, **sources: Any) -> Settings:
    if toml is not None:
        path = tmp_path / "settings.toml"
        path.write_text(toml)
        sources["file"] = str(path)
    return config.resolve(Settings, **sources)


def test_nothing_given_means_the_defaults(tmp_path: Path) -> None:
    assert resolve(tmp_path) == Settings()


def test_each_source_beats_the_one_before(tmp_path: Path) -> None:
    preset = {"sampling": {"steps": 1, "guidance": 1.0, "spread": [1, 2], "note": "preset"}}
    toml = "[sampling]\nsteps = 2\nguidance = 2\nspread = [3]"
    settings = resolve(
        tmp_path,
        toml,
        preset=preset,
        sets=["sampling.steps=3", "sampling.guidance=3"],
        options={"sampling.steps": 4, "sampling.guidance": None},
    )
    assert settings.sampling == Sampling(4, 3.0, "ddim", (3.0,), "preset")


def test_set_knows_what_is_free_to_change_without_its_table(tmp_path: Path) -> None:
    settings = resolve(tmp_path, sets=["kind=dpm", "seed=3", "steps=4"])
    assert settings == Settings(Sampling(steps=4, kind="dpm"), seed=3)
    with pytest.raises(BadUsage, match=r"unknown key 'step'; did you mean"):
        resolve(tmp_path, sets=["step=4"])


def test_values_keep_their_types(tmp_path: Path) -> None:
    settings = resolve(tmp_path, sets=["sampling.guidance=2", "sampling.note=plain words"])
    assert isinstance(settings.sampling.guidance, float)
    assert settings.sampling.note == "plain words"


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        (["sampling.setps=3"], ["sampling.setps", "sampling.steps"]),
        (["sampling.steps=2.5"], ["sampling.steps", "whole number"]),
        (["sampling.steps=true"], ["whole number"]),
        (["sampling.kind=euler"], ["ddim, dpm"]),
        (["sampling.spread=3"], ["a list"]),
        (["sampling.steps"], ["key=value"]),
        (["sampling.steps=0"], ["at least 1"]),
    ],
)
def test_bad_settings_say_what_is_valid(tmp_path: Path, sets: list[str], words: list[str]) -> None:
    with pytest.raises(BadUsage) as problem:
        resolve(tmp_path, sets=sets)
    assert all(word in str(problem.value) for word in words), problem.value


@pytest.mark.parametrize("toml", ["[sampling", "[sampling]\nstesp = 1"])
def test_bad_files_are_named(tmp_path: Path, toml: str) -> None:
    with pytest.raises(BadUsage, match=r"settings\.toml"):
        resolve(tmp_path, toml)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match=r"nowhere\.toml"):
        config.resolve(Settings, file=str(tmp_path / "nowhere.toml"))


def test_tables_round_trip() -> None:
    settings = Settings(Sampling(7, 2.0, "dpm", (1.0, 2.0), "x"), 5)
    assert config.resolve(Settings, preset=config.as_tables(settings)) == settings


def test_unknown_presets_name_the_nearest() -> None:
    with pytest.raises(BadUsage, match="did you mean builtin"):
        config.load_preset("builtn")


@dataclass(frozen=True)
class Around:
    sampling: Sampling = field(default_factory=lambda: Sampling(steps=5, guidance=9.0))


def test_a_partial_table_keeps_what_the_default_around_it_says() -> None:
    found = config.build(Around, {"sampling": {"steps": 2}})
    assert found.sampling == Sampling(steps=2, guidance=9.0)
