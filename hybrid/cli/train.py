"""`hybrid train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli import completion
from hybrid.cli.fitted import fitted_json, print_scores, where_scores_are
from hybrid.cli.help import documented_command, in_group
from hybrid.cli.options import (
    data_options,
    given_options,
    json_option,
    parse_size,
    read_data,
    seed_option,
    workspace_option,
)
from hybrid.cli.output import loud_warnings, plain, print_json, print_line, print_notes, progress_bar, shell_command
from hybrid.errors import InputError
from hybrid.workspace.workspace import Workspace

if TYPE_CHECKING:
    from hybrid.extractors.backbones.pretrained import Trainable
    from hybrid.training import Epoch, FineTuning

_NETWORK = (
    click.option("--size", default=None, metavar="N|HxW",
                 help="Input size of the network. Default: the size of the images up to 64×64, otherwise 64×64."),
    click.option("--positive", default=None,
                 help="Positive class of a binary task. Default: the last of the sorted classes."),
    click.option("--per-label", is_flag=True, help="For multi-label data: train one network per label."),
    click.option("--name", default=None, help="Name of the network. Default: made from the data and ARCH."),
)  # fmt: skip

_TRAINING = (
    click.option("--epochs", type=click.IntRange(min=1), default=40, show_default=True,
                 help="Maximum number of epochs."),
    click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True,
                 help="Number of images in each training step."),
    click.option("--steps-per-epoch", type=click.IntRange(min=1), default=None,
                 help="Number of steps in each epoch, on images drawn again for each epoch. Default: all images."),
    click.option("--optimizer", type=click.Choice(["adam", "adamw", "sgd"]), default="adam", show_default=True,
                 help="The optimizer. sgd uses Nesterov momentum."),
    click.option("--learning-rate", type=float, default=None,
                 help="Highest learning rate of the schedule. Default: 0.001, or 0.01 for sgd."),
    click.option("--momentum", type=float, default=0.9, show_default=True,
                 help="Nesterov momentum of sgd. 0 turns it off."),
    click.option("--schedule", type=click.Choice(["cosine", "plateau", "constant"]), default="cosine",
                 show_default=True, help="Schedule of the learning rate. cosine: to 0 along a cosine after a short "
                 "warm-up. plateau: lower whenever the validation loss does not improve."),
    click.option("--patience", type=click.IntRange(min=1), default=None,
                 help="Number of epochs without a better validation loss after which training stops. Default: 8, but "
                 "never for cosine."),
    click.option("--plateau-patience", type=click.IntRange(min=1), default=None,
                 help="Number of such epochs after which the plateau schedule lowers the rate. Default: half of the "
                 "patience."),
    click.option("--class-weight", type=click.Choice(["balanced", "none"]), default="balanced", show_default=True,
                 help="Whether rare classes have a larger weight in the loss."),
    click.option("--label-smoothing", type=float, default=0.0, show_default=True,
                 help="Share of each target that is spread evenly over all classes."),
    click.option("--borrow/--no-borrow", default=True, show_default=True,
                 help="Whether a tenth of a large train split moves to a validation split of fewer than 100 images."),
    click.option("--mixed-precision", is_flag=True, help="Compute in float16, for a GPU."),
)  # fmt: skip

_AUGMENTATION = (
    click.option("--augment", multiple=True, default=["light"], show_default=True, metavar="NAME=STRENGTH|light|none",
                 help="Random augmentation of the training images (repeatable), such as rotate=10, flip, shift=0.1, "
                 "zoom=0.1. `hybrid data DATA --augment NAME=STRENGTH` draws examples."),
    click.option("--clean-epochs", type=float, default=0.2, show_default=True,
                 help="Share of the epochs without augmentation, at the end of the cosine schedule."),
)  # fmt: skip

_FINE_TUNING = (
    click.option("--weights", default="auto", metavar="imagenet|random|FILE",
                 help="Weights of a pretrained ARCH. Default: imagenet."),
    click.option("--unfreeze", default=None, metavar="N|LAYER|all",
                 help="Upper layers of a pretrained ARCH that are trained after its new output: their number, or the "
                 "name of the lowest one. 0 trains the output only. Default: 20."),
    click.option("--head-epochs", type=float, default=None,
                 help="Share of the epochs, at the start, in which only the new output is trained. Default: 0.25."),
    click.option("--unfreeze-rate", type=float, default=None,
                 help="Learning rate of the following epochs, as a share of the learning rate before. Default: 0.1."),
)  # fmt: skip


@documented_command(
    ("A small network, trained from scratch", "hybrid train resnet_small PICTURES"),
    ("Fine-tune a pretrained network and its 10 upper layers", "hybrid train mobilenet_v2 PICTURES --unfreeze 10"),
    ("Augmentation by flips only", "hybrid train resnet_small PICTURES --augment flip"),
    ("A wider network with more regularization", "hybrid train resnet_small:width=32,dropout=0.3 PICTURES"),
    (
        "Several labels per image, one network for each",
        "hybrid train convnet_bn scenes.csv --per-label",
    ),
)
@click.argument("arch", shell_complete=completion.backbones)
@click.argument("data", shell_complete=completion.datasets)
@in_group("Network", *_NETWORK)
@in_group("Training", *_TRAINING)
@in_group("Augmentation", *_AUGMENTATION)
@in_group("Fine-tuning of a pretrained ARCH", *_FINE_TUNING)
@data_options
@seed_option
@workspace_option
@json_option
def train(arch: str, data: str, workspace: Path, seed: int, as_json: bool, **given: Any) -> None:
    """Train the network ARCH on DATA, end to end.

    ARCH is a name from `hybrid backbones`. Options follow a colon: resnet_small:width=16,
    convnet_bn:dropout=0.3,l2=0.001. A pretrained network, such as mobilenet:alpha=0.25, is fine-tuned: first only its
    new output is trained, then the upper layers as well, with a lower learning rate. Batch normalization is frozen.

    The command writes to networks/NAME in the workspace: network.keras with the weights of the epoch with the best
    validation loss, last.keras with those of the last epoch, training.json with the history, and curves.png. The
    outputs of both networks are evaluated and saved as models. The command shows scores on train and validation;
    `hybrid compare` shows scores on test. After an interruption, run the same command again: it continues after the
    last complete epoch.
    """
    from hybrid.extractors.backbones.pretrained import Pretrained
    from hybrid.models.fit import fit_network
    from hybrid.training import TrainingOptions, forget_state, save_network, train_network
    from hybrid.workspace.workspace import LAST_NETWORK, check_name, slug

    place = Workspace(workspace)
    check_order(arch, data)
    network, fine_tuning = _network(arch, given)
    names = ("epochs", "batch_size", "steps_per_epoch", "optimizer", "learning_rate", "momentum", "schedule",
             "patience", "plateau_patience", "class_weight", "label_smoothing", "augment", "clean_epochs", "borrow",
             "per_label", "mixed_precision")  # fmt: skip
    options = TrainingOptions(random_state=seed, fine_tuning=fine_tuning, **{name: given.pop(name) for name in names})
    size, positive, name = parse_size(given.pop("size")), given.pop("positive"), given.pop("name")
    if isinstance(network, Pretrained):
        network.check_files()
    dataset = read_data(data, seed=seed, **given)
    name = check_name(name) if name else slug(dataset.name, arch)
    print_line(repr(dataset), err=as_json)
    if not as_json:
        print_notes(dataset.notes)
    state = place.networks / f".{name}.state.npz"
    with loud_warnings():
        with progress_bar("training") as progress:
            report = None if as_json else print_epoch

            def say(text: str) -> None:
                print_line(f"  {text}", err=as_json)

            trained = train_network(
                network, dataset, options, size=size, report=report, progress=progress, state=state, say=say
            )
        path = save_network(trained, place.networks / name, network, dataset, options)
        best = fit_network(path, dataset, place, f"network-{name}", positive)
        last = fit_network(path.with_name(LAST_NETWORK), dataset, place, f"network-{name}-last", positive)
    forget_state(state)
    if as_json:
        epochs = {"best_epoch": trained.best_epoch, "last_epoch": trained.last_epoch, "resumed": trained.resumed}
        print_json({"network": str(path)} | epochs | fitted_json(best) | {"last": fitted_json(last)})
        return
    waiting = f"{trained.waiting:.1%} of the time of the steps was spent waiting for images"
    busy = "" if trained.processor is None else f" ({trained.processor:.0f} s of processor time)"
    print_notes([f"{trained.seconds:.0f} s{busy}; {waiting}"])
    of_best, of_last = _epochs(trained.best_epoch), _epochs(trained.last_epoch)
    same = ", which is also the last" if of_best == of_last else ""
    print_scores(f"{arch} on {dataset.name}: best epoch, {of_best}{same}", best)
    if not same:
        print_scores(f"{arch} on {dataset.name}: last epoch, {of_last}", last, each_class=False)
    extract = shell_command("hybrid", "extract", data, *given_options({"seed", *given}))
    print_line(f"Saved {path}, {LAST_NETWORK} and curves.png beside it: {extract}")
    print_line(f"Saved {place.models / best.name}: {where_scores_are(best)}")


def check_order(arch: str, data: str) -> None:
    """Raise `InputError` if the network and the data were given in the wrong order."""
    from hybrid.extractors.backbones.table import BACKBONES

    if data.partition(":")[0] in BACKBONES and Path(arch).exists():
        raise InputError(f"The network comes first: {shell_command('hybrid', 'train', data, arch)}")


def _network(arch: str, given: dict[str, Any]) -> tuple["Trainable", "FineTuning | None"]:
    """Return the network and, if it is pretrained, its fine-tuning; remove their options from `given`."""
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
    """Return the number of an epoch, or those of all labels, as text."""
    return ", ".join(f"{label} {n}" for label, n in epoch.items()) if isinstance(epoch, dict) else str(epoch)


def print_epoch(epoch: "Epoch") -> None:
    """Print one line about an epoch of a training."""
    shown = "  ".join(f"{key} {epoch.scores[key]:.4f}" for key in ("loss", "accuracy", "val_loss", "val_accuracy"))
    left = f"{epoch.left / 60:.0f} min" if epoch.left >= 90 else f"{epoch.left:.0f} s"
    label = f"{plain(epoch.label)}, " if epoch.label else ""
    times = f"{epoch.seconds:.1f} s, {epoch.waiting:.0%} of it waiting for images, {left} left"
    click.echo(f"  {label}epoch {epoch.number:3d}  {shown}  {times}")
