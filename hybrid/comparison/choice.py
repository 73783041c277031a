"""Choose a model by its validation score, or report one that was fixed in advance."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hybrid.comparison.ordering import LOWER_IS_BETTER, badness
from hybrid.comparison.test_history import TestHistory, times
from hybrid.datasets.validation_size import is_few, larger_share, rarest
from hybrid.evaluation import PairedTest, compare_models
from hybrid.evaluation.groups import images_of_groups
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.predictions import Predictions, known_groups

BY_DOMAINS = "domains"
PREFERENCES = ("simplest", "best", BY_DOMAINS)
_HALF_WIDTH = 1.96  # half the width of a 95% interval, in standard errors


@dataclass(frozen=True)
class Choice:
    """The model that was chosen on validation or fixed in advance.

    Attributes
    ----------
    model : str
        Name of the chosen model.
    metric : str
    value : float or None
        Validation score of the chosen model; None only for a model that was fixed in advance.
    best : str
        The model with the best validation score.
    tied : tuple of str
        The models within one standard error of the best.
    reason : str
        Explanation of the choice, in one or more sentences.
    images : int
        Number of validation images that were used; 0 for a model that was fixed in advance.
    weak : bool
        Whether these are too few for a reliable choice.
    fixed_by : str
        What fixed the model in advance, such as "the recipe"; empty if it was chosen on validation.
    """

    model: str
    metric: str
    value: float | None
    best: str
    tied: tuple[str, ...]
    reason: str
    images: int = 0
    weak: bool = False
    fixed_by: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self) | {"tied": list(self.tied)}


def choose(
    models: Sequence[ModelRecord], validation: Sequence[Predictions], metric: str, how: str = "simplest"
) -> Choice | None:
    """Choose a model by its validation score.

    ``how="simplest"`` is the one-standard-error rule (Breiman et al., Classification and Regression Trees, 1984,
    3.4.3): of all models whose score is within one standard error of the best score, the simplest is chosen. The
    standard error is that of the difference between the two models on the same images.

    Parameters
    ----------
    models : sequence of ModelRecord
    validation : sequence of Predictions
        Predictions on the validation split, in the order of `models`.
    metric : str
        Name of the metric to choose by.
    how : {"simplest", "best", "domains"}, default="simplest"
        ``"domains"`` is the same as ``"simplest"`` here: the domains are those of a cross-validation.

    Returns
    -------
    Choice or None
        None if no model has a defined validation score.
    """
    scores = {
        number: model.splits["val"].metrics[metric]
        for number, model in enumerate(models)
        if "val" in model.splits and model.splits["val"].metrics[metric].value is not None
    }
    if not scores:
        return None
    best = min(scores, key=lambda number: (badness(scores[number], metric), cost(models[number])))
    tied = [best]
    if how != "best" and len(scores) > 1:
        tied = _within_standard_error(models, validation, list(scores), best, metric)
    chosen = min(tied, key=lambda number: cost(models[number]))
    names = tuple(models[number].name for number in tied)
    part, value, name = validation[chosen], scores[chosen].value, models[chosen].name
    weak = len(scores) > 1 and is_few(part.y, part.classes)
    reason = _reason(models, _counted(part, models[chosen]), scores, chosen, best, tied, metric) + (
        _weak_choice_warning(part, models[chosen]) if weak else ""
    )
    return Choice(name, metric, value, models[best].name, names, reason, len(part), weak)


def fixed_choice(
    models: Sequence[ModelRecord],
    validation: Sequence[Predictions],
    metric: str,
    name: str,
    fixed_by: str,
    history: TestHistory | None = None,
) -> Choice:
    """Return the model that was named instead of chosen, with a reason that names the model of validation.

    The reason says whether test scores had been shown when the model was named.

    Parameters
    ----------
    models, validation, metric
        As for :func:`choose`.
    name : str
        Name of the model.
    fixed_by : str
        What fixed the model, such as "the recipe".
    history : TestHistory, optional
        The earlier looks at test.
    """
    other = choose(models, validation, metric)
    (fixed,) = (model for model in models if model.name == name)
    value = fixed.splits["val"].metrics[metric].value if "val" in fixed.splits else None
    reason, fair = _how_fixed(name, fixed_by, history)
    if other is None:
        return Choice(name, metric, value, name, (name,), f"{reason}. {fair}", fixed_by=fixed_by)
    part = next(part for model, part in zip(models, validation, strict=True) if model.name == other.model)
    where = f"on the {_counted(part, fixed)}"
    if other.model == name:
        reason += f"; it would also have been chosen {where}, with {metric} {value:.3f}."
    else:
        against = "" if value is None else f" against {value:.3f}"
        simplest = f", the simplest of {len(other.tied)} that are within one standard error of the best"
        why = simplest if len(other.tied) > 1 else ""
        reason += f"; {where} {other.model} would have been chosen{why}, with {metric} {other.value:.3f}{against}."
    return Choice(name, metric, value, other.best, other.tied, f"{reason} {fair}", fixed_by=fixed_by)


def _how_fixed(name: str, fixed_by: str, history: TestHistory | None) -> tuple[str, str]:
    """Return who fixed the model and when, and whether test scores could have been the reason."""
    if history is None:
        return f"{name} is fixed in advance by {fixed_by}", "This is fair only if no test score was known then."
    if history.planned:
        fixed_by += f" (planned on {history.planned[:10]})"
    if history.looks_before_choice:
        return (
            f"{name} is named by {fixed_by}, after test had been shown {times(history.looks_before_choice)}",
            "It may have been named because of its test scores, which are too optimistic in that case. Decide before "
            "test is shown, with hybrid plan.",
        )
    return f"{name} is fixed in advance by {fixed_by}", "No test score had been shown in this workspace then."


def cost(model: ModelRecord) -> tuple[float, float, float, str]:
    """Return a sort key that puts simple models first: number of network parameters, number of features, size."""
    numbers = (model.parameters, model.width, model.bytes)
    parameters, width, size = (math.inf if number is None else float(number) for number in numbers)
    return parameters, width, size, model.name


def _within_standard_error(
    models: Sequence[ModelRecord],
    validation: Sequence[Predictions],
    numbers: list[int],
    best: int,
    metric: str,
) -> list[int]:
    """Return the models that differ from the best by at most one standard error of the difference."""
    parts = {models[number].name: validation[number] for number in numbers}
    tests = compare_models(
        validation[best].y,
        {name: part.proba for name, part in parts.items()},
        validation[best].classes.tolist(),
        y_pred={name: part.predicted for name, part in parts.items()},
        pos_label=models[best].splits["val"].positive,
        groups=known_groups(list(parts.values())),
        metrics=(metric,),
        reference=models[best].name,
    )
    is_tied = {test.first: _is_tied(test) for test in tests}
    return [number for number in numbers if number == best or is_tied[models[number].name]]


def _is_tied(test: PairedTest) -> bool:
    if test.difference is None:
        return False
    if test.low is None or test.high is None:
        return test.difference == 0
    return abs(test.difference) <= (test.high - test.low) / (2 * _HALF_WIDTH)


def _counted(part: Predictions, model: ModelRecord) -> str:
    """Return the number of validation images, and of their groups, as text."""
    n_groups = None if part.groups is None else len(set(part.groups.tolist()))
    return images_of_groups(len(part), n_groups, "validation image", model.group_name)


def _reason(
    models: Sequence[ModelRecord],
    images: str,
    scores: Mapping[int, Any],
    chosen: int,
    best: int,
    tied: Sequence[int],
    metric: str,
) -> str:
    name = models[chosen].name
    text = f"{name} is chosen on the {images}: {metric} {scores[chosen].value:.3f}"
    extreme = "lowest" if metric in LOWER_IS_BETTER else "highest"
    if chosen == best:
        others = f", and the simplest of the {len(tied)} that are within one standard error" if len(tied) > 1 else ""
        return f"{text}, the {extreme}{others}."
    return (
        f"{text}, the simplest of the {len(tied)} models within one standard error of {models[best].name}, whose "
        f"{scores[best].value:.3f} is the {extreme}."
    )


def _weak_choice_warning(part: Predictions, model: ModelRecord) -> str:
    others = [result.n for split, result in model.splits.items() if split != "val"]
    larger = larger_share(len(part) / (len(part) + sum(others)))
    advice = "Collect more labelled images, or add cross-validation: hybrid compare --cv 5."
    if larger is not None:
        advice = f"Use a larger validation split: --val {larger}, or val = {larger} under [data] of a recipe."
    return (
        f" The choice is weak: there are only {len(part)} validation images, {rarest(part.y, part.classes)} of the "
        f"rarest class. {advice}"
    )
