"""The `hybrid` command. The module of a subcommand is imported only when it is called or its help is shown."""

import io
import shlex
import sys
from importlib import import_module
from typing import Any

import click

from hybrid._version import __version__
from hybrid.cli.help import Group, examples
from hybrid.cli.interrupt import EXIT_CODE, is_requested, raise_interrupt, say
from hybrid.errors import InputError

GROUPS = {
    "To begin with": {
        "demo": "Run all steps on built-in images, offline.",
    },
    "Datasets": {
        "data": "Show and check the images of a dataset.",
        "split": "Draw a new split and save it.",
    },
    "Features": {
        "backbones": "List the networks, or the layers of one.",
        "train": "Train or fine-tune a network.",
        "extract": "Compute and store embeddings.",
        "doctor": "Test an extractor before you trust it.",
        "cache": "Manage the embedding store.",
    },
    "Models": {
        "heads": "List the heads.",
        "fit": "Fit a head on embeddings, evaluate, save.",
        "plan": "Decide before test is read; list looks.",
        "compare": "Compare fitted models on the same images.",
        "curve": "Show what more training images would bring.",
        "run": "Do all of this as a recipe says.",
    },
    "Saved models": {
        "predict": "Predict labels of new images.",
        "validate": "Measure models on other data.",
        "adapt": "Adapt a model to another site.",
        "stress": "Score a model on corrupted images.",
        "inspect": "Describe and check a saved model.",
        "export": "Export a saved model as an ONNX file.",
    },
}
COMMANDS = {name: words for group in GROUPS.values() for name, words in group.items()}


class _Commands(Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"hybrid.cli.{name}"), name)
        raise_interrupt()
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word names. For a wrong word the message says what was probably meant."""
        name, *rest = args
        if name == "help":
            raise click.UsageError(f"There is no command 'help': hybrid {rest[0] if rest else 'COMMAND'} --help", ctx)
        if name not in COMMANDS and not name.startswith("-"):
            raise click.UsageError(f"There is no command {name!r}. {_probably_meant(name, rest)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, so that `hybrid --help` imports no command."""
        width = max(map(len, COMMANDS)) + 2
        for title, commands in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()), col_spacing=width - max(map(len, commands)))

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program. Characters that the terminal cannot show are printed as their code."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Errors that the user can correct become one sentence and exit code 1, Ctrl-C 130."""
        try:
            return self._run(ctx)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) or is_requested():
                say()
                ctx.exit(EXIT_CODE)
            raise

    def _run(self, ctx: click.Context) -> Any:
        from hybrid.cli.output import loud_warnings, plain

        try:
            with loud_warnings():
                return super().invoke(ctx)
        except InputError as error:
            raise click.ClickException(plain(" ".join(str(error).split()))) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            raise click.ClickException(f"{error.strerror or error} ({error.filename or 'output'}).") from error


def _probably_meant(name: str, rest: list[str]) -> str:
    from difflib import get_close_matches

    if first := next((word for word in rest if word in COMMANDS), None):
        others = [name, *(word for word in rest if word != first)]
        return f"The command comes first: {shlex.join(['hybrid', first, *others])}"
    near = get_close_matches(name, COMMANDS, n=2, cutoff=0.5)
    return f"Nearest: {', '.join(near)}." if near else f"The commands are {', '.join(COMMANDS)}."


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        (
            "Features of your images, a head on them, a report",
            "hybrid extract PICTURES --backbone mobilenet_v2\nhybrid fit svm\nhybrid compare",
        ),
        ("Options and examples of a command", "hybrid fit --help"),
    ),
)
@click.version_option(__version__, prog_name="hybrid")
def main() -> None:
    """Use Keras CNNs as feature extractors for scikit-learn, with cached embeddings and honest comparisons."""
