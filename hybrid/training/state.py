"""The state of a training after each epoch, on disk, so that a killed one goes on as if nothing had happened."""

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

if TYPE_CHECKING:
    import keras

SCORES = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")


@dataclass
class TrainingState:
    """What a training has reached.

    The order of the images, augmentation and the learning rate follow from seed and epoch; so this is all.

    Attributes
    ----------
    history : dict of str to list of float
        As in `TrainedNetwork`.
    best : list of ndarray
        Weights of the best epoch.
    seconds, step_seconds, waited : float
        Of all epochs; of their training steps; of the steps, waiting for images.
    """

    history: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in SCORES})
    best: list[np.ndarray] = field(default_factory=list)
    seconds: float = 0.0
    step_seconds: float = 0.0
    waited: float = 0.0

    @property
    def epochs(self) -> int:
        """That are done."""
        return len(self.history["loss"])


def fingerprint(value: Any) -> str:
    """Return the SHA-256 of what a training's result depends on, JSON values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def save_state(path: Path, identity: str, state: TrainingState, model: "keras.Model") -> None:
    """Write the state, the network's variables and the optimizer's; the file is there whole or not at all."""
    record = {name: getattr(state, name) for name in ("history", "seconds", "step_seconds", "waited")}
    text = json.dumps({"identity": identity, **record}).encode()
    arrays: dict[str, Any] = {"record": np.frombuffer(text, np.uint8)}
    for kind, values in (("variable", _values(model)), ("best", state.best)):
        arrays |= {f"{kind}{number}": value for number, value in enumerate(values)}
    write_atomic(path, lambda file: np.savez(file, **arrays))


def load_state(path: Path, identity: str, model: "keras.Model", enter: Callable[[int], None]) -> TrainingState:
    """Return the state of the same training, and bring the network to it; a new state if there is none.

    The state of another training, or a damaged one, is none. Before its weights, `enter` is called with the last epoch
    that was done, counted from 0: which variables the optimizer has depends on it.
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
            return TrainingState(best=best, **record)
    return TrainingState()


def label_state(path: Path, number: int) -> Path:
    """Return the file of the state of a label's own network, by the label's number."""
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def forget_state(path: Path) -> None:
    """Remove the state of a training that is over, and those of the networks of single labels."""
    for one in (path, *path.parent.glob(f"{path.stem}-*{path.suffix}")):
        one.unlink(missing_ok=True)


def _variables(model: "keras.Model") -> list[Any]:
    """Return everything that a training step changes: weights, the seeds of dropout, the optimizer's moments."""
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def _values(model: "keras.Model") -> list[np.ndarray]:
    return [np.asarray(variable) for variable in _variables(model)]
