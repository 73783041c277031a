"""The `hybrid` command. The module of a subcommand is imported only when it is called or its help is shown."""

import io
import sys
from importlib import import_module
from typing import Any

import click

from hybrid._version import __version__
from hybrid.cli.interrupt import EXIT_CODE, is_requested, raise_interrupt, say
from hybrid.errors import InputError

COMMANDS = {
    "demo": "Run all steps on built-in data, offline.",
    "data": "Show the splits, classes and sizes of a dataset, and its problems.",
    "split": "Draw a new split of a dataset and save it.",
    "train": "Train or fine-tune a network end to end.",
    "extract": "Compute and store the embeddings of a dataset.",
    "fit": "Fit a head on an embedding set, evaluate it, and save it.",
    "plan": "Decide before test is read; show the looks at test.",
    "compare": "Compare fitted models on the same images.",
    "run": "Run a recipe: train, extract, fit, and compare.",
    "inspect": "Describe and check a saved model, without loading it.",
    "predict": "Predict labels and probabilities of new images.",
    "export": "Export a saved model as one ONNX file.",
    "cache": "Manage the embedding store: list, verify, gc, rm, explain.",
    "doctor": "Test an extractor before you trust it.",
    "backbones": "List the available networks.",
    "heads": "List the available heads.",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"hybrid.cli.{name}"), name)
        raise_interrupt()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, so that `hybrid --help` imports no command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

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


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="hybrid")
def main() -> None:
    """Use Keras CNNs as feature extractors for scikit-learn, with cached embeddings and honest comparisons.

    \b
    hybrid extract PICTURES --backbone mobilenet_v2
    hybrid fit svm
    hybrid compare
    """  # noqa: D301 - \b tells click not to join the following lines
