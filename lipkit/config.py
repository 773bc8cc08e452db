"""Settings: dataclass defaults < preset < ``--config`` file < ``--set`` < option.

A family describes its settings as nested frozen dataclasses of plain types. Everything that comes
from outside is checked against them: an unknown key names the nearest valid one.
"""

from __future__ import annotations

import dataclasses
import tomllib
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from lipkit.errors import BadUsage
from lipkit.registry import nearest

Config = TypeVar("Config")
FREE = "sampling"  # the table whose keys --set knows without it
PRESET_KEYS = frozenset({"family", "summary", "licence", "weights"})


@dataclass(frozen=True)
class Preset:
    """A set of weights and numbers for a family; ``tables`` overrides the family's defaults."""

    name: str
    family: str
    summary: str
    licence: str
    weights: str | None
    tables: Mapping[str, Any]


def preset_names() -> list[str]:
    """Names of the presets that come with lipkit."""
    folder = resources.files("lipkit") / "presets"
    return sorted(f.name[: -len(".toml")] for f in folder.iterdir() if f.name.endswith(".toml"))


def load_preset(name: str) -> Preset:
    """The preset of that name."""
    if name not in preset_names():
        guess = nearest(name, preset_names())
        hint = f"did you mean {guess}?" if guess else f"known: {', '.join(preset_names())}"
        raise BadUsage(f"no preset or run {name!r}", hint=hint)
    text = (resources.files("lipkit") / "presets" / f"{name}.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    tables = {k: v for k, v in data.items() if k not in PRESET_KEYS}
    return Preset(
        name=name,
        family=data["family"],
        summary=data.get("summary", ""),
        licence=data.get("licence", ""),
        weights=data.get("weights"),
        tables=tables,
    )


def read_file(path: str) -> dict[str, Any]:
    """The tables of a user's TOML file."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as problem:
        raise BadUsage(f"--config {path}: {problem.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise BadUsage(f"--config {path}: not TOML: {problem}") from None


def parse_set(text: str) -> tuple[str, Any]:
    """``key=value`` of a ``--set``; the value is TOML, or else a string."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise BadUsage(f"--set {text!r}", hint="write it as key=value, e.g. sampling.steps=8")
    try:
        return key.strip(), tomllib.loads(f"v = {value}")["v"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def resolve(
    config: type[Config],
    *,
    preset: Mapping[str, Any] | None = None,
    file: str | None = None,
    sets: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> Config:
    """An instance of ``config`` from all sources; in ``options``, None means "not given".

    A key of ``sets`` may leave its table out where that is the one of what is free to change.
    """
    merged: dict[str, Any] = {}
    for source, tables in (("preset", preset), (f"--config {file}", file and read_file(file))):
        for key, value in flatten(tables or {}).items():
            assign(config, merged, key, value, str(source))
    for text in sets:
        key, value = parse_set(text)
        if "." not in key and f"{FREE}.{key}" in valid_keys(config):
            key = f"{FREE}.{key}"
        assign(config, merged, key, value, "--set")
    for key, value in (options or {}).items():
        if value is not None:
            assign(config, merged, key, value, "option")
    return build(config, merged)


def flatten(tables: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in tables.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return flat


def valid_keys(config: type[Any], prefix: str = "") -> dict[str, Any]:
    """Dotted key to type, for every leaf of a nested dataclass."""
    hints = get_type_hints(config)
    keys: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        kind: Any = hints[field.name]
        name = f"{prefix}{field.name}"
        nested = isinstance(kind, type) and dataclasses.is_dataclass(kind)
        keys |= valid_keys(kind, f"{name}.") if nested else {name: kind}
    return keys


def assign(config: type[Any], into: dict[str, Any], key: str, value: Any, source: str) -> None:
    """Check one dotted key and its value, and put it ``into`` the nested tables."""
    keys = valid_keys(config)
    if key not in keys and source == "option":
        flag = key.rpartition(".")[2].replace("_", "-")
        raise BadUsage(f"this model knows no --{flag}", hint="leave it out, or take another model")
    if key not in keys:
        guess = nearest(key, list(keys))
        hint = f"did you mean {guess}?" if guess else "`lipkit models show PRESET` lists the keys"
        raise BadUsage(f"{source}: unknown key {key!r}", hint=hint)
    *tables, leaf = key.split(".")
    for table in tables:
        into = into.setdefault(table, {})
    into[leaf] = coerce(value, keys[key], f"{source}: {key}")


def coerce(value: Any, kind: Any, where: str) -> Any:
    """A value as ``kind``: whole numbers pass for floats, lists for tuples, nothing else bends."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        for option in arguments:
            if option is type(None) and value is None:
                return None
            if option is not type(None) and fits(value, option):
                return coerce(value, option, where)
    elif origin is Literal:
        if value in arguments:
            return value
        raise BadUsage(f"{where} = {value!r}", hint=f"one of: {', '.join(map(str, arguments))}")
    elif fits(value, kind):
        if origin is tuple:
            inner = arguments[0]
            return tuple(coerce(v, inner, where) for v in value)
        return float(value) if kind is float else value
    raise BadUsage(f"{where} = {value!r}", hint=f"it must be {describe(kind)}")


def fits(value: Any, kind: Any) -> bool:
    """Whether a plain value can stand for ``kind``."""
    if get_origin(kind) is tuple:
        return isinstance(value, list | tuple)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, get_origin(kind) or kind)


def describe(kind: Any) -> str:
    """A type in words for people."""
    words = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    if get_origin(kind) is tuple:
        return f"a list, each {describe(get_args(kind)[0])}"
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(describe(k) for k in get_args(kind) if k is not type(None))
    return words.get(kind, str(kind))


def build(config: type[Config], tables: Mapping[str, Any], base: Any = None) -> Config:
    """The dataclass from checked, nested tables; its own checks speak as usage errors.

    What a table leaves out is as in ``base``, else as where the table's dataclass is a default.
    """
    hints = get_type_hints(config)
    fields: Any = dataclasses.fields(config)  # type: ignore[arg-type]
    factories = {field.name: field.default_factory for field in fields}
    values = dict(tables)
    for key, value in tables.items():
        if dataclasses.is_dataclass(hints[key]):
            default = factories[key] if base is None else partial(getattr, base, key)
            known = None if default is dataclasses.MISSING else default()
            values[key] = build(hints[key], value, known)
    try:
        return config(**values) if base is None else dataclasses.replace(base, **values)
    except ValueError as problem:
        raise BadUsage(str(problem)) from None


def as_tables(config: Any) -> dict[str, Any]:
    """A config as nested plain tables, for headers and ``models show``."""
    return dataclasses.asdict(config)
