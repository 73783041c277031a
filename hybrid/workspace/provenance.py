"""Look up which images a network was trained on and how long its training took, as `hybrid train` saved it."""

from pathlib import Path

import numpy as np

from hybrid.progress import Spent
from hybrid.workspace.training_record import TrainingRecord
from hybrid.workspace.workspace import TRAINING_KEYS, TRAINING_RECORD


def used_in_training(keys: np.ndarray, backbone: str | Path) -> np.ndarray:
    """Tell for each image whether a network was trained or selected on it.

    Parameters
    ----------
    keys : ndarray of uint8 of shape (n, 32)
        SHA-256 digests of the images.
    backbone : str or Path
        Path of a ``.keras`` file that `hybrid train` saved. For any other backbone the result is all false.

    Returns
    -------
    ndarray of bool of shape (n,)
    """
    path = Path(backbone).with_name(TRAINING_KEYS)
    if Path(backbone).suffix != ".keras" or not path.is_file():
        return np.zeros(len(keys), bool)
    used = {row.tobytes() for row in np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 32)}
    return np.array([key.tobytes() in used for key in keys], bool)


def training_time(backbone: str | Path) -> dict[str, Spent]:
    """Return the training time of a network, keyed by its name; empty if `hybrid train` did not train it."""
    record = _training_record(backbone)
    return {} if record is None else {Path(backbone).parent.name: Spent(record.seconds, record.processor)}


def training_class_weight(backbone: str | Path) -> str | None:
    """Return the class weights with which `hybrid train` trained a network; None if it had none or is another one."""
    record = _training_record(backbone)
    return None if record is None else record.class_weight


def _training_record(backbone: str | Path) -> TrainingRecord | None:
    """Return the record of a network's training; None if `hybrid train` did not train it."""
    path = Path(backbone).with_name(TRAINING_RECORD)
    return TrainingRecord.read(path) if Path(backbone).suffix == ".keras" and path.is_file() else None
