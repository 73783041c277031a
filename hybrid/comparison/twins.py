"""Networks of the last epoch that are the same as those of the best epoch, and models on their features."""

import re
from collections.abc import Mapping

import numpy as np

from hybrid.workspace.predictions import Predictions

_LAST = re.compile(r"-last(?=$|[-+])")


def find_twins(predictions: Mapping[str, Predictions]) -> dict[str, str]:
    """Find models of the last epoch that predict exactly what the same models of the best epoch predict.

    Both are the same network if the best epoch is the last one.

    Parameters
    ----------
    predictions : mapping of str to Predictions
        The predictions of each model, for the same images in the same order, keyed by its name.

    Returns
    -------
    dict of str to str
        The name of each such model, such as ``"network-birds-last"``, with that of its twin, such as
        ``"network-birds"``.
    """
    twins = {}
    for name in predictions:
        for match in _LAST.finditer(name):
            best = name[: match.start()] + name[match.end() :]
            if best in predictions and _are_equal(predictions[name], predictions[best]):
                twins[name] = best
    return twins


def twins_sentence(twins: Mapping[str, str]) -> str:
    """Return the sentence that names models which are shown once."""
    pairs = "; ".join(f"{last} is {best}" for last, best in twins.items())
    return f"Shown once, since the best epoch is the last one and the predictions are the same: {pairs}."


def _are_equal(one: Predictions, other: Predictions) -> bool:
    return all(
        np.array_equal(getattr(one, part), getattr(other, part)) for part in ("ids", "split", "y", "proba", "predicted")
    )
