"""`hybrid run`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybrid.cli.cross_validation import run_cross_validation, show_cross_validation
from hybrid.cli.options import json_option, workspace_option
from hybrid.cli.output import loud_warnings, print_json, progress_bar
from hybrid.extractors.options import RUNTIMES
from hybrid.workspace import Workspace

if TYPE_CHECKING:
    from hybrid.cross_validated import CrossValidation


@click.command()
@click.argument("recipe", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--data", default=None, help="Takes the place of the source of the recipe's only dataset.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="Takes the place of what the recipe says (repeatable), as in train.resnet.epochs=5.",
)
@click.option("--quick", is_flag=True, help="Do less, as the recipe's table [quick] says.")
@click.option(
    "--runtime", type=click.Choice(RUNTIMES), default="auto", show_default=True, help="What runs the networks."
)
@workspace_option
@json_option
def run(
    recipe: Path,
    data: str | None,
    changes: tuple[str, ...],
    quick: bool,
    runtime: str,
    workspace: Path,
    as_json: bool,
) -> None:  # fmt: skip
    """Do what RECIPE, a TOML file, says: train, extract, fit, then compare in one report.

    What the workspace holds already is not done again, so an interrupted run goes on where it was. The model is chosen
    on validation; the test split is looked at once, by the comparison.
    """
    from hybrid.cli.compare import show_comparison
    from hybrid.cli.train import print_epoch
    from hybrid.recipes import read_recipe
    from hybrid.run import run_recipe
    from hybrid.steps import Listener

    place = Workspace(workspace)
    plan = read_recipe(recipe, data=data, changes=changes, quick=quick)
    listener = Listener(progress=progress_bar)
    if not as_json:
        listener = Listener(click.echo, progress_bar, print_epoch)
    folder = place.reports / plan.name
    crossed: list[CrossValidation] = []
    with loud_warnings():
        comparison = run_recipe(plan, place, runtime=runtime, listener=listener)
        written = comparison.save(folder)
    if plan.protocol.cv:
        fitted = [model for group in comparison.groups for model in group.models if model["head"] != "network"]
        crossed, saved = run_cross_validation(
            place,
            plan.protocol.cv,
            plan.seed,
            plan.protocol.metric,
            models=[model["model"] for model in fitted],
            folder=folder,
        )
        written.append(saved)
    if as_json:
        more = {"cross_validation": [result.to_dict() for result in crossed]} if crossed else {}
        print_json(comparison.to_dict() | more | {"files": [str(path) for path in written]})
        return
    for result in crossed:
        show_cross_validation(result)
    show_comparison(comparison, written)
