"""Create the optimizer of a training."""

import math
from typing import TYPE_CHECKING, Any

from hybrid.extractors.runtimes.base import tensorflow_on_cpu
from hybrid.training.options import TrainingOptions

if TYPE_CHECKING:
    import keras

# Smaller arrays of weights stay in the CPU's cache, so compiling their update costs more time than it saves.
_MIN_WEIGHTS = 2**20


def make_optimizer(options: TrainingOptions) -> "keras.Optimizer":
    """Return a new optimizer for the given options.

    Its learning rate is only the initial one, because `TrainingRun` sets it before every step.
    """
    from keras import optimizers

    if options.optimizer == "sgd":
        optimizer = optimizers.SGD(options.rate, momentum=options.momentum, nesterov=options.momentum > 0)
    elif options.optimizer == "adamw":
        optimizer = optimizers.AdamW(options.rate, weight_decay=0.01)
    else:
        optimizer = optimizers.Adam(options.rate)
    _compile_large_updates(optimizer)
    return optimizer


def _compile_large_updates(optimizer: "keras.Optimizer") -> None:
    """Compile the update of each large array of weights with XLA, if TensorFlow runs on a CPU.

    An update in Keras consists of about twelve operations, each of which reads and writes all weights. XLA merges them
    into one. The rest of a training step is slower when compiled.
    """
    if not tensorflow_on_cpu():
        return
    import tensorflow as tf

    original = optimizer.update_step

    def update_step(gradient: Any, variable: Any, learning_rate: Any) -> Any:
        if math.prod(variable.shape) < _MIN_WEIGHTS:
            return original(gradient, variable, learning_rate)
        return tf.function(lambda: original(gradient, variable, learning_rate), jit_compile=True)()

    optimizer.update_step = update_step  # called once for each array, while the step is traced
