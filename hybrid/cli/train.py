"""`hybrid train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli.fitted import print_scores, shown_record, where_scores_are
from hybrid.cli.options import all_of, data_options, json_option, parse_size, read_data, seed_option, workspace_option
from hybrid.cli.output import loud_warnings, print_json, print_notes, progress_bar
from hybrid.errors import InputError
from hybrid.workspace.workspace import Workspace

if TYPE_CHECKING:
    from hybrid.extractors.backbones.pretrained import Trainable
    from hybrid.training import Epoch, FineTuning

_OPTIONS = (
    click.option("--epochs", type=click.IntRange(min=1), default=40, show_default=True, help="At most."),
    click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True, help="Images a step."),
    click.option("--steps-per-epoch", type=click.IntRange(min=1), default=None,
                 help="Batches an epoch, of images drawn anew for each. Default: all images."),
    click.option("--optimizer", type=click.Choice(["adam", "adamw", "sgd"]), default="adam", show_default=True,
                 help="sgd with Nesterov's momentum."),
    click.option("--learning-rate", type=float, default=None,
                 help="At its highest. Default: 0.001; 0.01 for sgd."),
    click.option("--momentum", type=float, default=0.9, show_default=True, help="Of sgd; 0 for none."),
    click.option("--schedule", type=click.Choice(["cosine", "plateau", "constant"]), default="cosine",
                 show_default=True, help="Of the learning rate: down to 0 along a cosine after a short warm-up, down "
                 "whenever the validation loss stalls, or as it is."),
    click.option("--patience", type=click.IntRange(min=1), default=None,
                 help="Epochs without a better validation loss before training stops. Default: 8; none for cosine."),
    click.option("--plateau-patience", type=click.IntRange(min=1), default=None,
                 help="Such epochs before the plateau schedule lowers the rate. Default: half of the patience."),
    click.option("--class-weight", type=click.Choice(["balanced", "none"]), default="balanced", show_default=True,
                 help="Whether rare classes weigh more in the loss."),
    click.option("--label-smoothing", type=float, default=0.0, show_default=True,
                 help="Share of each target that is spread over all classes."),
    click.option("--augment", multiple=True, default=["light"], show_default=True, metavar="NAME=STRENGTH|light|none",
                 help="Change the images of train at random (repeatable), such as rotate=10, flip, shift=0.1, zoom=0.1."
                 " `hybrid data DATA --augment …` shows how."),
    click.option("--clean-epochs", type=float, default=0.2, show_default=True,
                 help="Share of the epochs, the last ones of the cosine schedule, without that."),
    click.option("--borrow/--no-borrow", default=True, show_default=True,
                 help="Whether a validation split of less than 100 images gets a tenth of a large train split."),
    click.option("--per-label", is_flag=True, help="Of several labels: a network for each, side by side."),
    click.option("--mixed-precision", is_flag=True, help="Compute in float16: for a GPU."),
)  # fmt: skip


_FINE_TUNING = (
    click.option("--weights", default="auto", metavar="imagenet|random|FILE",
                 help="Of a pretrained ARCH. Default: imagenet."),
    click.option("--unfreeze", default=None, metavar="N|LAYER|all",
                 help="Upper layers of a pretrained ARCH that learn after its new output: how many, or from which on. "
                 "Default: 20; 0 for none."),
    click.option("--head-epochs", type=float, default=None,
                 help="Share of the epochs, the first ones, in which the new output learns alone. Default: 0.25."),
    click.option("--unfreeze-rate", type=float, default=None,
                 help="Learning rate after that, as a share of the one before. Default: 0.1."),
)  # fmt: skip


@click.command()
@click.argument("arch")
@click.argument("data")
@click.option(
    "--size",
    default=None,
    metavar="N|HxW",
    help="Size of the network's input. Default: the images' own up to 64×64, else 64×64.",
)
@all_of(*_OPTIONS, *_FINE_TUNING)
@click.option("--positive", default=None, help="Positive class of a binary task. Default: the last, sorted.")
@click.option("--name", default=None, help="Name of the network. Default: data and architecture.")
@data_options
@seed_option
@workspace_option
@json_option
def train(arch: str, data: str, workspace: Path, seed: int, as_json: bool, **given: Any) -> None:
    """Train the network ARCH on DATA, end to end.

    ARCH is a name that `hybrid backbones` lists, with options behind a colon: resnet_small:width=16,
    convnet_bn:dropout=0.3,l2=0.001. A pretrained one, such as mobilenet:alpha=0.25, is fine-tuned: first a new output
    learns alone, then the upper layers with it, more slowly; batch norm stays as it is.

    Writes networks/NAME in the workspace: network.keras with the weights of its best epoch by validation loss,
    last.keras with those of its last, training.json with the history, curves.png. The outputs of both networks are
    evaluated and saved as models; scores on train and validation are shown, those on test are for `hybrid compare`.
    The same command again after an interruption goes on from the last whole epoch.
    """
    from hybrid.models.fit import fit_network
    from hybrid.training import TrainingOptions, forget_state, save_network, train_network
    from hybrid.workspace.workspace import LAST_NETWORK, check_name, slug

    place = Workspace(workspace)
    network, fine_tuning = _network(arch, given)
    names = ("epochs", "batch_size", "steps_per_epoch", "optimizer", "learning_rate", "momentum", "schedule",
             "patience", "plateau_patience", "class_weight", "label_smoothing", "augment", "clean_epochs", "borrow",
             "per_label", "mixed_precision")  # fmt: skip
    options = TrainingOptions(random_state=seed, fine_tuning=fine_tuning, **{name: given.pop(name) for name in names})
    size, positive, name = parse_size(given.pop("size")), given.pop("positive"), given.pop("name")
    dataset = read_data(data, seed=seed, **given)
    name = check_name(name) if name else slug(dataset.name, arch)
    click.echo(repr(dataset), err=as_json)
    if not as_json:
        print_notes(dataset.notes)
    state = place.networks / f".{name}.state.npz"
    with loud_warnings():
        with progress_bar("training") as progress:
            report = None if as_json else print_epoch
            trained = train_network(network, dataset, options, size=size, report=report, progress=progress, state=state)
        path = save_network(trained, place.networks / name, network, dataset, options)
        best = fit_network(path, dataset, place, f"network-{name}", positive)
        last = fit_network(path.with_name(LAST_NETWORK), dataset, place, f"network-{name}-last", positive)
    forget_state(state)
    if as_json:
        epochs = {"best_epoch": trained.best_epoch, "last_epoch": trained.last_epoch, "resumed": trained.resumed}
        print_json({"network": str(path)} | epochs | shown_record(best) | {"last": shown_record(last)})
        return
    print_notes([f"{trained.seconds:.0f} s; {trained.waiting:.1%} of the steps' time spent waiting for images"])
    of_best, of_last = _epochs(trained.best_epoch), _epochs(trained.last_epoch)
    print_scores(f"{arch} on {dataset.name}: best epoch, {of_best}", best)
    print_scores(f"{arch} on {dataset.name}: last epoch, {of_last}", last, each_class=False)
    click.echo(f"Saved {path}, {LAST_NETWORK} and curves.png beside it: hybrid extract {data}")
    click.echo(f"Saved {place.models / best.name}: {where_scores_are(best)}")


def _network(arch: str, given: dict[str, Any]) -> tuple["Trainable", "FineTuning | None"]:
    """Return the network, and how it is fine-tuned if it is a pretrained one; take their options out of `given`."""
    from hybrid.extractors.backbones.pretrained import Pretrained, parse_trainable
    from hybrid.training import FineTuning

    network = parse_trainable(arch, given.pop("weights"))
    fine = {name: given.pop(name) for name in ("unfreeze", "head_epochs", "unfreeze_rate")}
    fine = {name: value for name, value in fine.items() if value is not None}
    if not isinstance(network, Pretrained):
        for name in fine:
            raise InputError(f"--{name.replace('_', '-')} was given, but {arch} is trained from scratch: leave it out.")
        return network, None
    if fine.get("unfreeze", "").lstrip("-").isdigit():
        fine["unfreeze"] = int(fine["unfreeze"])
    return network, FineTuning(**fine)


def _epochs(epoch: int | dict[str, int]) -> str:
    """Return an epoch, or each label's, in words."""
    return ", ".join(f"{label} {one}" for label, one in epoch.items()) if isinstance(epoch, dict) else str(epoch)


def print_epoch(epoch: "Epoch") -> None:
    """Print one line on an epoch of a training."""
    shown = "  ".join(f"{key} {epoch.scores[key]:.4f}" for key in ("loss", "accuracy", "val_loss", "val_accuracy"))
    left = f"{epoch.left / 60:.0f} min" if epoch.left >= 90 else f"{epoch.left:.0f} s"
    label = f"{epoch.label}, " if epoch.label else ""
    times = f"{epoch.seconds:.1f} s, {epoch.waiting:.0%} of it waiting for images, {left} left"
    click.echo(f"  {label}epoch {epoch.number:3d}  {shown}  {times}")
