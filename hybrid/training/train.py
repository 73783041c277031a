"""Train a network on a dataset."""

import warnings
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybrid.datasets import Dataset
from hybrid.datasets.parts.split import make_split
from hybrid.datasets.quality.kept_together import groups_kept_together
from hybrid.datasets.validation_size import FEW
from hybrid.errors import InputError
from hybrid.extractors.backbones.pretrained import Pretrained, Trainable, parse_trainable
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import ImageSource
from hybrid.extractors.runtimes.keras_import import import_keras
from hybrid.training import losses
from hybrid.training.epochs import TrainingRun, precision
from hybrid.training.feed import Feed
from hybrid.training.images import Images, input_shape
from hybrid.training.options import TrainedNetwork, TrainingOptions
from hybrid.training.per_label import Parts, Progress, Report, Say, train_each_label
from hybrid.training.rates import best_epoch
from hybrid.training.stages import FineTuning
from hybrid.training.state import TrainingState, fingerprint, load_state, save_state

if TYPE_CHECKING:
    import keras


def train_network(
    arch: str | Trainable,
    dataset: Dataset,
    options: TrainingOptions | None = None,
    *,
    size: int | tuple[int, int] | None = None,
    report: Report = None,
    progress: Progress = None,
    state: Path | None = None,
    say: Say = None,
) -> TrainedNetwork:
    """Train a network on the train split of a dataset and choose its best epoch on validation.

    Parameters
    ----------
    arch : str, Architecture or Pretrained
        Name of a custom backbone with its options, such as ``"resnet_small:width=16"``, name of a pretrained backbone
        to fine-tune, or a description of either.
    dataset : Dataset
        A dataset with a validation split. If the validation split has fewer than 100 images, a tenth of a large train
        split moves to it, with a warning, unless ``options.borrow`` is False. The test split is not used.
    options : TrainingOptions, optional
        The defaults of `TrainingOptions` if not given.
    size : int or (int, int), optional
        Height and width of the network's input in pixels. The default is the size of a pretrained backbone or, for
        custom backbones, the size of the images if they all have the same size and, for files, are at most 64 pixels
        high and wide. Otherwise it is 64.
    report : callable, optional
        Called with an `Epoch` after each epoch.
    progress : callable, optional
        Called with the number of finished steps and the maximum number of steps.
    state : Path, optional
        File that receives the state after each epoch. If it holds the state of the same training, this training is
        resumed and ends with the same weights as without an interruption. If each label has its own network, the number
        of the label is appended to the file name. By default no state is saved.
    say : callable, optional
        Called before the first epoch with a line of text that says what is taken over from a saved state, or that a
        saved state is of no use.

    Returns
    -------
    TrainedNetwork

    Raises
    ------
    InputError
        If the backbone is unknown, the dataset has no validation split, an image cannot be decoded, the loss becomes
        infinite or NaN, or the options do not fit the network or the task.

    Examples
    --------
    >>> from hybrid import Dataset, FeatureExtractor
    >>> images = np.repeat(np.arange(0, 240, dtype=np.uint8), 256).reshape(240, 16, 16)
    >>> data = Dataset.from_arrays(images, ["dark"] * 120 + ["light"] * 120)
    >>> trained = train_network("convnet_small", data, TrainingOptions(epochs=1))
    >>> trained.model.save("network.keras")
    >>> FeatureExtractor("network.keras").transform(images).shape[0]
    240
    """
    network = parse_trainable(arch) if isinstance(arch, str) else arch
    options = _with_fine_tuning(options or TrainingOptions(), network)
    shape = network.input_shape(size) if isinstance(network, Pretrained) else input_shape(dataset, size)
    if options.per_label and dataset.task != "multilabel":
        raise InputError(
            f"A network for each label (per_label) needs a multi-label dataset, but {dataset.name} is {dataset.task}."
        )
    parts = _train_and_validation(dataset, options)
    train = _Training(network, options, shape, (Images(parts[0], shape), Images(parts[1], shape)))
    if options.per_label:
        return train_each_label(train, parts, report, progress, state, say)
    return train(parts, report, progress, state, say)


def _with_fine_tuning(options: TrainingOptions, network: Trainable) -> TrainingOptions:
    """Return the options, with default options for fine-tuning if the network is pretrained and none are given."""
    if isinstance(network, Pretrained):
        return replace(options, fine_tuning=options.fine_tuning or FineTuning())
    if options.fine_tuning:
        raise InputError(f"Options for fine-tuning were given, but {network.name} is trained from scratch.")
    return options


@dataclass(frozen=True)
class _Training:
    """The training of a network on fixed images. It can be called with different labels of them."""

    network: Trainable
    options: TrainingOptions
    shape: tuple[int, int, int]
    images: tuple[Images, Images]

    def __call__(
        self, parts: Parts, report: Report, progress: Progress, state: Path | None, say: Say
    ) -> TrainedNetwork:
        """Train on the labels of the train and validation splits."""
        import_keras()
        import keras

        options = self.options
        keras.utils.set_random_seed(options.random_state)
        with precision(options):
            model = self._build(parts[0])
        run = TrainingRun(
            model, self._feeds(), [losses.targets(part, model.output_shape[-1]) for part in parts], options
        )
        run.enter(0)
        identity, current = "", TrainingState()
        if state:
            identity, found = self._identity(parts), state.exists()
            current = load_state(state, identity, model, run.enter)
            if say and found:
                say(_what_is_resumed(current, options.epochs))
        resumed = current.epochs
        while not run.is_over(current.history["val_loss"]):
            epoch = run.epoch(current, progress)
            if state:
                save_state(state, identity, current, model)
            if report:
                report(epoch)
        models = self._build(parts[0]), self._build(parts[0])  # in float32 and without an optimizer
        for new, weights in zip(models, (current.best, model.get_weights()), strict=True):
            new.set_weights(weights)
        waiting = current.waited / current.step_seconds
        best = best_epoch(current.history["val_loss"])
        return TrainedNetwork(*models, current.history, best, current.seconds, waiting, resumed, current.processor)

    def _build(self, part: Dataset) -> "keras.Model":
        return self.network.build(self.shape, len(part.classes), part.task == "multilabel")

    def _feeds(self) -> tuple[Feed, Feed]:
        options = self.options
        train = Feed(self.images[0], options.batch_size, options.augmentation, options.random_state)
        return train, Feed(self.images[1], options.batch_size)

    def _identity(self, parts: Parts) -> str:
        """Return a fingerprint of everything on which the trained weights depend."""
        keys = [ImageSource(part.X).digests(FileDigests())[0].tobytes().hex() for part in parts]
        return fingerprint(
            {
                "network": [self.network.label, *self.network.lines(self.shape)],
                "shape": self.shape,
                "options": self.options.to_dict(),
                "images": keys,
                "labels": [part.y.tolist() for part in parts],
                "classes": parts[0].classes.tolist(),
                **parts[0].reading.fields(),
                "keras": version("keras"),
            }
        )


def _what_is_resumed(state: TrainingState, epochs: int) -> str:
    """Return what a training takes over from the state of an earlier one that was not finished."""
    if not state.epochs:
        return (
            "an unfinished training is not resumed, and training starts anew: its network, options, images or labels "
            "were others, or its file is damaged"
        )
    return (
        f"an interrupted training is resumed after epoch {state.epochs} of at most {epochs}: its weights, its scores "
        f"and its {state.seconds:.0f} s are taken over"
    )


def _train_and_validation(dataset: Dataset, options: TrainingOptions) -> Parts:
    """Return the train and validation splits, after a small validation split has borrowed a tenth of train."""
    train, val = (np.flatnonzero(dataset.split == name) for name in ("train", "val"))
    if not len(val):
        raise InputError("There is no validation split to choose the best epoch on. Give one, as in --split 70/15/15.")
    if options.borrow and len(val) < FEW and len(train) >= 10 * FEW:
        part = dataset.take(train)
        groups, _ = groups_kept_together(part.X, part.groups, part.ids)
        borrowed = make_split(part.y, groups, (0.9, 0.1, 0.0), options.random_state, part.ids) == "val"
        warnings.warn(
            f"The validation split has {len(val)} images, too few to choose the best epoch on. {borrowed.sum()} images "
            "of the train split are moved to it and not used for fitting.",
            stacklevel=3,
        )
        train, val = train[~borrowed], np.concatenate([val, train[borrowed]])
    return dataset.take(train), dataset.take(val)
