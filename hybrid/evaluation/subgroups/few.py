"""Whether a subgroup has enough images for a score to be compared."""

import numpy as np

from hybrid.evaluation.inputs import CheckedInput
from hybrid.evaluation.metrics import METRICS
from hybrid.wording import number

FEWEST = 10  # images or groups: of a subgroup, and with and without a class for scores that depend on it

_BOTH = (True, False)
_SIDES = {
    "positives": (True,),
    "predicted": (True,),
    "either": (True,),
    "negatives": (False,),
    "not_predicted": (False,),
}


def too_few(problem: CheckedInput, rows: np.ndarray, metric: str) -> str:
    """Return why a score of some images is not compared; "" if there are enough of them.

    Parameters
    ----------
    problem : CheckedInput
        All images.
    rows : ndarray of bool, shape (n,)
        The images of the subgroup.
    metric : str
        Name of an overall metric.

    Returns
    -------
    str
        Such as "too few images: 6 of 'ill', and 10 are needed". If the images come in groups, groups are counted.
    """
    unit = "image" if problem.drawn_groups is None else "group"
    spec, n = METRICS[metric], _count(problem, rows)
    if n < FEWEST:
        return f"too few {unit}s: {n}, and {FEWEST} are needed"
    if spec.share_of == "images" or spec.needs == "probabilities":
        return ""
    of = [problem.classes.index(problem.positive)] if problem.task == "binary" else range(len(problem.classes))
    sides = _SIDES.get(spec.share_of, _BOTH) if problem.task == "binary" else _BOTH
    for k in of:
        for side in sides:
            count = _count(problem, rows & (problem.truth[:, k] == side))
            if count < FEWEST:
                name = f"{'of' if side else 'without'} {str(problem.classes[k])!r}"
                return f"too few {unit}s: {number(count, unit)} {name}, and {FEWEST} are needed"
    return ""


def _count(problem: CheckedInput, rows: np.ndarray) -> int:
    """Return the number of images, or of groups if the images come in groups."""
    return int(rows.sum()) if problem.drawn_groups is None else len(np.unique(problem.drawn_groups[rows]))
