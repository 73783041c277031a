"""By how much the best of several scores on the same images is too high."""

import numpy as np

from hybrid.evaluation.metrics import LOWER_IS_BETTER
from hybrid.evaluation.paired_evaluation import PairedEvaluation
from hybrid.evaluation.resampled_scores import resample_scores


def optimism_of_best(models: PairedEvaluation, metric: str) -> float | None:
    """Return by how much the best score of several models is too good on average, because it is the best.

    In each bootstrap draw the best model is found, and its score in the draw is compared with its score on all images
    [1]_.

    Parameters
    ----------
    models : PairedEvaluation
        The models and the images.
    metric : str

    Returns
    -------
    float or None
        The mean difference, in the direction in which the metric is better. None if a model's score is not defined.

    References
    ----------
    .. [1] Tibshirani, R. J., Tibshirani, R. "A bias correction for the minimum error rate in cross-validation." Annals
       of Applied Statistics 3, 2009. They average over folds what is averaged over bootstrap draws here.

    Examples
    --------
    >>> y = np.tile([0, 1], 50)
    >>> noise = np.random.default_rng(0).random((10, 100))
    >>> models = PairedEvaluation(y, {str(i): np.column_stack([1 - p, p]) for i, p in enumerate(noise)}, [0, 1])
    >>> 0.02 < optimism_of_best(models, "roc_auc") < 0.2
    True
    """
    problems, settings = list(models.problems.values()), models.settings
    scores = resample_scores(problems, settings.n_boot, settings.seed, None, [metric])
    sign = -1 if metric in LOWER_IS_BETTER else 1
    drawn = sign * np.array([score.drawn_overall[metric] for score in scores])
    whole = sign * np.array([score.overall[metric][0] for score in scores])
    defined = ~np.isnan(drawn).any(axis=0)
    if np.isnan(whole).any() or not defined.any():
        return None
    best = drawn[:, defined].argmax(axis=0)
    return float((drawn[:, defined].max(axis=0) - whole[best]).mean())
