"""The result of a cross-validation: the scores of models over folds and seeds, and tests of their differences."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hybrid.evaluation import Metric
from hybrid.evaluation.groups import GROUP, images_of_groups
from hybrid.evaluation.metrics import LOWER_IS_BETTER
from hybrid.evaluation.paired_evaluation import compared_pairs
from hybrid.evaluation.paired_test import PairedTest, holm
from hybrid.workspace.private_paths import without_places

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.95
_NOT_IN_EVERY_FOLD = "it is not defined in every fold"


@dataclass(frozen=True, eq=False)
class ModelScores:
    """The scores of one model in every fold.

    Attributes
    ----------
    name : str
    scores : dict of str to ndarray of float of shape (repeats, folds)
        Scores by metric; NaN if a metric is not defined in a fold.
    seconds : float
        Total time for fitting and predicting in all folds.
    flattered : bool, default=False
        Whether the scores are too optimistic, because a network behind the features was trained or selected on images
        of the folds.
    """

    name: str
    scores: dict[str, NDArray[np.float64]]
    seconds: float
    flattered: bool = False

    def summary(self, metric: str, ratio: float) -> dict[str, Any]:
        """Return the mean of a metric, its 95% interval and its standard deviations.

        Parameters
        ----------
        metric : str
        ratio : float
            Number of test images of a fold divided by its number of training images.

        Returns
        -------
        dict of str to (float, None or str)
            ``mean``, ``low``, ``high``, ``sd_folds`` (over the folds of one repeat, which shows the effect of the test
            images) and ``sd_seeds`` (of the repeats' means, which shows the effect of the division into folds and of
            the head's seed). None if the metric is not defined in every fold, which ``reason`` says then.
        """
        values = self.scores[metric]
        mean, half = _mean_and_half_width(values.ravel(), ratio)
        within = np.sqrt(values.var(axis=1, ddof=1).mean())
        between = values.mean(axis=1).std(ddof=1) if len(values) > 1 else np.nan
        numbers = {"mean": mean, "low": mean - half, "high": mean + half, "sd_folds": within, "sd_seeds": between}
        reason = {"reason": _NOT_IN_EVERY_FOLD} if np.isnan(mean) else {}
        return {name: _plain(number) for name, number in numbers.items()} | reason


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """The result of a cross-validation of models on the same folds. :func:`cross_validate` returns it.

    Attributes
    ----------
    dataset, fingerprint : str
    task : str
    metric : str
        Metric by which models are ordered and tested in pairs.
    models : tuple of ModelScores
        The models, best first.
    images : int
        Number of images in train and validation together.
    folds, repeats, seed : int
    ratio : float
        Number of test images of a fold divided by its number of training images.
    notes : tuple of str
        Remarks that matter for the interpretation of the scores.
    reference : str or None
        Name of the model that each other is compared with. By default, or if it was not cross-validated, all pairs are
        compared.
    groups : int or None
        Number of groups of these images, such as patients, of which no fold divides one; copies of an image are one
        group. None if there are neither groups nor copies.
    group_name : str
        What a group is called, such as "patient".
    domain : str
        What divides the images into domains of which each fold leaves one out, such as "hospital"; "" if the folds are
        drawn at random.
    domains : tuple of str
        The domain that each fold leaves out.
    domain_images : tuple of int
        Number of images of each of these domains.
    """

    dataset: str
    fingerprint: str
    task: str
    metric: str
    models: tuple[ModelScores, ...]
    images: int
    folds: int
    repeats: int
    seed: int
    ratio: float
    notes: tuple[str, ...] = ()
    reference: str | None = None
    groups: int | None = None
    group_name: str = GROUP
    domain: str = ""
    domains: tuple[str, ...] = ()
    domain_images: tuple[int, ...] = ()

    @property
    def division(self) -> str:
        """How the images are divided, as text."""
        if self.domains:
            return f"leaving out each {self.domain}"
        return f"{self.folds} folds × {self.repeats}"

    def worst_domain(self, model: ModelScores, metric: str) -> tuple[str, float] | None:
        """Return the domain on which a model scores worst, and its score; None without domains or scores."""
        values = model.scores[metric].ravel()
        if not self.domains or np.isnan(values).all():
            return None
        worst = int(np.nanargmax(values) if metric in LOWER_IS_BETTER else np.nanargmin(values))
        return self.domains[worst], float(values[worst])

    @property
    def images_of_groups(self) -> str:
        """Number of images, and of groups if a group has several, as text."""
        return images_of_groups(self.images, self.groups, group=self.group_name)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One flat dict per model: mean, interval and standard deviations of `metric`, other means, seconds."""
        rows = []
        for rank, model in enumerate(self.models, start=1):
            means = {name: _plain(values.mean()) for name, values in model.scores.items() if name != self.metric}
            row = {"dataset": self.dataset, "rank": rank, "model": model.name, "images": self.images}
            row |= {"groups": self.groups}
            row |= {"ordered_by": self.metric, **model.summary(self.metric, self.ratio)}
            if self.domains:
                name, value = self.worst_domain(model, self.metric) or (None, None)
                row |= {"worst": value, "worst_domain": name}
            rows.append(row | means | {"seconds": round(model.seconds, 3), "flattered": model.flattered})
        return rows

    @property
    def means(self) -> list[Metric]:
        """The mean of `metric` with its interval of each model, in the order of `rows`."""
        return [Metric(row["mean"], row["low"], row["high"], row.get("reason", "")) for row in self.rows]

    @property
    def pairs(self) -> list[PairedTest]:
        """Tests of each model and the reference, or of all pairs, by `metric`, with Holm's correction."""
        return self.compare(self.metric)

    def compare(self, metric: str) -> list[PairedTest]:
        """Test the models by a metric with the corrected resampled t-test and Holm's correction.

        The scores of folds are not independent, since their training images overlap. The test corrects the variance
        for this by the ratio of test to training images [1]_, and extends it to repeated folds [2]_.

        Parameters
        ----------
        metric : str

        Returns
        -------
        list of PairedTest

        References
        ----------
        .. [1] Nadeau, C., Bengio, Y. "Inference for the generalization error." Machine Learning 52, 2003.
        .. [2] Bouckaert, R., Frank, E. "Evaluating the replicability of significance tests for comparing learning
           algorithms." PAKDD 2004.
        """
        models = {model.name: model for model in self.models}
        pairs = compared_pairs(list(models), self.tested_against, None)
        return holm([self._pair(models[first], models[second], metric) for first, second in pairs])

    @property
    def tested_against(self) -> str | None:
        """The reference if it was cross-validated; None if all pairs are tested."""
        return self.reference if self.reference in [model.name for model in self.models] else None

    def table(self) -> "pd.DataFrame":
        """Return :attr:`rows` as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values, including the score of every fold."""
        scores = [
            {name: [[_plain(value) for value in row] for row in values] for name, values in model.scores.items()}
            for model in self.models
        ]
        fields = ("dataset", "fingerprint", "task", "metric", "images", "groups", "folds", "repeats", "seed")
        domains = {"domain": self.domain, "domains": list(self.domains), "domain_images": list(self.domain_images)}
        return (
            {name: getattr(self, name) for name in fields}
            | (domains if self.domains else {})
            | {
                "models": [row | {"scores": values} for row, values in zip(self.rows, scores, strict=True)],
                "pairs": [pair.to_dict() for pair in self.pairs],
                "notes": [without_places(text) for text in self.notes],
            }
        )

    def _pair(self, first: ModelScores, second: ModelScores, metric: str) -> PairedTest:
        from scipy.stats import t

        differences = (first.scores[metric] - second.scores[metric]).ravel()
        mean, half = _mean_and_half_width(differences, self.ratio)
        degrees = len(differences) - 1
        error = half / t.ppf((1 + LEVEL) / 2, degrees)
        p_value = None
        if error > 0:
            p_value = float(2 * t.sf(abs(mean) / error, degrees))
        elif error == 0:  # the difference is the same in every fold
            p_value = 1.0 if mean == 0 else 0.0
        difference, low, high = (_plain(number) for number in (mean, mean - half, mean + half))
        return PairedTest(
            first=first.name,
            second=second.name,
            metric=metric,
            difference=difference,
            low=low,
            high=high,
            p_value=p_value,
            p_adjusted=p_value,
            test="corrected resampled t",
            n=self.images,
            n_groups=self.groups,
            group_name=self.group_name,
            level=LEVEL,
            error=_plain(error),
            degrees=degrees,
        )

    def _repr_html_(self) -> str:
        return self.table().to_html(index=False, float_format="%.3f")


def by_rank(models: list[ModelScores], metric: str) -> tuple[ModelScores, ...]:
    """Return models ordered by their mean score, best first. Models without a defined mean come last."""
    sign = 1 if metric in LOWER_IS_BETTER else -1
    means = [sign * model.scores[metric].mean() for model in models]
    order = np.argsort(np.where(np.isnan(means), np.inf, means), kind="stable")
    return tuple(models[i] for i in order)


def _mean_and_half_width(values: NDArray[np.float64], ratio: float) -> tuple[float, float]:
    """Return the mean over folds and half the width of its corrected interval; NaN if a fold has no score."""
    from scipy.stats import t

    error = np.sqrt((1 / len(values) + ratio) * values.var(ddof=1))
    return float(values.mean()), float(error * t.ppf((1 + LEVEL) / 2, len(values) - 1))


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
