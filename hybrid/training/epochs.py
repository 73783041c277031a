"""The epochs of one training: steps on train, each epoch judged on validation."""

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.runtimes.base import gpu_is_visible
from hybrid.training import losses
from hybrid.training.convolutions import multiply_small_maps
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
    """One training: a network, its feeds and targets, and the stage that it is in."""

    def __init__(
        self,
        model: "keras.Model",
        feeds: tuple[Feed, Feed],
        wanted: Sequence[np.ndarray],
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
        self._objective = losses.cross_entropy(weights, self.is_softmax, options.label_smoothing)
        self._stage: Stage | None = None
        multiply_small_maps(model)
        self._upper = {stage.unfreeze: _upper_layers(model, stage) for stage in options.stages if stage.unfreeze}

    def enter(self, epoch: int) -> None:
        """Let learn what learns in an epoch, counted from 0; with a new optimizer if that is not what learnt before."""
        stage = next(stage for stage in reversed(self.options.stages) if stage.first <= max(epoch, 0))
        if stage == self._stage:
            return
        if self.options.fine_tuning:
            from hybrid.training.fine_tuning import let_learn

            let_learn(self.model, self._upper.get(stage.unfreeze, []))
        self._stage = stage
        self._compile()

    def is_over(self, val_losses: list[float]) -> bool:
        """Whether all epochs are done, or the validation loss has stalled in the last stage."""
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
            jit_compile="auto" if gpu_is_visible() else False,  # XLA on a CPU: up to 7 times as long an epoch
        )
        # all variables now: a step that makes some is traced twice, which takes longer than many an epoch
        self.model.optimizer.build(self.model.trainable_variables)
        one = keras.ops.convert_to_tensor(self.wanted[:1])
        self.model.compute_loss(None, one, one)
        self.model.compute_metrics(None, one, one)

    def epoch(self, state: TrainingState, progress: Progress) -> Epoch:
        """Do one epoch, judge it on validation, and note it in the state."""
        number, started = state.epochs, time.perf_counter()
        self.enter(number)
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

    def _steps(self, epoch: int, val_losses: list[float], progress: Progress) -> dict[str, float]:
        self.train.waited = 0.0
        logs = []
        for step, (pixels, rows) in enumerate(self.train.shuffled(epoch, self.steps, self.options.augments(epoch))):
            rate = self._rate(epoch, step, val_losses)
            self.model.optimizer.learning_rate = rate
            self.model.reset_metrics()  # as some versions of Keras do at every step
            logs.append(self.model.train_on_batch(pixels, self.wanted[rows], return_dict=True))
            if progress:
                progress(epoch * self.steps + step + 1, self.options.epochs * self.steps)
        loss, right = (float(np.mean([log[name] for log in logs])) for name in ("cross_entropy", "accuracy"))
        return _finite({"loss": loss, "accuracy": right, "learning_rate": rate}, epoch)

    def _rate(self, epoch: int, step: int, val_losses: list[float]) -> float:
        """Return the learning rate of a step of an epoch; each stage has a schedule of its own."""
        stage = self._stage
        assert stage is not None
        options = replace(self.options, learning_rate=stage.rate)
        done = (epoch - stage.first) * self.steps + step
        return learning_rate(options, done, stage.epochs * self.steps, val_losses[stage.first :])

    def _validate(self, epoch: int) -> dict[str, float]:
        from keras import ops

        batches = [self.model.predict_on_batch(pixels) for pixels, _ in self.val.in_order()]
        outputs = np.concatenate(batches)[: len(self.val_wanted)].astype(np.float32)
        loss = float(np.mean(ops.convert_to_numpy(self.loss(self.val_wanted, outputs))))
        right = losses.accuracy(self.val_wanted, outputs, self.is_softmax)
        return _finite({"val_loss": loss, "val_accuracy": right}, epoch)


def _upper_layers(model: "keras.Model", stage: Stage) -> list["keras.Layer"]:
    from hybrid.training.fine_tuning import upper_layers

    return upper_layers(model, stage.unfreeze)


def _finite(scores: dict[str, float], epoch: int) -> dict[str, float]:
    if all(map(math.isfinite, scores.values())):
        return scores
    raise InputError(
        f"In epoch {epoch + 1} the loss is no longer a number: give a lower --learning-rate, or no mixed precision."
    )


@contextlib.contextmanager
def precision(options: TrainingOptions) -> Iterator[None]:
    """Build in mixed precision where that is asked for."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if options.mixed_precision else before)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
