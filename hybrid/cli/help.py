"""How commands explain themselves: options in groups, nothing cut off, examples at the end."""

from collections.abc import Callable, Iterable
from textwrap import indent
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

GENERAL = "General"
_NARROW = 70  # columns below which a description has lines of its own, under its option
_FEW = 9  # options that need no groups


class _Formatter(click.HelpFormatter):
    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write terms with their descriptions, in two columns or, in a narrow terminal, below each other."""
        rows = list(rows)
        longest = max((len(term) for term, _ in rows), default=0) + col_spacing + self.current_indent
        if self.width >= _NARROW or all(longest + len(words) <= self.width for _, words in rows):
            super().write_dl(rows, col_max, col_spacing)
            return
        for term, words in rows:
            self.write(f"{'':>{self.current_indent}}{term}\n")
            with self.indentation(), self.indentation():
                self.write_text(words)


class _Context(click.Context):
    formatter_class = _Formatter


class Command(click.Command):
    """A command whose help has groups of options and ends with examples."""

    context_class = _Context

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line. The message on a missing or superfluous word has an example of the command."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption:
            raise
        except click.MissingParameter as error:
            raise click.UsageError(f"{error.format_message()} {self._example()}", ctx) from error
        except click.UsageError as error:
            if "unexpected extra argument" not in error.message:
                raise
            raise click.UsageError(f"{error.message}. {self._example()}", ctx) from error

    def _example(self) -> str:
        line = next((line for line in (self.epilog or "").split("\n") if line.startswith("hybrid ")), "")
        return f"For example: {line}" if line else ""

    def option_groups(self, ctx: click.Context) -> dict[str, list[click.Option]]:
        """Return the options by the title of their group, the general ones last. Few options are one group."""
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option) and not param.hidden]
        if len(options) <= _FEW:
            return {"Options": options}
        groups: dict[str, list[click.Option]] = {}
        for option in options:
            groups.setdefault(vars(option).get("group", GENERAL), []).append(option)
        return groups | {GENERAL: groups.pop(GENERAL)}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, group by group."""
        for title, options in self.option_groups(ctx).items():
            records = [record for option in options if (record := option.get_help_record(ctx))]
            with formatter.section(title):
                formatter.write_dl([(term.replace(" RANGE", ""), words) for term, words in records])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they were given."""
        write_examples(self.epilog, formatter)


class Group(Command, click.Group):
    """A group whose list of commands has the whole first sentence of each."""

    context_class = _Context

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the options."""
        self.format_commands(ctx, formatter)
        Command.format_options(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with the first sentence of their help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _first_sentence(self.commands[name])) for name in self.list_commands(ctx)])


def _first_sentence(command: click.Command) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split()).partition(". ")[0].rstrip(".") + "."


def write_examples(text: str | None, formatter: click.HelpFormatter) -> None:
    """Write the section with the examples that :func:`examples` made."""
    if text:
        with formatter.section("Examples"):
            formatter.write(indent(text, " " * formatter.current_indent) + "\n")


def examples(*pairs: tuple[str, str]) -> str:
    """Return the examples of a command, each a comment and a line that can be copied into a shell."""
    return "\n\n".join(f"# {words}\n{line}" for words, line in pairs)


def documented_command(*pairs: tuple[str, str], name: str | None = None) -> Callable[[Callable[..., Any]], Command]:
    """Return a decorator that makes a command with these examples, each a comment and a command line."""
    return click.command(name, cls=Command, epilog=examples(*pairs))


def in_group(title: str, *options: Decorator) -> Decorator:
    """Return a decorator that adds several options to a command, in this order, under a title in its help."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        known = len(_params(function))
        for option in reversed(options):
            function = option(function)
        for param in _params(function)[known:]:
            vars(param)["group"] = title
        return function

    return decorate


def _params(function: Callable[..., Any]) -> list[click.Parameter]:
    params: Iterable[click.Parameter] = vars(function).get("__click_params__", ())
    return list(params)
