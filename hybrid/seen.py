"""Which images a trained network has seen: its features of them look better than those of other images."""

from pathlib import Path

import numpy as np

from hybrid.embedding_set import TRAINING_KEYS, EmbeddingSet


def trained_on(found: EmbeddingSet) -> np.ndarray:
    """Return for each image of a set whether the set's network was trained on it, or chosen by it, (n,)."""
    return seen_in_training(found.keys, found.info["extractor"]["params"]["backbone"])


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
