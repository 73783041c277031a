"""Models that were evaluated on the same images."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hybrid.comparison.choice import PREFERENCES, Choice, choose, fixed_choice
from hybrid.comparison.cv_result import CrossValidation
from hybrid.comparison.leakage import Leakage
from hybrid.comparison.seeds import SeedSpread, seed_spreads
from hybrid.evaluation import Evaluation, Metric, PairedTest, compare_models
from hybrid.evaluation.metrics import TASKS
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.predictions import Predictions
from hybrid.workspace.private_paths import place_name, without_places

COST_TITLES = {
    "seconds": "seconds to train, extract, fit and predict",
    "parameters": "parameters of the networks",
    "bytes": "size on disk, bytes",
}
LAST = "-last"  # what the name of a network of the last epoch's weights ends with


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """Models that were evaluated on the same images, best first.

    Attributes
    ----------
    dataset, fingerprint : str
        Name of the data, and the digest that identifies it.
    task : str
    split : str
        The split that is compared.
    metric : str
        What the models are ordered by.
    models : tuple of ModelRecord
    evaluations : tuple of Evaluation
        Those of the compared split, in the order of `models`.
    saved : tuple of Predictions
        What each model said on every split; all of the same images, in the same order.
    remarks : tuple of str
        What was found when the group was made.
    how : str
        Which model is chosen: "simplest" of those that validation cannot tell from the best one, "best", or the name
        of one.
    fixed_by : str
        What fixed that name in advance.
    crossed : CrossValidation, optional
        The same models, those that can be fitted anew, cross-validated inside train and validation.
    copies : Leakage, optional
        The compared images that are in train, too, and the scores without them.
    """

    dataset: str
    fingerprint: str
    task: str
    split: str
    metric: str
    models: tuple[ModelRecord, ...]
    evaluations: tuple[Evaluation, ...]
    saved: tuple[Predictions, ...]
    remarks: tuple[str, ...] = ()
    how: str = "simplest"
    fixed_by: str = ""
    crossed: CrossValidation | None = None
    copies: Leakage | None = None

    @property
    def names(self) -> list[str]:
        """Names of the models, best first."""
        return [model.name for model in self.models]

    @property
    def shared_suffix(self) -> str:
        """What all names end with, from a hyphen on and before any `-last`; pictures say it in their title."""
        if len(self.names) < 2:
            return ""
        stems = [name.removesuffix(LAST) for name in self.names]
        ends = [stems[0][start:] for start, letter in enumerate(stems[0]) if letter == "-" and start]
        return next((end for end in ends if all(stem.endswith(end) and stem != end for stem in stems)), "")

    @property
    def labels(self) -> list[str]:
        """Names of the models without :attr:`shared_suffix`."""
        return [self.label(name) for name in self.names]

    def label(self, name: str) -> str:
        """Return a model's name without :attr:`shared_suffix`."""
        stem = name.removesuffix(LAST)
        return stem.removesuffix(self.shared_suffix) + name[len(stem) :]

    def is_crossed_by(self, result: CrossValidation) -> bool:
        """Return whether a cross-validation is of models of this group."""
        return result.fingerprint == self.fingerprint and any(model.name in self.names for model in result.models)

    @cached_property
    def predictions(self) -> tuple[Predictions, ...]:
        """What each model said on the compared split, in the order of `models`; all of the same images."""
        return tuple(whole.part(self.split) for whole in self.saved)

    @property
    def ids(self) -> np.ndarray:
        """Names of the compared images, (n,)."""
        return self.predictions[0].ids

    @property
    def truth(self) -> np.ndarray:
        """Their labels, (n,), or (n, k) of 0/1 for several labels."""
        return self.predictions[0].y

    @cached_property
    def pairs(self) -> tuple[PairedTest, ...]:
        """Every pair of models, tested on the compared images by the main metrics."""
        return tuple(paired_tests(self.names, self.predictions, self.evaluations[0].positive, self.main_metrics))

    @property
    def main_metrics(self) -> tuple[str, ...]:
        """What the models are ordered by, then the task's main metrics."""
        return tuple(dict.fromkeys([self.metric, *TASKS[self.task].tested]))

    @cached_property
    def seeds(self) -> tuple[SeedSpread, ...]:
        """The spread over seeds of each model that was trained with several, on validation and the compared split."""
        splits = tuple(dict.fromkeys(["val", self.split]))
        return tuple(spread for name in self.main_metrics for spread in seed_spreads(self.models, splits, name))

    @cached_property
    def choice(self) -> Choice | None:
        """Which model validation chooses, and why; None if no model has a score there. The test split has no say."""
        validation = [whole.part("val") for whole in self.saved]
        if self.how in PREFERENCES:
            return choose(self.models, validation, self.metric, self.how)
        return fixed_choice(self.models, validation, self.metric, self.how, self.fixed_by)

    def validation(self, model: ModelRecord) -> Metric | None:
        """Return the score on validation that a model is chosen by; None where there is none beside the compared."""
        if self.split == "val" or "val" not in model.splits:
            return None
        return model.splits["val"].metrics[self.metric]

    @property
    def chosen(self) -> str | None:
        """Name of the model that validation chooses, or that was fixed in advance."""
        return self.choice.model if self.choice else None

    @property
    def chosen_number(self) -> int | None:
        """Position of the chosen model, None if none was chosen."""
        return None if self.chosen is None else self.names.index(self.chosen)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What to know before reading an order into the table."""
        found = (self.choice.reason,) if self.choice else ()
        return (*found, *self.remarks, *significance(self.pairs, self.names, self.metric, self.chosen))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One flat dict a model: who it is, its scores with their intervals, its costs."""
        pairs = zip(self.models, self.evaluations, strict=True)
        return [self._row(number, model, result) for number, (model, result) in enumerate(pairs)]

    def _row(self, number: int, model: ModelRecord, result: Evaluation) -> dict[str, Any]:
        row: dict[str, Any] = {"dataset": self.dataset, "dataset_fingerprint": self.fingerprint}
        row |= {"rank": number + 1, "model": model.name, "chosen": model.name == self.chosen}
        row |= {"head": model.head, "backbone": _plus(model.backbones), "layers": _plus(model.layers)}
        row |= {"pooling": _plus(model.poolings), "width": model.width, "set": _plus(model.sets)}
        row |= {"n": result.n, "ordered_by": self.metric}
        if by := self.validation(model):
            key = f"val_{self.metric}"
            row |= {key: by.value, f"{key}_low": by.low, f"{key}_high": by.high}
        for name, metric in result.metrics.items():
            row |= {name: metric.value, f"{name}_low": metric.low, f"{name}_high": metric.high}
        if self.copies and (other := self.copies.without.get(model.name)):
            row |= {"n_without_copies": other.n}
            row |= {f"{name}_without_copies": metric.value for name, metric in other.metrics.items()}
        row |= {f"seconds_{part}": seconds for part, seconds in asdict(model.seconds).items()}
        return row | {"parameters": model.parameters, "bytes": model.bytes}

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "dataset": self.dataset,
            "dataset_fingerprint": self.fingerprint,
            "task": self.task,
            "metric": self.metric,
            "choice": self.choice.to_dict() if self.choice else None,
            "notes": [without_places(text) for text in self.notes],
            "models": [
                row | {"evaluation": result.to_dict()} for row, result in zip(self.rows, self.evaluations, strict=True)
            ],
            "pairs": [test.to_dict() for test in self.pairs],
            "seeds": [spread.to_dict() for spread in self.seeds],
            "cross_validation": self.crossed.to_dict() if self.crossed else None,
            "in_train_too": self.copies.to_dict() if self.copies else None,
        }


def _plus(values: Sequence[str]) -> str | None:
    """Return values joined by "+", paths as the names of what they lead to; None if there are none."""
    return "+".join(place_name(value) for value in values) or None


def paired_tests(
    names: list[str], parts: tuple[Predictions, ...], positive: Any, metrics: tuple[str, ...]
) -> list[PairedTest]:
    """Return the tests of every pair of models on the same images; none of a single model."""
    if len(names) < 2:
        return []
    return compare_models(
        parts[0].y,
        {name: part.proba for name, part in zip(names, parts, strict=True)},
        parts[0].classes.tolist(),
        y_pred={name: part.predicted for name, part in zip(names, parts, strict=True)},
        pos_label=positive,
        metrics=metrics,
    )


def significance(pairs: tuple[PairedTest, ...], names: list[str], metric: str, chosen: str | None) -> list[str]:
    """Return in words which models the compared images tell from the chosen one, and whether any two differ."""
    tests = [test for test in pairs if test.metric == metric]
    if not tests:
        return []
    n, apart = tests[0].n, [test for test in tests if test.distinguishable]
    corrected = f" (Holm's correction over {len(tests)} pairs)" if len(tests) > 1 else ""
    if not apart:
        which = f"No two of the {len(names)} models are" if len(names) > 2 else f"{names[0]} and {names[1]} are not"
        return [f"{which} distinguishable by {metric} on these {n} images{corrected}."]
    name = chosen or names[0]
    told = {one for test in apart if name in (test.first, test.second) for one in (test.first, test.second)}
    alike = [other for other in names if other not in (*told, name)]
    if not alike:
        return [f"{name} differs from every other model by {metric} on these {n} images{corrected}."]
    return [f"Not distinguishable from {name} by {metric} on these {n} images{corrected}: {', '.join(alike)}."]
