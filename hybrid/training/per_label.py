"""Train a separate network for each label and combine the networks into one model."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.datasets import Dataset
from hybrid.extractors.store.cost import total
from hybrid.training.options import Epoch, TrainedNetwork
from hybrid.training.state import label_state

if TYPE_CHECKING:
    import keras

Parts = tuple[Dataset, Dataset]  # train and validation
Report = Callable[[Epoch], None] | None
Progress = Callable[[int, int], None] | None
Say = Callable[[str], None] | None
Train = Callable[[Parts, Report, Progress, Path | None, Say], TrainedNetwork]


def train_each_label(
    train: Train, parts: Parts, report: Report, progress: Progress, state: Path | None, say: Say
) -> TrainedNetwork:
    """Train a separate network for each label and combine the networks into one model.

    Parameters
    ----------
    train : callable
        Trains one network. It is called with the train and validation splits of one label, and with the report,
        progress, state and messages for that label.
    parts : (Dataset, Dataset)
        Train and validation splits with all labels.
    report, progress, state, say
        As in `train_network`.

    Returns
    -------
    TrainedNetwork
        A network with one output per label, equal to the output of the label's own network.
    """
    labels = parts[0].classes.tolist()
    trained = [
        train(
            (_with_label(parts[0], k), _with_label(parts[1], k)),
            _report_for_label(report, label),
            _progress_of_label(progress, k, len(labels)),
            state and label_state(state, k + 1),
            _say_for_label(say, label),
        )
        for k, label in enumerate(labels)
    ]
    seconds = sum(network.seconds for network in trained)
    best: dict[str, Any] = {label: network.best_epoch for label, network in zip(labels, trained, strict=True)}
    return TrainedNetwork(
        side_by_side([network.model for network in trained]),
        side_by_side([network.last for network in trained]),
        {label: network.history for label, network in zip(labels, trained, strict=True)},
        best,
        seconds,
        sum(network.waiting * network.seconds for network in trained) / seconds,
        sum(network.resumed for network in trained),
        total(network.processor for network in trained),
    )


def _with_label(part: Dataset, k: int) -> Dataset:
    return replace(part, y=part.y[:, [k]], classes=part.classes[[k]])


def side_by_side(networks: Sequence["keras.Model"]) -> "keras.Model":
    """Return one network that computes the outputs of several networks with one sigmoid each, for inference only.

    Its layer ``"features"`` concatenates the inputs of their output layers. Its output layer ``"probabilities"`` is
    dense, with nonzero weights only from the features of the label's own network.
    """
    import keras

    from hybrid.extractors.graph.cutting import cut

    inputs = keras.Input(networks[0].input_shape[1:], name="pixels")
    features = []
    for number, network in enumerate(networks, start=1):
        trunk = cut(network, ["penultimate"])
        features.append(keras.Model(trunk.inputs[0], trunk.outputs[0], name=f"label_{number}")(inputs, training=False))
    x = keras.layers.Concatenate(name="features")(features)
    outputs = keras.layers.Dense(len(networks), activation="sigmoid", name="probabilities")
    joined = keras.Model(inputs, outputs(x), name="side_by_side")
    weights = [network.layers[-1].get_weights() for network in networks]
    kernels, biases = zip(*weights, strict=True)
    outputs.set_weights([_block_diagonal(kernels), np.concatenate(biases)])
    return joined


def _block_diagonal(kernels: Sequence[np.ndarray]) -> np.ndarray:
    """Return a block diagonal matrix of kernels of shape (n_features, 1)."""
    from scipy.linalg import block_diag

    return block_diag(*kernels).astype(np.float32)


def _report_for_label(report: Report, label: str) -> Report:
    return report and (lambda epoch: report(replace(epoch, label=label)))


def _say_for_label(say: Say, label: str) -> Say:
    return say and (lambda text: say(f"{label}, {text}"))


def _progress_of_label(progress: Progress, number: int, n_labels: int) -> Progress:
    return progress and (lambda done, total: progress(number * total + done, n_labels * total))
