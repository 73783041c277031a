"""What `hybrid train` wrote down of a network: the images it has seen, and the time that its training took."""

from pathlib import Path

import numpy as np

from hybrid.workspace.training_record import TrainingRecord
from hybrid.workspace.workspace import TRAINING_KEYS, TRAINING_RECORD


def seen_in_training(keys: np.ndarray, backbone: str | Path) -> np.ndarray:
    """Return whether a network was trained on images, or chosen by them, as `hybrid train` wrote it down.

    Parameters
    ----------
    keys : ndarray of uint8, (n, 32)
        Digests of the images.
    backbone : str or Path
        Only beside a ``.keras`` file there is such a record.

    Returns
    -------
    ndarray of bool, (n,)
    """
    path = Path(backbone).with_name(TRAINING_KEYS)
    if Path(backbone).suffix != ".keras" or not path.is_file():
        return np.zeros(len(keys), bool)
    seen = {row.tobytes() for row in np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 32)}
    return np.array([key.tobytes() in seen for key in keys], bool)


def training_seconds(backbone: str | Path) -> dict[str, float]:
    """Return the seconds that training a network took, by its name; nothing if it was not trained here."""
    path = Path(backbone).with_name(TRAINING_RECORD)
    if Path(backbone).suffix != ".keras" or not path.is_file():
        return {}
    return {path.parent.name: TrainingRecord.read(path).seconds}
