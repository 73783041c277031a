"""The scores of several models on the same images: on all images, in each bootstrap draw, without each block."""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

import numpy as np
from threadpoolctl import threadpool_limits

from hybrid.evaluation.bootstrap import JackknifeBlocks, draw_weights
from hybrid.evaluation.inputs import CheckedInput
from hybrid.evaluation.weighted_scores import Overall, PerClass, WeightedScores


@dataclass(frozen=True, eq=False)
class ResampledScores:
    """The scores of one model on all images, in the bootstrap draws, and without each jackknife block.

    Attributes
    ----------
    overall, per_class : dict of str to ndarray
        The scores on all images, of shape (1,) and (1, k).
    drawn_overall, drawn_per_class : dict of str to ndarray
        The scores in each bootstrap draw, of shape (n_boot,) and (n_boot, k).
    without_overall, without_per_class : dict of str to ndarray
        The scores without each jackknife block, of shape (n_blocks,) and (n_blocks, k).
    """

    overall: Overall
    per_class: PerClass
    drawn_overall: Overall
    drawn_per_class: PerClass
    without_overall: Overall
    without_per_class: PerClass


def resample_scores(
    problems: Sequence[CheckedInput],
    n_boot: int,
    seed: int,
    blocks: JackknifeBlocks | None,
    metrics: Sequence[str] | None = None,
) -> list[ResampledScores]:
    """Return the scores of every model in the same bootstrap draws.

    Parameters
    ----------
    problems : sequence of CheckedInput
        The checked input of each model, on the same images.
    n_boot, seed : int
        Number of bootstrap draws, and their seed.
    blocks : JackknifeBlocks or None
        The blocks that the jackknife leaves out in turn. If None, no scores without blocks are computed.
    metrics : sequence of str, optional
        Names of the overall metrics to compute. By default all metrics of the task.

    Returns
    -------
    list of ResampledScores
        One for each model.
    """
    first, scores = problems[0], [WeightedScores(problem, metrics) for problem in problems]
    weights = np.ones(len(first.truth)) if first.weights is None else first.weights
    none = np.ones((0, len(weights)))
    # An empty matrix of weights gives the arrays their names and shapes if there are no draws or blocks.
    weightings: list[Iterable[np.ndarray]] = [
        [np.ones((1, len(weights)))],
        chain([none], draw_weights(first.drawn_strata, n_boot, seed, first.drawn_groups)),
        chain([none], blocks.weights() if blocks else []),
    ]
    # BLAS is limited to one thread, because its threads compete with those of the models: up to 100 times slower.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(min(len(scores), os.cpu_count() or 1)) as pool:
        tables = [_compute(scores, (weights * counts for counts in chunks), pool) for chunks in weightings]
    return [ResampledScores(*chain(*parts)) for parts in zip(*tables, strict=True)]


def _compute(
    scores: Sequence[WeightedScores], weights: Iterable[np.ndarray], pool: ThreadPoolExecutor
) -> list[tuple[Overall, PerClass]]:
    """Return the scores of each model with all weights, which are computed once for all models, chunk by chunk."""
    chunks = [list(pool.map(lambda score, chunk=chunk: score(chunk), scores)) for chunk in weights]
    return [
        (_concatenate([overall for overall, _ in parts]), _concatenate([per_class for _, per_class in parts]))
        for parts in zip(*chunks, strict=True)
    ]


def _concatenate(parts: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
