"""`hybrid train`."""

from pathlib import Path
from typing import Any

import click

from hybrid.cli.options import data_options, json_option, parse_size, read_data, seed_option, workspace_option
from hybrid.cli.output import loud_warnings, print_evaluations, print_json, print_notes
from hybrid.workspace import Workspace


@click.command()
@click.argument("arch")
@click.argument("data")
@click.option(
    "--size",
    default=None,
    metavar="N|HxW",
    help="Size of the network's input. Default: the images' own up to 64×64, else 64×64.",
)
@click.option("--epochs", type=click.IntRange(min=1), default=40, show_default=True, help="At most.")
@click.option(
    "--patience",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Epochs without a better validation loss before training stops.",
)
@click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True, help="Images a step.")
@click.option("--learning-rate", type=float, default=1e-3, show_default=True, help="Of Adam, at the start.")
@click.option(
    "--class-weight",
    type=click.Choice(["balanced", "none"]),
    default="balanced",
    show_default=True,
    help="Whether rare classes weigh more in the loss.",
)
@click.option("--positive", default=None, help="Positive class of a binary task. Default: the last, sorted.")
@click.option("--name", default=None, help="Name of the network. Default: data and architecture.")
@data_options
@seed_option
@workspace_option
@json_option
def train(arch: str, data: str, workspace: Path, seed: int, as_json: bool, **given: Any) -> None:
    """Train the custom backbone ARCH on DATA, end to end.

    Writes networks/NAME in the workspace: network.keras with the weights of its best epoch by validation loss,
    training.json with the history, curves.png. The network's own softmax is evaluated and saved as a model.
    """
    from hybrid.fitting import fit_network
    from hybrid.training import TrainingOptions, save_network, train_network
    from hybrid.workspace import check_name, slug

    place = Workspace(workspace)
    names = ("epochs", "batch_size", "learning_rate", "patience", "class_weight")
    options = TrainingOptions(seed=seed, **{name: given.pop(name) for name in names})
    size, positive, name = parse_size(given.pop("size")), given.pop("positive"), given.pop("name")
    dataset = read_data(data, seed=seed, **given)
    name = check_name(name) if name else slug(dataset.name, arch)
    click.echo(repr(dataset), err=as_json)
    if not as_json:
        print_notes(dataset.notes)
    with loud_warnings():
        trained = train_network(arch, dataset, options, size=size, report=None if as_json else _print_epoch)
        path = save_network(trained, place.networks / name, arch, dataset, options)
        model = fit_network(path, dataset, place, f"network-{name}", trained.seconds, positive)
    if as_json:
        print_json({"network": str(path), "best_epoch": trained.best_epoch} | model.record)
        return
    click.echo(f"  · best epoch {trained.best_epoch} of {len(trained.history['loss'])}, {trained.seconds:.0f} s")
    print_evaluations(f"{arch} itself on {dataset.name}", model.splits)
    click.echo(f"Saved {path} and {path.with_name('curves.png')}: hybrid extract {data}")


def _print_epoch(epoch: int, scores: dict[str, float]) -> None:
    shown = "  ".join(f"{key} {scores[key]:.4f}" for key in ("loss", "accuracy", "val_loss", "val_accuracy"))
    click.echo(f"  epoch {epoch:3d}  {shown}  learning rate {scores['learning_rate']:.1e}")
