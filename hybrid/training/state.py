"""The state of a training, saved after each epoch, from which an interrupted training is resumed exactly."""

import contextlib
import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.files import write_atomic
from hybrid.progress import Spent

if TYPE_CHECKING:
    import keras

SCORES = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")


@dataclass
class TrainingState:
    """The progress of a training.

    The order of the images, the augmentation and the learning rate are not part of it, since they follow from the
    options and the epoch.

    Attributes
    ----------
    history : dict of str to list of float
        As in `TrainedNetwork`.
    best : list of ndarray
        Weights of the best epoch.
    seconds : float
        Duration of all epochs in seconds, by the wall clock.
    processor : float or None
        The same in processor seconds; None if an earlier version began the training.
    step_seconds : float
        Duration of all training steps in seconds.
    waited : float
        Seconds in which the training steps waited for images.
    """

    history: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in SCORES})
    best: list[np.ndarray] = field(default_factory=list)
    seconds: float = 0.0
    processor: float | None = 0.0
    step_seconds: float = 0.0
    waited: float = 0.0

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return len(self.history["loss"])

    def add(self, epoch: Spent) -> None:
        """Add the time of an epoch."""
        whole = Spent(self.seconds, self.processor) + epoch
        self.seconds, self.processor = whole.wall, whole.processor


def fingerprint(value: Any) -> str:
    """Return the SHA-256 digest of a JSON value that holds everything on which the result of a training depends."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def save_state(path: Path, identity: str, state: TrainingState, model: "keras.Model") -> None:
    """Write the state and the variables of the network and its optimizer to a file.

    Parameters
    ----------
    path : Path
        File to write. It is replaced only when the new one is complete.
    identity : str
        Fingerprint of the training.
    state : TrainingState
    model : keras.Model
        The compiled network.
    """
    record = {name: getattr(state, name) for name in ("history", "seconds", "processor", "step_seconds", "waited")}
    text = json.dumps({"identity": identity, **record}).encode()
    arrays: dict[str, Any] = {"record": np.frombuffer(text, np.uint8)}
    for kind, values in (("variable", _values(model)), ("best", state.best)):
        arrays |= {f"{kind}{number}": value for number, value in enumerate(values)}
    write_atomic(path, lambda file: np.savez(file, **arrays))


def load_state(path: Path, identity: str, model: "keras.Model", enter: Callable[[int], None]) -> TrainingState:
    """Read the state of a training from a file and restore the variables of the network and its optimizer.

    Parameters
    ----------
    path : Path
        File written by `save_state`.
    identity : str
        Fingerprint of the training.
    model : keras.Model
        The compiled network. Its variables are replaced.
    enter : callable
        Called with the last finished epoch (0-based) before the variables are restored, since the variables that the
        optimizer has depend on the stage.

    Returns
    -------
    TrainingState
        The saved state, or a new one if the file is missing, damaged or belongs to another training.
    """
    unusable = (OSError, KeyError, ValueError, zipfile.BadZipFile)
    with contextlib.suppress(*unusable), path.open("rb") as file, np.load(file) as arrays:
        record = json.loads(arrays["record"].tobytes())
        if record.pop("identity") == identity:
            enter(len(record["history"]["loss"]) - 1)
            variables = _variables(model)
            values = [arrays[f"variable{number}"] for number in range(len(variables))]
            best = [arrays[f"best{number}"] for number in range(len(model.weights))]
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            return TrainingState(best=best, **{"processor": None, **record})
    return TrainingState()


def label_state(path: Path, number: int) -> Path:
    """Return the path of the state of one label's own network, by the number of the label."""
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def forget_state(path: Path) -> None:
    """Remove the state of a finished training, including those of the networks of single labels."""
    for file in (path, *path.parent.glob(f"{path.stem}-*{path.suffix}")):
        file.unlink(missing_ok=True)


def _variables(model: "keras.Model") -> list[Any]:
    """Return all variables that a training step changes: weights, seeds of dropout and moments of the optimizer."""
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def _values(model: "keras.Model") -> list[np.ndarray]:
    return [np.asarray(variable) for variable in _variables(model)]
