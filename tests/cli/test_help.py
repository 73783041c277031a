"""The help of every command: whole sentences in any terminal, groups of options, examples that can be run."""

import shlex
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from hybrid.cli.help import GENERAL, Command
from hybrid.cli.main import COMMANDS, GROUPS, main


def _commands() -> Iterator[tuple[str, ...]]:
    yield ()
    for name in COMMANDS:
        yield (name,)
        command = main.get_command(click.Context(main), name)
        if isinstance(command, click.Group):
            yield from ((name, inner) for inner in command.commands)


ALL = list(_commands())
IDS = [" ".join(("hybrid", *words)) for words in ALL]


def _help(words: tuple[str, ...], columns: int) -> str:
    width = columns - 2  # as click computes it from a terminal
    return CliRunner().invoke(main, [*words, "--help"], prog_name="hybrid", terminal_width=width).output


def _examples(text: str) -> list[str]:
    return [line.strip() for line in text.partition("\nExamples:\n")[2].splitlines() if line.startswith("  hybrid ")]


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("words", ALL, ids=IDS)
def test_help_fits_the_terminal_and_nothing_is_cut_off(words, columns):
    usage, *lines = _help(words, columns).splitlines()
    assert usage.startswith(f"Usage: {' '.join(('hybrid', *words))} ")
    assert not [line for line in lines if len(line) > columns]
    assert not [line for line in lines if "…" in line or line.endswith("...")]


@pytest.mark.parametrize("words", ALL, ids=IDS)
def test_help_ends_with_examples_whose_options_exist(words):
    examples = _examples(_help(words, 80))
    assert examples
    assert all(line.startswith("hybrid") for line in examples)
    if words:
        assert all(tuple(line.split()[1 : 1 + len(words)]) == words for line in examples if words != ("cache",))
    for line in examples:
        parse(shlex.split(line)[1:])


def parse(args: list[str]) -> None:
    """Read a command line as `hybrid` does, without running it; a mistake is an error."""
    command: click.Command = main
    with click.Context(main, info_name="hybrid") as context:
        while isinstance(command, click.Group) and not args[0].startswith("-"):
            name, command, args = command.resolve_command(context, args)
        if "--help" not in args:
            command.make_context(name, args, parent=context)


def test_an_example_with_an_option_that_does_not_exist_is_found():
    with pytest.raises(click.NoSuchOption):
        parse(["fit", "svm", "--sets", "A"])


@pytest.mark.parametrize("name", COMMANDS)
def test_many_options_are_in_groups_and_each_is_shown_once(name):
    command = main.get_command(click.Context(main), name)
    assert isinstance(command, Command)
    groups = command.option_groups(click.Context(command))
    shown = [option.name for options in groups.values() for option in options]
    assert len(shown) == len(set(shown))
    if len(shown) > 10:
        assert list(groups)[-1] == GENERAL
        assert len(groups) > 1
        assert {option.opts[-1] for option in groups[GENERAL]} <= {"--seed", "--workspace", "--json", "--help"}


def test_the_overview_has_each_command_on_one_line():
    lines = _help((), 60).splitlines()
    for title, commands in GROUPS.items():
        start = lines.index(f"{title}:")
        for line, (name, words) in zip(lines[start + 1 :], commands.items(), strict=False):
            assert line.split(maxsplit=1) == [name, words]
