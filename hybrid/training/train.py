"""Train a network on a dataset: its parts, its state on disk, and what comes out."""

import warnings
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybrid.datasets import Dataset
from hybrid.datasets.parts.split import make_split
from hybrid.datasets.validation_size import FEW
from hybrid.errors import InputError
from hybrid.extractors.backbones.pretrained import Pretrained, Trainable, parse_trainable
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import ImageSource
from hybrid.extractors.runtimes.keras_import import import_keras
from hybrid.extractors.store.store import default_cache
from hybrid.training import losses
from hybrid.training.epochs import TrainingRun, precision
from hybrid.training.feed import Feed
from hybrid.training.images import Images, input_shape
from hybrid.training.options import TrainedNetwork, TrainingOptions
from hybrid.training.per_label import Parts, Progress, Report, train_each_label
from hybrid.training.rates import best_epoch
from hybrid.training.stages import FineTuning
from hybrid.training.state import TrainingState, fingerprint, load_state, save_state

if TYPE_CHECKING:
    import keras


def train_network(
    arch: str | Trainable,
    dataset: Dataset,
    options: TrainingOptions,
    *,
    size: int | tuple[int, int] | None = None,
    report: Report = None,
    progress: Progress = None,
    state: Path | None = None,
) -> TrainedNetwork:
    """Train a network on a dataset's train split, its epoch chosen on validation.

    Parameters
    ----------
    arch : str, Architecture or Pretrained
        A custom backbone as users write it, such as ``"resnet_small:width=16"``, or one of one's own; or a pretrained
        one to fine-tune.
    dataset : Dataset
        With a validation split; to one of less than 100 images a tenth of a large train split is added, with a
        warning, unless the options say otherwise. Its test split is not looked at.
    options : TrainingOptions
    size : int or (int, int), optional
        Height and width of the network's input, in pixels; if not given, a pretrained backbone's own, else the images'
        own if they are of one size up to 64, else 64.
    report : callable, optional
        Called with an `Epoch` after each.
    progress : callable, optional
        Called with (steps done, steps to do at most).
    state : Path, optional
        File to keep the state in after each epoch. If it holds that of the same training, the training goes on from
        there, to the same weights as if it had not been interrupted. Where each label has a network of its own, each
        has a file of this name with a number behind.

    Returns
    -------
    TrainedNetwork

    Raises
    ------
    InputError
        If there is no such backbone, there is no validation split, an image cannot be decoded, the loss is no longer
        a number, or the options do not go with the network or the task.
    """
    network = parse_trainable(arch) if isinstance(arch, str) else arch
    options = _suited(options, network)
    shape = network.input_shape(size) if isinstance(network, Pretrained) else input_shape(dataset, size)
    if options.per_label and dataset.task != "multilabel":
        raise InputError(f"A network for each label was asked for, but {dataset.name} is {dataset.task}: leave it out.")
    parts = _parts(dataset, options)
    train = _Training(network, options, shape, (Images(parts[0], shape), Images(parts[1], shape)))
    if options.per_label:
        return train_each_label(train, parts, report, progress, state)
    return train(parts, report, progress, state)


def _suited(options: TrainingOptions, network: Trainable) -> TrainingOptions:
    """Return the options with those of fine-tuning just where there is a pretrained network."""
    if isinstance(network, Pretrained):
        return replace(options, fine_tuning=options.fine_tuning or FineTuning())
    if options.fine_tuning:
        raise InputError(f"Options of fine-tuning were given, but {network.name} is trained from scratch.")
    return options


@dataclass(frozen=True)
class _Training:
    """How a network is trained on images, whatever their labels."""

    network: Trainable
    options: TrainingOptions
    shape: tuple[int, int, int]
    images: tuple[Images, Images]

    def __call__(self, parts: Parts, report: Report, progress: Progress, state: Path | None) -> TrainedNetwork:
        """Train on the labels of train and validation."""
        import_keras()
        import keras

        options = self.options
        keras.utils.set_random_seed(options.seed)
        with precision(options):
            model = self._build(parts[0])
        run = TrainingRun(
            model, self._feeds(), [losses.targets(part, model.output_shape[-1]) for part in parts], options
        )
        run.enter(0)
        identity = self._identity(parts) if state else ""
        reached = load_state(state, identity, model, run.enter) if state else TrainingState()
        resumed = reached.epochs
        while not run.is_over(reached.history["val_loss"]):
            done = run.epoch(reached, progress)
            if state:
                save_state(state, identity, reached, model)
            if report:
                report(done)
        models = self._build(parts[0]), self._build(parts[0])  # in float32, and without an optimizer
        for new, weights in zip(models, (reached.best, model.get_weights()), strict=True):
            new.set_weights(weights)
        waiting = reached.waited / reached.step_seconds
        best = best_epoch(reached.history["val_loss"])
        return TrainedNetwork(*models, reached.history, best, reached.seconds, waiting, resumed)

    def _build(self, part: Dataset) -> "keras.Model":
        return self.network.build(self.shape, len(part.classes), part.task == "multilabel")

    def _feeds(self) -> tuple[Feed, Feed]:
        options = self.options
        train = Feed(self.images[0], options.batch_size, options.augmentation, options.seed)
        return train, Feed(self.images[1], options.batch_size)

    def _identity(self, parts: Parts) -> str:
        """Return the fingerprint of everything that the trained weights depend on."""
        keys = [ImageSource(part.X).digests(FileDigests(default_cache()))[0].tobytes().hex() for part in parts]
        return fingerprint(
            {
                "network": [self.network.label, *self.network.lines(self.shape)],
                "shape": self.shape,
                "options": asdict(self.options),
                "images": keys,
                "labels": [part.y.tolist() for part in parts],
                "classes": parts[0].classes.tolist(),
                "keras": version("keras"),
            }
        )


def _parts(dataset: Dataset, options: TrainingOptions) -> Parts:
    """Return what is fitted to, and what the epoch is chosen by: a tiny validation split borrows a tenth of train."""
    train, val = (np.flatnonzero(dataset.split == name) for name in ("train", "val"))
    if not len(val):
        raise InputError("There is no validation split to choose the epoch by: give one, as in --split 70/15/15.")
    if options.borrow and len(val) < FEW and len(train) >= 10 * FEW:
        part = dataset.take(train)
        lent = make_split(part.y, part.groups, (0.9, 0.1, 0.0), options.seed, part.ids) == "val"
        warnings.warn(
            f"The validation split has {len(val)} images, too few to choose the epoch by: {lent.sum()} images of train "
            "are used for that too, and not fitted to.",
            stacklevel=3,
        )
        train, val = train[~lent], np.concatenate([val, train[lent]])
    return dataset.take(train), dataset.take(val)
