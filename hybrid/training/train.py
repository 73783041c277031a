"""The training itself: epochs of steps, each epoch judged on validation."""

import contextlib
import math
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.datasets import Dataset
from hybrid.datasets.split import make_split
from hybrid.errors import InputError
from hybrid.extractors.custom import Architecture
from hybrid.extractors.digests import FileDigests
from hybrid.extractors.keras_import import import_keras
from hybrid.extractors.runtime import gpu_is_visible
from hybrid.extractors.source import ImageSource
from hybrid.extractors.store import default_cache
from hybrid.training import losses
from hybrid.training.feed import Feed
from hybrid.training.images import Images, input_shape
from hybrid.training.options import Epoch, TrainedNetwork, TrainingOptions
from hybrid.training.rates import best_epoch, is_over, learning_rate
from hybrid.training.state import State, fingerprint, load_state, save_state

if TYPE_CHECKING:
    import keras

Report = Callable[[Epoch], None]
Progress = Callable[[int, int], None]

_FEW = 100  # validation images


def train_network(
    arch: str | Architecture,
    dataset: Dataset,
    options: TrainingOptions,
    *,
    size: int | tuple[int, int] | None = None,
    report: Report | None = None,
    progress: Progress | None = None,
    state: Path | None = None,
) -> TrainedNetwork:
    """Train a custom backbone on a dataset's train split, its epoch chosen on validation.

    Parameters
    ----------
    arch : str or Architecture
        A custom backbone as users write it, such as ``"resnet_small:width=16"``, or one of one's own.
    dataset : Dataset
        With a validation split; to one of less than 100 images a tenth of a large train split is added, with a
        warning. Its test split is not looked at.
    options : TrainingOptions
    size : int or (int, int), optional
        Height and width of the network's input, in pixels; the images' own if they are of one size up to 64, else 64.
    report : callable, optional
        Called with an `Epoch` after each.
    progress : callable, optional
        Called with (steps done, steps to do at most).
    state : Path, optional
        File to keep the state in after each epoch. If it holds that of the same training, the training goes on from
        there, to the same weights as if it had not been interrupted.

    Returns
    -------
    TrainedNetwork

    Raises
    ------
    InputError
        If the backbone is no custom one, there is no validation split, an image cannot be decoded, or the loss is no
        longer a number.
    """
    architecture = arch if isinstance(arch, Architecture) else Architecture.parse(arch)
    train, val = _parts(dataset, options.seed)
    shape = input_shape(dataset, size)
    feeds = (
        Feed(Images(train, shape), options.batch_size, options.augmentation, options.seed),
        Feed(Images(val, shape), options.batch_size),
    )
    import_keras()
    import keras

    def build() -> "keras.Model":
        return architecture.build(shape, len(dataset.classes), dataset.task == "multilabel")

    keras.utils.set_random_seed(options.seed)
    with _precision(options):
        model = build()
    wanted = [losses.targets(part, model.output_shape[-1]) for part in (train, val)]
    run = _Run(model, feeds, (wanted[0], wanted[1]), options)
    identity = _identity(architecture, shape, options, dataset, train, val) if state else ""
    reached = load_state(state, identity, model) if state else State()
    resumed = reached.epochs
    while reached.epochs < options.epochs and not is_over(options, reached.history["val_loss"]):
        done = run.epoch(reached, progress)
        if state:
            save_state(state, identity, reached, model)
        if report:
            report(done)
    models = build(), build()  # as the precision is float32 there, and there is no optimizer
    for new, weights in zip(models, (reached.best, model.get_weights()), strict=True):
        new.set_weights(weights)
    waiting = reached.waited / reached.step_seconds
    best = best_epoch(reached.history["val_loss"])
    return TrainedNetwork(*models, reached.history, best, reached.seconds, waiting, resumed)


class _Run:
    """One training: a compiled network, its feeds and targets."""

    def __init__(
        self,
        model: "keras.Model",
        feeds: tuple[Feed, Feed],
        wanted: tuple[np.ndarray, np.ndarray],
        options: TrainingOptions,
    ):
        self.model, self.options = model, options
        self.train, self.val = feeds
        self.wanted, self.val_wanted = wanted
        self.steps = min(options.steps_per_epoch or self.train.steps, self.train.steps)
        self.is_softmax = model.layers[-1].activation.__name__ == "softmax"
        weights = np.ones((2, wanted[0].shape[1]))
        if options.class_weight == "balanced":
            weights = losses.balanced_weights(wanted[0], self.is_softmax)
        self.loss = losses.cross_entropy(weights, self.is_softmax)
        self._compile(losses.cross_entropy(weights, self.is_softmax, options.label_smoothing))

    def _compile(self, objective: Callable[[Any, Any], Any]) -> None:
        import keras

        accuracy = keras.metrics.CategoricalAccuracy if self.is_softmax else keras.metrics.BinaryAccuracy
        self.model.compile(
            optimizer=_optimizer(self.options),
            loss=objective,
            metrics=[keras.metrics.MeanMetricWrapper(self.loss, "cross_entropy"), accuracy("accuracy")],
            jit_compile="auto" if gpu_is_visible() else False,  # XLA on a CPU: up to 7 times as long an epoch
        )

    def epoch(self, state: State, progress: Progress | None) -> Epoch:
        """Do one epoch, judge it on validation, and note it in the state."""
        number, started = state.epochs, time.perf_counter()
        scores = self._steps(number, state.history["val_loss"], progress)
        step_seconds = time.perf_counter() - started
        scores |= self._validate(number)
        for name, values in state.history.items():
            values.append(scores[name])
        if best_epoch(state.history["val_loss"]) == state.epochs:
            state.best = self.model.get_weights()
        seconds = time.perf_counter() - started
        state.seconds += seconds
        state.step_seconds += step_seconds
        state.waited += self.train.waited
        left = (self.options.epochs - state.epochs) * state.seconds / state.epochs
        return Epoch(state.epochs, scores, seconds, self.train.waited / step_seconds, left)

    def _steps(self, epoch: int, val_losses: list[float], progress: Progress | None) -> dict[str, float]:
        self.train.waited = 0.0
        total, logs = self.steps * self.options.epochs, []
        batches = self.train.shuffled(epoch, self.steps, self.options.augments(epoch))
        for step, (pixels, rows) in enumerate(batches, start=epoch * self.steps):
            rate = learning_rate(self.options, step, total, val_losses)
            self.model.optimizer.learning_rate = rate
            self.model.reset_metrics()  # as some versions of Keras do at every step
            logs.append(self.model.train_on_batch(pixels, self.wanted[rows], return_dict=True))
            if progress:
                progress(step + 1, total)
        loss, right = (float(np.mean([log[name] for log in logs])) for name in ("cross_entropy", "accuracy"))
        return _finite({"loss": loss, "accuracy": right, "learning_rate": rate}, epoch)

    def _validate(self, epoch: int) -> dict[str, float]:
        from keras import ops

        batches = [self.model.predict_on_batch(pixels) for pixels, _ in self.val.in_order()]
        outputs = np.concatenate(batches)[: len(self.val_wanted)].astype(np.float32)
        loss = float(np.mean(ops.convert_to_numpy(self.loss(self.val_wanted, outputs))))
        right = losses.accuracy(self.val_wanted, outputs, self.is_softmax)
        return _finite({"val_loss": loss, "val_accuracy": right}, epoch)


def _finite(scores: dict[str, float], epoch: int) -> dict[str, float]:
    if all(map(math.isfinite, scores.values())):
        return scores
    raise InputError(
        f"In epoch {epoch + 1} the loss is no longer a number: give a lower --learning-rate, or no mixed precision."
    )


def _optimizer(options: TrainingOptions) -> "keras.Optimizer":
    from keras import optimizers

    if options.optimizer == "sgd":
        return optimizers.SGD(options.rate, momentum=0.9, nesterov=True)
    if options.optimizer == "adamw":
        return optimizers.AdamW(options.rate, weight_decay=0.01)
    return optimizers.Adam(options.rate)


@contextlib.contextmanager
def _precision(options: TrainingOptions) -> Iterator[None]:
    """Build in mixed precision where that is asked for."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if options.mixed_precision else before)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _identity(
    architecture: Architecture,
    shape: tuple[int, int, int],
    options: TrainingOptions,
    dataset: Dataset,
    train: Dataset,
    val: Dataset,
) -> str:
    """Return the fingerprint of everything that the trained weights depend on."""
    keys = [ImageSource(part.X).digests(FileDigests(default_cache()))[0].tobytes().hex() for part in (train, val)]
    return fingerprint(
        {
            "network": [architecture.label, *architecture.lines(shape)],
            "shape": shape,
            "options": asdict(options),
            "images": keys,
            "labels": [part.y.tolist() for part in (train, val)],
            "classes": dataset.classes.tolist(),
            "keras": version("keras"),
        }
    )


def _parts(dataset: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    """Return what is fitted to, and what the epoch is chosen by: a tiny validation split borrows a tenth of train."""
    train, val = (np.flatnonzero(dataset.split == name) for name in ("train", "val"))
    if not len(val):
        raise InputError("There is no validation split to choose the epoch by: give one, as in --split 70/15/15.")
    if len(val) < _FEW and len(train) >= 10 * _FEW:
        part = dataset.take(train)
        lent = make_split(part.y, part.groups, (0.9, 0.1, 0.0), seed, part.ids) == "val"
        warnings.warn(
            f"The validation split has {len(val)} images, too few to choose the epoch by: {lent.sum()} images of train "
            "are used for that too, and not fitted to.",
            stacklevel=3,
        )
        train, val = train[~lent], np.concatenate([val, train[lent]])
    return dataset.take(train), dataset.take(val)
