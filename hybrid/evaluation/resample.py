"""All scores of several models on the same images: as they are, in each bootstrap draw, and without each group."""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

import numpy as np
from threadpoolctl import threadpool_limits

from hybrid.evaluation.bootstrap import JackknifeBlocks, draw_weights
from hybrid.evaluation.inputs import CheckedInput
from hybrid.evaluation.scores import Overall, PerClass, Scores


@dataclass(frozen=True, eq=False)
class Resamples:
    """The scores of one model under three kinds of weights; an array's first axis is the weightings.

    Attributes
    ----------
    overall, per_class : dict of str to ndarray
        The scores themselves, (1,) and (1, k).
    drawn_overall, drawn_per_class : dict of str to ndarray
        In each bootstrap draw, (n_boot,) and (n_boot, k).
    without_overall, without_per_class : dict of str to ndarray
        Without each group of images, (g,) and (g, k).
    """

    overall: Overall
    per_class: PerClass
    drawn_overall: Overall
    drawn_per_class: PerClass
    without_overall: Overall
    without_per_class: PerClass


def resample(
    problems: Sequence[CheckedInput],
    n_boot: int,
    seed: int,
    groups: JackknifeBlocks | None,
    metrics: Sequence[str] | None = None,
) -> list[Resamples]:
    """Return every model's scores under the same draws.

    Parameters
    ----------
    problems : sequence of CheckedInput
        Models on the same images.
    n_boot, seed : int
        Number of draws, and their seed.
    groups : JackknifeBlocks, optional
        What the jackknife leaves out; by default there is none.
    metrics : sequence of str, optional
        Names of the scores of all images that are wanted; by default all.
    """
    n, scores = len(problems[0].truth), [Scores(problem, metrics) for problem in problems]
    # Weights of no rows give the arrays their names and shapes where no draw is wanted.
    kinds: list[Iterable[np.ndarray]] = [
        [np.ones((1, n))],
        chain([np.ones((0, n))], draw_weights(problems[0].strata, n_boot, seed)),
        chain([np.ones((0, n))], groups.weights() if groups else []),
    ]
    # BLAS threads of its own would wait for the models' threads, and for other programs': a hundred times slower there.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(min(len(scores), os.cpu_count() or 1)) as pool:
        tables = [_scored(scores, weights, pool) for weights in kinds]
    return [Resamples(*chain(*parts)) for parts in zip(*tables, strict=True)]


def _scored(
    scores: Sequence[Scores], weights: Iterable[np.ndarray], pool: ThreadPoolExecutor
) -> list[tuple[Overall, PerClass]]:
    """Return each model's scores under all weights, which are made once and a chunk at a time."""
    chunks = [list(pool.map(lambda score, chunk=chunk: score(chunk), scores)) for chunk in weights]
    return [
        (_joined([overall for overall, _ in parts]), _joined([per_class for _, per_class in parts]))
        for parts in zip(*chunks, strict=True)
    ]


def _joined(parts: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
