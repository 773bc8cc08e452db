"""``lipkit models``: what there is, what is here, and how to get the rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from lipkit import config, registry, ui
from lipkit.commands import _options
from lipkit.commands._model_rows import every_row, memory, row_of, size, state, use, weights_row
from lipkit.errors import BadUsage, ExitStatus, LipkitError, WeightsError

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON document instead.")


@click.group(invoke_without_command=True)
@click.pass_context
def models(ctx: click.Context) -> None:
    """List, show, fetch and check models and their weights."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@models.command("list")
@as_json
@_options.common
def list_models(as_json: bool) -> None:
    """List presets, encoders and metrics' networks, and whether their weights are here.

    Memory is the peak of a run on a CPU where one was measured, else that of all weights in
    single precision, with a plus; --json tells both.
    """
    rows = every_row()
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    ui.table(
        ("name", "for", "weights", "size", "memory", "licence", "what"),
        [(r["name"], use(r), state(r), size(r), memory(r), r["licence"], r["task"]) for r in rows],
    )


@models.command()
@click.argument("name")
@as_json
@_options.common
def show(name: str, as_json: bool) -> None:
    """Show a preset's settings, or where weights come from."""
    row = row_of(name)
    settings = settings_of(name) if row["kind"] == "preset" else {}
    if as_json:
        click.echo(json.dumps({**row, "settings": settings} if settings else row, indent=2))
    elif settings:  # as a file for --config, so what is no setting becomes a comment
        click.echo("\n".join([*(f"# {line}" for line in toml(row)), *toml(settings)]))
    else:
        click.echo("\n".join(toml(row)))


def settings_of(preset: str) -> dict[str, Any]:
    """The settings of a preset over its family's defaults, as nested tables."""
    found = config.load_preset(preset)
    family = registry.resolve(registry.FAMILIES, found.family, "family")
    return config.as_tables(config.resolve(registry.load(family.config), preset=found.tables))


def toml(table: dict[str, Any], heading: str = "") -> Iterable[str]:
    """Nested tables of plain values as lines of TOML; what is None is left out."""
    tables = {key: value for key, value in table.items() if isinstance(value, dict)}
    if heading and len(tables) < len(table):
        yield f"\n[{heading}]"
    for key, value in table.items():
        if key not in tables and value is not None:
            plain = list(value) if isinstance(value, tuple) else value
            yield f"{key} = {json.dumps(plain, ensure_ascii=False)}"
    for key, value in tables.items():
        yield from toml(value, f"{heading}.{key}" if heading else key)


@models.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--offline", is_flag=True, help="Use only what the hub's cache holds already.")
@click.option("-f", "--force", is_flag=True, help="Fetch even what is here.")
@as_json
@_options.common
def pull(names: tuple[str, ...], offline: bool, force: bool, as_json: bool) -> int:
    """Fetch the weights of models, encoders and metrics, most of them from the Hugging Face hub.

    What a model does not work without is fetched with it.

    Files are checked, converted to safetensors where that can be, and kept in $LIPKIT_WEIGHTS, by
    default ~/.local/share/lipkit/weights. HF_HUB_OFFLINE and HF_ENDPOINT are honoured.
    """
    from lipkit.models.parts import hub, weights

    def fetch(name: str) -> dict[str, Any]:
        wanted = weights.find(name)
        if wanted.present and not (force and name in names):
            ui.say(f"{name} is here already")
        else:
            ui.say(f"{name}: {wanted.megabytes} MB, {wanted.source}, {wanted.licence}")
            hub.pull(wanted, offline=offline)
        return weights_row(name)

    return each(weights.with_needs(names), fetch, as_json)


@models.command("import")
@click.argument("file", metavar="FILE")
@click.option("--name", help="What it is; known files are recognised by their digest.")
@click.option("-f", "--force", is_flag=True, help="Replace what is here.")
@as_json
@_options.common
def import_weights(file: str, name: str | None, force: bool, as_json: bool) -> int:
    """Take a checkpoint from elsewhere into the store.

    FILE is safetensors, a torch file, of which only tensors are read, or a transformers folder;
    for some metrics an ONNX or TorchScript file, which is kept as it is.
    """
    from lipkit.models.parts import hub, weights

    path = Path(file)
    if not path.exists():
        raise WeightsError(f"{file}: no such file")
    wanted = weights.find(name) if name else hub.recognise(path)
    if wanted is None:
        like = hub.named_like(path)
        names = like.name if like else ", ".join(weights.catalogue())
        raise BadUsage(f"{file}: not a file that lipkit knows", hint=f"say --name {names}")
    if wanted.present and not force:
        raise BadUsage(f"{wanted.path} exists", hint="--force replaces it")
    origin = {"file": path.name, "licence": wanted.licence}
    hub.take(wanted, path, origin | {"sha256": weights.digest_of(path)})
    return each((wanted.name,), weights_row, as_json)


@models.command()
@click.argument("names", nargs=-1, metavar="[NAME...]")
@as_json
@_options.common
def verify(names: tuple[str, ...], as_json: bool) -> int:
    """Compare weights with the digests that they were stored with; all that are here by default."""
    from lipkit.models.parts import weights

    def check(name: str) -> dict[str, Any]:
        row = row_of(name)
        if not row["present"]:
            raise WeightsError(f"the weights of {name} are not here")
        return row | {"digest": weights.verify(Path(row["path"]))}

    chosen = names or tuple(row["name"] for row in every_row() if row["present"])
    if not chosen:
        ui.say("no weights are here yet")
    return each(chosen, check, as_json)


def each(names: Iterable[str], work: Callable[[str], dict[str, Any]], as_json: bool) -> int:
    """Do every name and print what came of it; one that fails does not stop the others."""
    rows, problems = [], []
    every = list(names)
    for name in every:
        try:
            rows.append(work(name) | {"status": "ok"})
        except LipkitError as problem:
            if len(every) == 1:
                raise
            ui.error(str(problem))
            problems.append(problem)
            rows.append({"name": name, "status": "failed", "error": str(problem)})
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        for row in rows:
            if row["status"] == "ok":
                click.echo(f"{row['name']}  {row['digest']}  {row['path']}")
    if problems and len(problems) == len(every):
        return problems[0].status
    return ExitStatus.PARTIAL if problems else ExitStatus.OK
