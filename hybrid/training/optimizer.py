"""The optimizer of a training."""

import math
from typing import TYPE_CHECKING, Any

from hybrid.extractors.runtimes.base import tensorflow_on_cpu
from hybrid.training.options import TrainingOptions

if TYPE_CHECKING:
    import keras

_LARGE = 2**20  # weights in one array: fewer stay in the cache, and compiling would cost more than it saves


def make_optimizer(options: TrainingOptions) -> "keras.Optimizer":
    """Return a new optimizer as the options say; its learning rate is set at every step."""
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
    """Let XLA compile the update of each large array of weights, on a CPU with TensorFlow.

    Keras goes through all of memory for every one of some twelve operations; compiled, they are one pass. The rest of a
    step is slower when compiled.
    """
    if not tensorflow_on_cpu():
        return
    import tensorflow as tf

    plain = optimizer.update_step

    def update_step(gradient: Any, variable: Any, learning_rate: Any) -> Any:
        if math.prod(variable.shape) < _LARGE:
            return plain(gradient, variable, learning_rate)
        return tf.function(lambda: plain(gradient, variable, learning_rate), jit_compile=True)()

    optimizer.update_step = update_step  # called once, while the step is traced
