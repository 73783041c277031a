"""The group of commands; a command's module is imported when it is called or asked for help."""

from importlib import import_module
from typing import Any

import click

from hybrid._version import __version__
from hybrid.errors import InputError

COMMANDS = {
    "demo": "The whole job on built-in data, offline.",
    "data": "Look at a dataset: splits, classes, sizes, and what is wrong with it.",
    "split": "Split a dataset anew: stratified, by group, copies together.",
    "train": "Train a custom backbone end to end.",
    "extract": "Bring the embeddings of a dataset into the store.",
    "fit": "Fit a head on an embedding set; metrics, predictions, saved model.",
    "compare": "Set all fitted models side by side.",
    "run": "Do what a recipe says: train, extract, fit, compare.",
    "inspect": "Show and check a saved model, without loading it.",
    "predict": "Labels and probabilities of new images.",
    "export": "A saved model as one ONNX file, from pixels to probabilities.",
    "cache": "Look after the embedding store: list, verify, gc, rm, explain.",
    "doctor": "Prove an extractor before it is trusted.",
    "backbones": "List the networks there are.",
    "heads": "List the heads there are.",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        return getattr(import_module(f"hybrid.cli.{name}"), name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list from the table, so that help imports no command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Turn what a user can mend into one sentence and exit code 1."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            from hybrid.cli.output import plain

            raise click.ClickException(plain(" ".join(str(error).split()))) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            raise click.ClickException(f"{error.strerror or error} ({error.filename or 'output'}).") from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="hybrid")
def main() -> None:
    """Keras CNNs as feature extractors for scikit-learn: cached embeddings, honest comparisons.

    \b
    hybrid extract PICTURES --backbone mobilenet_v2
    hybrid fit svm
    hybrid compare
    """  # noqa: D301 - click's mark for lines that are not to be joined
