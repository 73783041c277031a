"""Targets, class weights, cross-entropy and accuracy for the three kinds of network output.

A network has either a softmax over all classes, or one sigmoid per label of a multi-label task, or, for two classes, a
single sigmoid that is the probability of the second class.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from hybrid.datasets import Dataset


def targets(part: Dataset, n_outputs: int) -> np.ndarray:
    """Return the targets of a split, one row per image, as a float32 array of shape (n, n_outputs)."""
    if part.task == "multilabel":
        return part.y.astype(np.float32)
    codes = np.searchsorted(part.classes, part.y)
    return codes[:, None].astype(np.float32) if n_outputs == 1 else np.eye(n_outputs, dtype=np.float32)[codes]


def balanced_weights(targets: np.ndarray, is_softmax: bool) -> np.ndarray:
    """Return the weights that give all classes, or both values of each label, the same influence on the loss.

    They are those of ``class_weight="balanced"`` in scikit-learn.

    Parameters
    ----------
    targets : ndarray of shape (n, n_outputs)
        Targets of train.
    is_softmax : bool
        Whether the outputs are a softmax over the classes. Each image then has only the weight of its own class.

    Returns
    -------
    ndarray of shape (2, n_outputs)
        Weights of the targets 0 (first row) and 1 (second row) of each output. The first row of a softmax is 0.
    """
    positive = np.maximum(targets.sum(axis=0), 1)
    if is_softmax:
        return np.stack([np.zeros(len(positive)), len(targets) / (len(positive) * positive)])
    return len(targets) / (2 * np.stack([np.maximum(len(targets) - targets.sum(axis=0), 1), positive]))


def cross_entropy(weights: np.ndarray, is_softmax: bool, smoothing: float = 0.0) -> Callable[[Any, Any], Any]:
    """Return a Keras loss function that computes the weighted cross-entropy of each image on any backend.

    Parameters
    ----------
    weights : ndarray of shape (2, n_outputs)
        Weights of the targets 0 and 1, as returned by `balanced_weights`. A softmax uses only the second row.
    is_softmax : bool
        Whether the outputs are a softmax over the classes. Otherwise they are labels, whose losses are averaged.
    smoothing : float, default=0.0
        Label smoothing: the share of each target that is spread evenly over its possible values.

    Returns
    -------
    callable
        Called with ``(y_true, y_pred)`` of shape (n, n_outputs). Returns the losses of shape (n,).
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


def accuracy(targets: np.ndarray, outputs: np.ndarray, is_softmax: bool) -> float:
    """Return the share of correctly predicted classes or, for sigmoids, of correctly predicted labels."""
    if is_softmax:
        return float((targets.argmax(axis=1) == outputs.argmax(axis=1)).mean())
    return float(((outputs >= 0.5) == (targets >= 0.5)).mean())
