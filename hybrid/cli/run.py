"""`hybrid run`."""

from functools import partial
from pathlib import Path

import click

from hybrid.cli import completion
from hybrid.cli.help import documented_command
from hybrid.cli.options import cluster_option, json_option, max_pixels_option, on_cluster, workspace_option
from hybrid.cli.output import loud_warnings, print_line, progress_bar, warn
from hybrid.extractors.backbones.options import RUNTIMES
from hybrid.workspace.workspace import Workspace


@documented_command(
    ("The shorter version that the recipe describes", "hybrid run pneumonia.toml --quick"),
    ("On other images, with fewer epochs", "hybrid run x.toml --data DATA --set train.net.epochs=5"),
)
@click.argument("recipe", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--data",
    default=None,
    shell_complete=completion.datasets,
    help="Dataset to use instead of the only one of the recipe.",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="Replace a value of the recipe (repeatable), such as train.resnet.epochs=5.",
)
@click.option("--quick", is_flag=True, help="Run a shorter version, which the table [quick] of the recipe describes.")
@click.option(
    "--runtime",
    type=click.Choice(RUNTIMES),
    default="auto",
    show_default=True,
    help="Library that runs the networks. auto: Keras if it has a GPU, otherwise OpenVINO.",
)
@cluster_option
@click.option("--hide-test", is_flag=True, help="Compare on val, so that no score on test is shown.")
@max_pixels_option
@workspace_option
@json_option
def run(
    recipe: Path,
    data: str | None,
    changes: tuple[str, ...],
    quick: bool,
    runtime: str,
    cluster: str | None,
    hide_test: bool,
    workspace: Path,
    as_json: bool,
) -> None:  # fmt: skip
    """Run RECIPE, a TOML file: train, extract, fit, and compare in one report.

    Steps whose results are in the workspace are not run again, so an interrupted run continues where it stopped. The
    model is chosen on validation. The test split is only used once, for the comparison, and not at all with
    --hide-test. The report is reports/RECIPE/report.html in the workspace. The environment variable HYBRID_CACHE names
    the folder of the embedding store.
    """
    from hybrid.cli.compare import save_and_show
    from hybrid.cli.train import print_epoch
    from hybrid.recipes import read_recipe
    from hybrid.run.recipe import run_recipe
    from hybrid.run.steps import RunProgress

    place = Workspace(workspace)
    plan = read_recipe(recipe, data=data, changes=changes, quick=quick)
    listener = RunProgress(print_line, progress_bar, print_epoch, warn)
    if as_json:  # standard output is for the object alone
        listener = RunProgress(partial(print_line, err=True), progress_bar, warn=warn)
    with on_cluster(cluster), loud_warnings():
        comparison = run_recipe(plan, place, runtime=runtime, hide_test=hide_test, listener=listener)
        folder = place.reports / plan.name
        save_and_show(comparison, folder / "val" if hide_test else folder, as_json, work=listener.work.to_dict())
