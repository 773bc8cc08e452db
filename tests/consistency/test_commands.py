"""Every verb and every option says what it does."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from lipkit.cli import VERBS, lipkit


def tree(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for child in command.commands.values():
            yield from tree(child)


def command_of(verb: str) -> click.Command:
    command = lipkit.get_command(click.Context(lipkit), verb)
    assert command is not None
    return command


@pytest.mark.parametrize("verb", VERBS)
def test_help_begins_as_the_table_says(verb: str) -> None:
    help = command_of(verb).help or ""
    assert help.split("\n\n")[0].replace("\n", " ") == VERBS[verb].help


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_has_help(verb: str) -> None:
    for command in tree(command_of(verb)):
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert option.help, f"{command.name} {option.opts}"


@pytest.mark.parametrize("verb", VERBS)
def test_common_options_are_everywhere(verb: str) -> None:
    command = command_of(verb)
    commands = [c for c in tree(command) if not isinstance(c, click.Group)]
    for leaf in commands:
        flags = {flag for option in leaf.params for flag in option.opts}
        assert {"-q", "-v", "--debug"} <= flags, f"{verb} {leaf.name}"
