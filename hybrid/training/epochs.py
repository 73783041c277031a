"""The epochs of one training: each takes its steps on train and is evaluated on validation."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.runtimes.base import gpu_is_visible
from hybrid.progress import Stopwatch
from hybrid.training import losses
from hybrid.training.convolutions import apply_strides_first, multiply_small_maps
from hybrid.training.feed import Feed
from hybrid.training.optimizer import make_optimizer
from hybrid.training.options import Epoch, TrainingOptions
from hybrid.training.per_label import Progress
from hybrid.training.rates import best_epoch, is_over, learning_rate
from hybrid.training.stages import Stage
from hybrid.training.state import TrainingState

if TYPE_CHECKING:
    import keras


class TrainingRun:
    """One training: a network, its data and its current stage.

    Parameters
    ----------
    model : keras.Model
        A network with its initial weights. It is trained in place.
    feeds : (Feed, Feed)
        Images of train and of validation.
    targets : sequence of two ndarray of shape (n, n_outputs)
        Targets of train and of validation.
    options : TrainingOptions
    """

    def __init__(
        self,
        model: "keras.Model",
        feeds: tuple[Feed, Feed],
        targets: Sequence[np.ndarray],
        options: TrainingOptions,
    ):
        self.model, self.options = model, options
        self.train, self.val = feeds
        self.targets, self.val_targets = targets
        self.steps = min(options.steps_per_epoch or self.train.steps, self.train.steps)
        self.is_softmax = model.layers[-1].activation.__name__ == "softmax"
        weights = np.ones((2, targets[0].shape[1]))
        if options.class_weight == "balanced":
            weights = losses.balanced_weights(targets[0], self.is_softmax)
        self.loss = losses.cross_entropy(weights, self.is_softmax)
        self._objective = losses.cross_entropy(weights, self.is_softmax, options.label_smoothing)
        self._stage: Stage | None = None
        multiply_small_maps(model)
        apply_strides_first(model)
        self._trainable_layers = {
            stage.unfreeze: _upper_layers(model, stage) for stage in options.stages if stage.unfreeze
        }

    def enter(self, epoch: int) -> None:
        """Set which layers are trainable in this epoch (0-based) and create a new optimizer when they change."""
        stage = next(stage for stage in reversed(self.options.stages) if stage.first <= max(epoch, 0))
        if stage == self._stage:
            return
        if self.options.fine_tuning:
            from hybrid.training.fine_tuning import set_trainable

            set_trainable(self.model, self._trainable_layers.get(stage.unfreeze, []))
        self._stage = stage
        self._compile()

    def is_over(self, val_losses: list[float]) -> bool:
        """Return whether all epochs are finished or the validation loss has stalled in the last stage."""
        return len(val_losses) >= self.options.epochs or is_over(
            self.options, val_losses[self.options.stages[-1].first :]
        )

    def _compile(self) -> None:
        import keras

        accuracy = keras.metrics.CategoricalAccuracy if self.is_softmax else keras.metrics.BinaryAccuracy
        self.model.compile(
            optimizer=make_optimizer(self.options),
            loss=self._objective,
            metrics=[keras.metrics.MeanMetricWrapper(self.loss, "cross_entropy"), accuracy("accuracy")],
            jit_compile="auto" if gpu_is_visible() else False,  # XLA makes an epoch up to 7 times as long on a CPU
        )
        # Create all variables now. A training step that creates variables is traced twice, which can take longer than a
        # whole epoch.
        self.model.optimizer.build(self.model.trainable_variables)
        sample = keras.ops.convert_to_tensor(self.targets[:1])
        self.model.compute_loss(None, sample, sample)
        self.model.compute_metrics(None, sample, sample)

    def epoch(self, state: TrainingState, progress: Progress) -> Epoch:
        """Train for one epoch, evaluate it on validation and record it in the state."""
        number, watch = state.epochs, Stopwatch()
        self.enter(number)
        scores = self._train_steps(number, state.history["val_loss"], progress)
        steps = watch.lap()
        scores |= self._validate(number)
        for name, values in state.history.items():
            values.append(scores[name])
        if best_epoch(state.history["val_loss"]) == state.epochs:
            state.best = self.model.get_weights()
        whole = steps + watch.lap()
        state.add(whole)
        state.step_seconds += steps.wall
        state.waited += self.train.waited
        left = (self.options.epochs - state.epochs) * state.seconds / state.epochs
        return Epoch(state.epochs, scores, whole.wall, self.train.waited / steps.wall, left)

    def _train_steps(self, epoch: int, val_losses: list[float], progress: Progress) -> dict[str, float]:
        self.train.waited = 0.0
        logs = []
        if progress:  # before the first step, which takes longest
            progress(epoch * self.steps, self.options.epochs * self.steps)
        for step, (pixels, rows) in enumerate(self.train.shuffled(epoch, self.steps, self.options.augments(epoch))):
            rate = self._rate(epoch, step, val_losses)
            self.model.optimizer.learning_rate = rate
            self.model.reset_metrics()  # not every version of Keras does this before each step
            logs.append(self.model.train_on_batch(pixels, self.targets[rows], return_dict=True))
            if progress:
                progress(epoch * self.steps + step + 1, self.options.epochs * self.steps)
        loss, accuracy = (float(np.mean([log[name] for log in logs])) for name in ("cross_entropy", "accuracy"))
        return _finite({"loss": loss, "accuracy": accuracy, "learning_rate": rate}, epoch)

    def _rate(self, epoch: int, step: int, val_losses: list[float]) -> float:
        """Return the learning rate of a step. The schedule starts anew in each stage."""
        stage = self._stage
        assert stage is not None
        options = replace(self.options, learning_rate=stage.rate)
        done = (epoch - stage.first) * self.steps + step
        return learning_rate(options, done, stage.epochs * self.steps, val_losses[stage.first :])

    def _validate(self, epoch: int) -> dict[str, float]:
        from keras import ops

        batches = [self.model.predict_on_batch(pixels) for pixels, _ in self.val.in_order()]
        outputs = np.concatenate(batches)[: len(self.val_targets)].astype(np.float32)
        loss = float(np.mean(ops.convert_to_numpy(self.loss(self.val_targets, outputs))))
        accuracy = losses.accuracy(self.val_targets, outputs, self.is_softmax)
        return _finite({"val_loss": loss, "val_accuracy": accuracy}, epoch)


def _upper_layers(model: "keras.Model", stage: Stage) -> list["keras.Layer"]:
    from hybrid.training.fine_tuning import upper_layers

    return upper_layers(model, stage.unfreeze)


def _finite(scores: dict[str, float], epoch: int) -> dict[str, float]:
    if all(map(math.isfinite, scores.values())):
        return scores
    raise InputError(
        f"In epoch {epoch + 1} the loss became infinite or NaN. Give a lower --learning-rate or do not use "
        "mixed precision."
    )


@contextlib.contextmanager
def precision(options: TrainingOptions) -> Iterator[None]:
    """Set the precision that the options ask for while a network is built."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if options.mixed_precision else before)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
