"""How much differences of models would vary if the images of a group were independent of each other."""

from collections.abc import Mapping, Sequence

import numpy as np

from hybrid.evaluation.bootstrap import JackknifeBlocks
from hybrid.evaluation.inputs import CheckedInput
from hybrid.evaluation.resampled_scores import resample_scores


class ImageVariances:
    """The variances that differences of models would have if the images of a group were independent.

    They come from a jackknife of images in place of groups, within the strata of the groups.

    Parameters
    ----------
    problems : mapping of str to CheckedInput
        The checked input of each model, on the same images in groups.
    metrics : sequence of str
        Names of the overall metrics.
    """

    def __init__(self, problems: Mapping[str, CheckedInput], metrics: Sequence[str]):
        first = next(iter(problems.values()))
        self._blocks = JackknifeBlocks.from_strata(first.drawn_strata[first.drawn_groups])
        scores = resample_scores(list(problems.values()), 0, 0, self._blocks, metrics)
        self._scores = {
            metric: tuple(
                np.array([getattr(one, part)[metric] for one in scores]) for part in ("overall", "without_overall")
            )
            for metric in metrics
        }

    def of_pairs(self, metric: str, first: list[int], second: list[int]) -> np.ndarray:
        """Return the variance of each stratum, (n_pairs, n_strata), for pairs of models by their numbers."""
        values, without = (every[first] - every[second] for every in self._scores[metric])
        return self._blocks.variance_of_strata(values[:, 0], without)
