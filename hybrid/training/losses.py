"""Targets, class weights and the cross-entropy, for the three outputs that a network can have.

One softmax over the classes, one sigmoid a label, or, for two classes, one sigmoid: the probability of the second.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from hybrid.datasets import Dataset


def targets(part: Dataset, n_outputs: int) -> np.ndarray:
    """Return what the network's outputs should be, float32, (n, n_outputs)."""
    if part.task == "multilabel":
        return part.y.astype(np.float32)
    codes = np.searchsorted(part.classes, part.y)
    return codes[:, None].astype(np.float32) if n_outputs == 1 else np.eye(n_outputs, dtype=np.float32)[codes]


def balanced_weights(wanted: np.ndarray, is_softmax: bool) -> np.ndarray:
    """Return the weights, (2, n_outputs), of outputs that should be 0 or 1, so that both, or all classes, count alike.

    Parameters
    ----------
    wanted : ndarray, (n, n_outputs)
        Targets of train.
    is_softmax : bool
        Whether an image has one class: its weight is then that of its own class alone.
    """
    positive = np.maximum(wanted.sum(axis=0), 1)
    if is_softmax:
        return np.stack([np.zeros(len(positive)), len(wanted) / (len(positive) * positive)])
    return len(wanted) / (2 * np.stack([np.maximum(len(wanted) - wanted.sum(axis=0), 1), positive]))


def cross_entropy(weights: np.ndarray, is_softmax: bool, smoothing: float = 0.0) -> Callable[[Any, Any], Any]:
    """Return the weighted cross-entropy of each image: a loss for Keras, on any backend.

    Parameters
    ----------
    weights : ndarray, (2, n_outputs)
        Of an output that should be 0 or 1; for a softmax the second row alone counts.
    is_softmax : bool
        Whether the outputs are classes; else they are labels, whose losses are averaged.
    smoothing : float, default=0.0
        Share of each target that is spread over all values it can have.
    """
    from keras import ops

    zero, one = weights.astype(np.float32)

    def loss(y_true: Any, y_pred: Any) -> Any:
        y_true, y_pred = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        if is_softmax:
            smooth = y_true * (1 - smoothing) + smoothing / len(one)
            return ops.categorical_crossentropy(smooth, y_pred) * ops.sum(one * y_true, axis=-1)
        smooth = y_true * (1 - smoothing) + smoothing / 2
        weight = one * y_true + zero * (1 - y_true)
        return ops.mean(ops.binary_crossentropy(smooth, y_pred) * weight, axis=-1)

    return loss


def accuracy(wanted: np.ndarray, outputs: np.ndarray, is_softmax: bool) -> float:
    """Return the share of right classes, or of right labels."""
    if is_softmax:
        return float((wanted.argmax(axis=1) == outputs.argmax(axis=1)).mean())
    return float(((outputs >= 0.5) == (wanted >= 0.5)).mean())
