"""The predictive values of a model on other data, at a prevalence that the user names."""

from hybrid.comparison.find_usefulness import Prevalence, named_prevalence
from hybrid.evaluation import PredictiveValues, predictive_values
from hybrid.external.scores import SideScores


def values_at_prevalence(
    side: SideScores, dataset: str, given: Prevalence
) -> tuple[tuple[PredictiveValues, ...], tuple[str, ...]]:
    """Return the predictive values of each class or label whose prevalence was named, and notes on those without.

    Raises
    ------
    InputError
        If a share is not between 0 and 1, a class is unknown, or no class is named and there are more than two.
    """
    evaluation, part = side.evaluation, side.predictions
    shares = named_prevalence(evaluation, dataset, given)
    named = [label for label in evaluation.classes if str(label) in shares]
    lacking = [label for label in named if not 0 < evaluation.per_class[label]["support"] < evaluation.n]
    values = tuple(
        predictive_values(
            part.y,
            part.predicted,
            part.classes.tolist(),
            prevalence=shares[str(label)],
            pos_label=label,
            groups=part.groups,
            level=evaluation.level,
        )
        for label in named
        if label not in lacking
    )
    return values, tuple(
        f"There are no predictive values of “{label}”: they need images with and without it." for label in lacking
    )
