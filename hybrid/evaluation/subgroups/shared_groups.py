"""The correlation of the scores of a subgroup and of all other images, if groups have images in both."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hybrid.evaluation.bootstrap import JackknifeBlocks
from hybrid.evaluation.groups import check_groups
from hybrid.evaluation.inputs import CheckedInput
from hybrid.evaluation.weighted_scores import WeightedScores

_MOST = 0.99


def correlations(problem: CheckedInput, rows: np.ndarray, metrics: Sequence[str]) -> dict[str, float]:
    """Return the correlation of each score of some images with that of all others, by the jackknife over groups.

    Parameters
    ----------
    problem : CheckedInput
        All images.
    rows : ndarray of bool, shape (n,)
        The images of the subgroup.
    metrics : sequence of str
        Names of overall metrics.

    Returns
    -------
    dict of str to float
        Empty if no group has images on both sides, so that the scores are independent.
    """
    groups = problem.drawn_groups
    if groups is None or not metrics or not np.intersect1d(groups[rows], groups[~rows]).size:
        return {}
    blocks = JackknifeBlocks.from_strata(np.zeros(int(groups.max()) + 1, dtype=np.intp), groups)
    influence = [_influence(problem, side, metrics, blocks) for side in (rows, ~rows)]
    return {metric: _correlation(influence[0][metric], influence[1][metric]) for metric in metrics}


def _influence(
    problem: CheckedInput, rows: np.ndarray, metrics: Sequence[str], blocks: JackknifeBlocks
) -> dict[str, np.ndarray]:
    """Return the influence of each block of groups on the scores of some images."""
    part = replace(
        problem,
        truth=problem.truth[rows],
        predicted=problem.predicted[rows],
        probabilities=None if problem.probabilities is None else problem.probabilities[rows],
        groups=check_groups(None if problem.groups is None else problem.groups[rows], int(rows.sum())),
    )
    score = WeightedScores(part, metrics)
    whole = score(np.ones((1, int(rows.sum()))))[0]
    without = [score(weights[:, rows])[0] for weights in blocks.weights()]
    return {
        metric: blocks.influence(float(whole[metric][0]), np.concatenate([chunk[metric] for chunk in without]))
        for metric in metrics
    }


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    size = float(np.sqrt(np.sum(first**2) * np.sum(second**2)))
    return float(np.clip(np.sum(first * second) / size, -_MOST, _MOST)) if size > 0 else 0.0
