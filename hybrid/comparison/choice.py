"""Which model is chosen: by validation, the simplest of those it cannot tell from the best; or one fixed before."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hybrid.comparison.ordering import LOWER_IS_BETTER, badness
from hybrid.datasets.validation_size import is_few, rarest
from hybrid.evaluation import PairedTest, compare_models
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.predictions import Predictions

PREFERENCES = ("simplest", "best")
_HALF_WIDTH = 1.96  # standard errors from the middle to an end of a 95% interval


@dataclass(frozen=True)
class Choice:
    """The model that validation chose, or that was fixed in advance.

    Attributes
    ----------
    model : str
    metric : str
    value : float or None
        Its score on validation; None only for a model that was fixed in advance.
    best : str
        The model with the best score there.
    tied : tuple of str
        The models within one standard error of the best.
    reason : str
        In words.
    images : int
        Validation images that the choice rests on; 0 for a model that was fixed in advance.
    weak : bool
        Whether they are too few for a choice to be relied on.
    fixed_by : str
        What fixed the model in advance, such as "the recipe"; "" if validation chose it.
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
    """Return the model to take, by its validation score.

    With ``how="simplest"`` the one-standard-error rule (Breiman et al., Classification and Regression Trees, 1984,
    3.4.3): of all models whose score lies within one standard error of the best score, the one that costs least.
    The standard error is that of the difference on the same images.

    Parameters
    ----------
    models : sequence of ModelRecord
    validation : sequence of Predictions
        Those of the validation split, in the order of `models`.
    metric : str
    how : {"simplest", "best"}, default="simplest"

    Returns
    -------
    Choice or None
        None if no model has a defined score on a validation split.
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
    if how == "simplest" and len(scores) > 1:
        tied = _within_noise(models, validation, list(scores), best, metric)
    taken = min(tied, key=lambda number: cost(models[number]))
    names = tuple(models[number].name for number in tied)
    part, value, name = validation[taken], scores[taken].value, models[taken].name
    weak = len(scores) > 1 and is_few(part.y, part.classes)
    reason = _reason(models, len(part), scores, taken, best, tied, metric) + (_weakness(part) if weak else "")
    return Choice(name, metric, value, models[best].name, names, reason, len(part), weak)


def fixed_choice(
    models: Sequence[ModelRecord], validation: Sequence[Predictions], metric: str, name: str, fixed_by: str
) -> Choice:
    """Return the model that was fixed in advance, and say what validation would have chosen.

    Parameters
    ----------
    models, validation, metric
        As for :func:`choose`.
    name : str
        Of the model.
    fixed_by : str
        What fixed it, such as "the recipe".
    """
    other = choose(models, validation, metric)
    (taken,) = (model for model in models if model.name == name)
    value = taken.splits["val"].metrics[metric].value if "val" in taken.splits else None
    reason, fair = f"{name} is fixed in advance by {fixed_by}", "That is fair if nobody knew a score on test then."
    if other is None:
        return Choice(name, metric, value, name, (name,), f"{reason}. {fair}", fixed_by=fixed_by)
    on = f"on the {other.images} validation images"
    if other.model == name:
        reason += f"; {on}, with {metric} {value:.3f}, it would have been chosen, too."
    else:
        against = "" if value is None else f" against {value:.3f}"
        simplest = f", the simplest of {len(other.tied)} that are within one standard error of the best"
        why = simplest if len(other.tied) > 1 else ""
        reason += f"; {on} {other.model} would have been chosen{why}, with {metric} {other.value:.3f}{against}."
    return Choice(name, metric, value, other.best, other.tied, f"{reason} {fair}", fixed_by=fixed_by)


def cost(model: ModelRecord) -> tuple[float, float, float, str]:
    """Return what orders models from the simplest: the network's parameters, the features, the bytes of the head."""
    numbers = (model.parameters, model.width, model.bytes)
    parameters, width, size = (math.inf if number is None else float(number) for number in numbers)
    return parameters, width, size, model.name


def _within_noise(
    models: Sequence[ModelRecord],
    validation: Sequence[Predictions],
    numbers: list[int],
    best: int,
    metric: str,
) -> list[int]:
    """Return the models whose score is within one standard error, of the difference, from the best one's."""
    parts = {models[number].name: validation[number] for number in numbers}
    tests = compare_models(
        validation[best].y,
        {name: part.proba for name, part in parts.items()},
        validation[best].classes.tolist(),
        y_pred={name: part.predicted for name, part in parts.items()},
        pos_label=models[best].splits["val"].positive,
        metrics=(metric,),
    )
    name = models[best].name
    near = {
        other: _near(test) for test in tests if name in (test.first, test.second) for other in (test.first, test.second)
    }
    return [number for number in numbers if number == best or near[models[number].name]]


def _near(test: PairedTest) -> bool:
    if test.difference is None:
        return False
    if test.low is None or test.high is None:
        return test.difference == 0
    return abs(test.difference) <= (test.high - test.low) / (2 * _HALF_WIDTH)


def _reason(
    models: Sequence[ModelRecord],
    n: int,
    scores: Mapping[int, Any],
    taken: int,
    best: int,
    tied: Sequence[int],
    metric: str,
) -> str:
    name = models[taken].name
    text = f"{name} is chosen on the {n} validation images: {metric} {scores[taken].value:.3f}"
    least = "lowest" if metric in LOWER_IS_BETTER else "highest"
    if taken == best:
        others = f", and the simplest of the {len(tied)} that are within one standard error" if len(tied) > 1 else ""
        return f"{text}, the {least}{others}."
    return (
        f"{text}, the simplest of the {len(tied)} models within one standard error of {models[best].name}, whose "
        f"{scores[best].value:.3f} is the {least}."
    )


def _weakness(part: Predictions) -> str:
    return (
        f" The choice is weak: {len(part)} images, {rarest(part.y, part.classes)} of the rarest class, are few to "
        "choose on; draw a larger validation split, by --val 0.15, or val = 0.15 under [data] of a recipe."
    )
