"""A network for each of several labels, trained apart and put side by side into one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.datasets import Dataset
from hybrid.training.options import Epoch, TrainedNetwork
from hybrid.training.state import label_state

if TYPE_CHECKING:
    import keras

Parts = tuple[Dataset, Dataset]  # train and validation
Report = Callable[[Epoch], None] | None
Progress = Callable[[int, int], None] | None
Train = Callable[[Parts, Report, Progress, Path | None], TrainedNetwork]


def train_each_label(
    train: Train, parts: Parts, report: Report, progress: Progress, state: Path | None
) -> TrainedNetwork:
    """Train a network on each label alone, and put them side by side.

    Parameters
    ----------
    train : callable
        Called with train and validation of one label, and with report, progress and state for it.
    parts : (Dataset, Dataset)
        Train and validation, of several labels.
    report, progress, state
        As for `train_network`.

    Returns
    -------
    TrainedNetwork
        One network with an output a label: exactly those of the networks apart.
    """
    labels = parts[0].classes.tolist()
    trained = [
        train(
            (_of_one(parts[0], k), _of_one(parts[1], k)),
            _of_label(report, label),
            _of_part(progress, k, len(labels)),
            state and label_state(state, k + 1),
        )
        for k, label in enumerate(labels)
    ]
    seconds = sum(one.seconds for one in trained)
    best: dict[str, Any] = {label: one.best_epoch for label, one in zip(labels, trained, strict=True)}
    return TrainedNetwork(
        side_by_side([one.model for one in trained]),
        side_by_side([one.last for one in trained]),
        {label: one.history for label, one in zip(labels, trained, strict=True)},
        best,
        seconds,
        sum(one.waiting * one.seconds for one in trained) / seconds,
        sum(one.resumed for one in trained),
    )


def _of_one(part: Dataset, k: int) -> Dataset:
    return replace(part, y=part.y[:, [k]], classes=part.classes[[k]])


def side_by_side(networks: Sequence["keras.Model"]) -> "keras.Model":
    """Return one network whose outputs are those of networks with one sigmoid each, as far as inference goes.

    Its layer ``"features"`` is what feeds their outputs, concatenated; its output ``"probabilities"`` one dense layer,
    in which each label has weights of its own features alone.
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
    ends = [network.layers[-1].get_weights() for network in networks]
    outputs.set_weights([_block_diagonal([kernel for kernel, _ in ends]), np.concatenate([bias for _, bias in ends])])
    return joined


def _block_diagonal(kernels: Sequence[np.ndarray]) -> np.ndarray:
    """Return the kernels (n_k, 1) as the columns of one, each below the one before, zero elsewhere."""
    from scipy.linalg import block_diag

    return block_diag(*kernels).astype(np.float32)


def _of_label(report: Report, label: str) -> Report:
    return report and (lambda epoch: report(replace(epoch, label=label)))


def _of_part(progress: Progress, number: int, parts: int) -> Progress:
    return progress and (lambda done, total: progress(number * total + done, parts * total))
