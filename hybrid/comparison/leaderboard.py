"""Leaderboard: models that were evaluated on the same images, in the order of their scores on validation."""

import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from hybrid.comparison.adapted import adapted_notes
from hybrid.comparison.aims import ReachedAim, aim_sentences, reached_aims
from hybrid.comparison.choice import BY_DOMAINS, PREFERENCES, Choice, choose, fixed_choice
from hybrid.comparison.cross_validation_result import CrossValidation
from hybrid.comparison.domains import choice_by_domains
from hybrid.comparison.labels import label_notes, model_labels, shared_suffix
from hybrid.comparison.leakage import Leakage
from hybrid.comparison.model_row import model_row
from hybrid.comparison.pair_settings import DEFAULT_PAIRS, PairSettings
from hybrid.comparison.paired_models import optimism, paired_tests
from hybrid.comparison.per_group import PerGroup
from hybrid.comparison.seeds import SeedSpread, seed_spreads
from hybrid.comparison.significance import SAME_PROBABILITIES, non_inferiority, significance
from hybrid.comparison.subgroups import ComparedSubgroups
from hybrid.comparison.test_history import TestHistory
from hybrid.comparison.usefulness import Usefulness
from hybrid.errors import InputError
from hybrid.evaluation import Evaluation, Metric, PairedTest
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.shift.result import DatasetShift
from hybrid.shift.score_changes import ScoreChange, score_changes
from hybrid.wording import number
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.predictions import Predictions, known_groups
from hybrid.workspace.private_paths import without_places
from hybrid.workspace.validation_use import affected_metrics, chosen_on_validation, validation_note


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """Models that were evaluated on the same images, in the order of their scores on one split.

    Attributes
    ----------
    dataset, fingerprint : str
        Name of the dataset, and the SHA-256 that identifies it.
    task : str
    split : str
        The split on which the models are compared.
    metric : str
        Metric by which the models are ordered.
    models : tuple of ModelRecord
    evaluations : tuple of Evaluation
        Scores on the compared split, in the order of `models`.
    saved : tuple of Predictions
        Predictions of each model on all splits, for the same images in the same order.
    remarks : tuple of str
        Remarks on how the leaderboard was built.
    how : str
        How a model is chosen: ``"simplest"`` (the simplest within one standard error of the best on validation) or
        ``"best"``, or ``"domains"`` for the best mean over the domains that a cross-validation left out; or the name of
        a model that was fixed in advance.
    fixed_by : str
        What fixed this name in advance, such as "the recipe".
    tested : PairSettings
        Which differences of models are tested.
    crossed : CrossValidation, optional
        Cross-validation of those models that can be fitted again, on train and validation.
    leakage : Leakage, optional
        The compared images that are also in train, and the scores without them.
    twins : dict of str to str
        Names of models that are not listed, each with the name of the listed model that predicts exactly the same.
    hidden : tuple of ModelRecord
        The models that are not listed.
    ordered_by : str
        The split whose scores order the models.
    history : TestHistory, optional
        The earlier looks at test, for a comparison on test of models in a workspace.
    per_group : PerGroup, optional
        The scores with each group of images, such as each patient, as one case.
    subgroups : ComparedSubgroups, optional
        The scores on subgroups of the images, such as on each hospital.
    fixed_classes : bool
        Whether intervals and tests hold for other images with the same share of each class.
    shift : DatasetShift, optional
        Whether the test images are like the images of train and validation.
    prevalence : dict of str to float
        The share of classes or labels, by name, in the population in which the models would be used.
    useful : dict of label to list of Usefulness
        For each class or label with a decision curve, whether each model is worth using.
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
    tested: PairSettings = DEFAULT_PAIRS
    crossed: CrossValidation | None = None
    leakage: Leakage | None = None
    twins: dict[str, str] = field(default_factory=dict)
    hidden: tuple[ModelRecord, ...] = ()
    ordered_by: str = ""
    history: TestHistory | None = None
    per_group: PerGroup | None = None
    subgroups: ComparedSubgroups | None = None
    fixed_classes: bool = True
    shift: DatasetShift | None = None
    prevalence: dict[str, float] = field(default_factory=dict)
    useful: dict[Any, list[Usefulness]] = field(default_factory=dict)

    def __repr__(self) -> str:
        scores = [result.metrics[self.metric] for result in self.evaluations]
        width = max(map(len, self.names))
        marks = {self.chosen: "  (chosen)"}
        lines = [
            f"  {name:<{width}}  {score}{marks.get(name, '')}" for name, score in zip(self.names, scores, strict=True)
        ]
        title = f"{self.dataset}, {self.evaluations[0].images}: {number(len(lines), 'model')} by {self.metric}"
        return "\n".join([title, *lines])

    @property
    def copies(self) -> Leakage | None:
        """The former name of `leakage`."""
        text = "The attribute 'copies' is called 'leakage' now; the former name will be removed."
        warnings.warn(text, FutureWarning, stacklevel=2)
        return self.leakage

    @property
    def names(self) -> list[str]:
        """Names of the models, in their order."""
        return [model.name for model in self.models]

    @property
    def shared_suffix(self) -> str:
        """Common suffix of all names, which begins with a hyphen and precedes any `-last`. Figures have it as title."""
        return shared_suffix(self.names)

    @property
    def labels(self) -> list[str]:
        """Names of the models as tables and figures show them, see :meth:`label`."""
        return [self.label(name) for name in self.names]

    def label(self, name: str) -> str:
        """Return a model's name without :attr:`shared_suffix`, and shortened if it is still long."""
        return self._labels.get(name) or model_labels([name], self.shared_suffix)[name]

    @cached_property
    def _labels(self) -> dict[str, str]:
        return model_labels([*self.names, *self.twins], self.shared_suffix)

    @property
    def label_notes(self) -> list[str]:
        """Sentences that say what the labels leave out, with the full names."""
        return label_notes(dict(zip(self.names, self.labels, strict=True)), self.shared_suffix)

    def is_crossed_by(self, result: CrossValidation) -> bool:
        """Return whether a cross-validation contains models of this leaderboard."""
        return result.fingerprint == self.fingerprint and any(model.name in self.names for model in result.models)

    @cached_property
    def predictions(self) -> tuple[Predictions, ...]:
        """Predictions of each model on the compared split, in the order of `models`."""
        return tuple(predictions.part(self.split) for predictions in self.saved)

    @property
    def ids(self) -> np.ndarray:
        """Ids of the compared images, ndarray of str of shape (n,)."""
        return self.predictions[0].ids

    @property
    def truth(self) -> np.ndarray:
        """True labels of the compared images, ndarray of shape (n,) or, for several labels, (n, k) of 0 and 1."""
        return self.predictions[0].y

    @cached_property
    def pairs(self) -> tuple[PairedTest, ...]:
        """Tests of the models on the compared images: each with the reference, or all pairs, by the main metrics."""
        first = self.evaluations[0]
        tests = paired_tests(self.names, self.predictions, first.positive, self.main_metrics, self.pairs_tested)
        return tuple(replace(test, group_name=first.group_name) for test in tests)

    @cached_property
    def pairs_per_group(self) -> tuple[PairedTest, ...]:
        """The same tests with each group as one case; empty if results per group were not asked for."""
        settings = {name: value for name, value in self.pairs_tested.items() if name != "fixed_classes"}
        return tuple(self.per_group.tests(self.main_metrics, **settings)) if self.per_group else ()

    @property
    def primary(self) -> tuple[str, ...]:
        """The metrics that decide, beginning with the one by which the models are ordered."""
        return tuple(dict.fromkeys([self.metric, *self.tested.primary]))

    @property
    def main_metrics(self) -> tuple[str, ...]:
        """The primary metrics, followed by the main metrics of the task."""
        return tuple(dict.fromkeys([*self.primary, *TASKS[self.task].tested]))

    @property
    def reference(self) -> str | None:
        """Name of the model that the others are compared with; None if all pairs are tested."""
        if self.tested.pairs == "all":
            return None
        return next((name for name in self.tested.references if name in self.names), self.chosen)

    @property
    def pairs_tested(self) -> dict[str, Any]:
        """What :func:`hybrid.compare_models` is told about the pairs and the primary metrics."""
        margin = None if self.reference is None else self.tested.margin
        tested = {"reference": self.reference, "primary": self.primary, "margin": margin}
        return tested | {"fixed_classes": self.fixed_classes}

    @cached_property
    def seeds(self) -> tuple[SeedSpread, ...]:
        """The spread over training seeds on validation and the compared split, of models trained with several seeds."""
        splits = tuple(dict.fromkeys(["val", self.split]))
        models = (*self.models, *self.hidden)
        spreads = [spread for name in self.main_metrics for spread in seed_spreads(models, splits, name)]
        return tuple(spread for spread in spreads if not self.twins.keys() >= set(spread.models))

    @cached_property
    def choice(self) -> Choice | None:
        """The chosen model and the reason; None if no model has a validation score. The test split is never used."""
        validation = [predictions.part("val") for predictions in self.saved]
        if self.how == BY_DOMAINS and self.crossed and self.crossed.domains:
            return choice_by_domains(self.crossed)
        if self.how in PREFERENCES:
            return choose(self.models, validation, self.metric, self.how)
        return fixed_choice(self.models, validation, self.metric, self.how, self.fixed_by, self.history)

    def validation(self, model: ModelRecord) -> Metric | None:
        """Return the validation score of a model; None if it has none, or if validation is the compared split."""
        if self.split == "val" or "val" not in model.splits:
            return None
        return model.splits["val"].metrics[self.metric]

    def chosen_on_validation(self, model: ModelRecord, metric: str | None = None) -> tuple[str, ...]:
        """Return what the validation images chose for a model and can change a metric: parts of it, and the model."""
        return (*chosen_on_validation(model, metric), *self._chosen_itself(model))

    def _chosen_itself(self, model: ModelRecord) -> list[str]:
        here = self.choice is not None and self.choice.model == model.name and not self.choice.fixed_by
        return ["the model"] if here and len(self.models) + len(self.hidden) > 1 else []

    def validation_note(self, model: ModelRecord, metric: str, split: str = "val") -> str:
        """Return the footnote of a model's score on a split, which is empty for other splits than validation."""
        return validation_note(self.chosen_on_validation(model, metric)) if split == "val" else ""

    @property
    def chosen(self) -> str | None:
        """Name of the model that was chosen on validation or fixed in advance; None if there is none."""
        return self.choice.model if self.choice else None

    @property
    def chosen_number(self) -> int | None:
        """Index of the chosen model in `models`; None if none was chosen."""
        return None if self.chosen is None else self.names.index(self.chosen)

    @cached_property
    def score_changes(self) -> tuple[ScoreChange, ...]:
        """By how much the chosen model's main scores change from validation to test; empty if this is not known."""
        number = self.chosen_number
        if number is None or self.split != "test" or "val" not in self.models[number].splits:
            return ()
        model, val = self.models[number], self.models[number].splits["val"]
        metrics = [
            name for name in self.main_metrics if name in val.metrics and name in self.evaluations[number].metrics
        ]
        chosen = {name: self.chosen_on_validation(model, name) for name in metrics}
        validation = self.saved[number].part("val")
        with suppress(InputError):  # scores of an earlier version may have no intervals
            return score_changes(self.evaluations[number], val, validation, self.truth, metrics, chosen)
        return ()

    @cached_property
    def aims(self) -> tuple[ReachedAim, ...]:
        """Whether each model with an aim such as ``recall=0.98`` reached it on the compared images."""
        return reached_aims(self.models, self.evaluations, self.split)

    @cached_property
    def optimism(self) -> float | None:
        """By how much the first score is too good because it is the best; None if validation orders the models."""
        if self.ordered_by != self.split or self.split == "train" or len(self.models) < 2:
            return None
        first = self.evaluations[0]
        return optimism(self.names, self.predictions, first.positive, self.metric, self.fixed_classes)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Remarks that matter for the interpretation of the table, beginning with the reason of the choice."""
        reason = (self.choice.reason,) if self.choice else ()
        looks = self.history.sentences() if self.history else ()
        order = () if self.optimism is None else (self._order(self.optimism),)
        same = [f"{one} and {other} {SAME_PROBABILITIES}." for one, other in self.same_probabilities]
        same = same if len(self.models) > 2 else []  # of two models, the sentence on their difference says it
        further = (*adapted_notes(self.models), *aim_sentences(self.aims, self.split, but=self.chosen))
        return (*reason, *looks, *order, *self.remarks, *further, *self.significance, *same, *self._group_notes())

    def _order(self, optimism: float) -> str:
        """Return a sentence on the order of the models and, if it can be seen in three digits, on the optimism."""
        order = f"The models are ordered by {self.metric} on {self.split}."
        if optimism < 0.0005:
            return order
        return (
            f"{order} The best of {len(self.models)} scores is partly the luckiest: it is too good by about "
            f"{optimism:.3f} on average."
        )

    def _group_notes(self) -> list[str]:
        """Return sentences on how groups of images, such as patients, were taken into account."""
        notes = [result.group_note for result in self.evaluations if result.group_note][:1]
        ignored = [
            model.name for model, result in zip(self.models, self.evaluations, strict=True) if result.n_groups is None
        ]
        if self.groups is not None and ignored:
            which = ", ".join(ignored)
            notes.append(f"Fitted before groups were kept, so with intervals for independent images: {which}.")
        return notes

    @property
    def groups(self) -> np.ndarray | None:
        """Group of each compared image, ndarray of str of shape (n,); None if no groups are known."""
        return known_groups(self.predictions)

    @cached_property
    def same_probabilities(self) -> tuple[tuple[str, str], ...]:
        """Pairs of models that give all compared images the same probabilities, but differ in their thresholds."""
        pairs = combinations(zip(self.names, self.predictions, strict=True), 2)
        return tuple(
            (one, other)
            for (one, first), (other, second) in pairs
            if np.array_equal(first.proba, second.proba) and not np.array_equal(first.predicted, second.predicted)
        )

    @property
    def significance(self) -> tuple[str, ...]:
        """Sentences on which models differ significantly, by each primary metric."""
        return self._significance(self.pairs)

    @property
    def significance_per_group(self) -> tuple[str, ...]:
        """Sentences on which models differ significantly with each group as one case."""
        return self._significance(self.pairs_per_group)

    def _significance(self, tests: Sequence[PairedTest]) -> tuple[str, ...]:
        role = "the chosen model" if self.reference == self.chosen else "the reference"
        return tuple(
            sentence
            for metric in self.primary
            for sentence in (
                *significance(
                    tests,
                    self.names,
                    metric,
                    self.chosen,
                    self.reference,
                    role,
                    bool(self.same_probabilities),
                    self.evaluations[0].group_name,
                ),
                *non_inferiority(tests, metric),
            )
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What can make the scores of any of the models misleading, each reason once."""
        return tuple(dict.fromkeys(text for model in self.models for text in model.warnings))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One flat dict per model: its identity, its scores with their intervals, and its costs."""
        pairs = zip(self.models, self.evaluations, strict=True)
        return [self._row(number, model, result) for number, (model, result) in enumerate(pairs)]

    def _row(self, number: int, model: ModelRecord, result: Evaluation) -> dict[str, Any]:
        return {"dataset": self.dataset, "dataset_fingerprint": self.fingerprint} | model_row(
            number + 1,
            model,
            result,
            metric=self.metric,
            is_chosen=model.name == self.chosen,
            on_validation=self.validation(model),
            chosen_on_validation=self.chosen_on_validation(model),
            affected=affected_metrics(model, self._chosen_itself(model)),
            without_copies=self.leakage.without.get(model.name) if self.leakage else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "dataset": self.dataset,
            "dataset_fingerprint": self.fingerprint,
            "task": self.task,
            "metric": self.metric,
            "choice": self.choice.to_dict() if self.choice else None,
            "tested": self.tested.to_dict() | {"reference": self.reference, "primary": list(self.primary)},
            "notes": [without_places(text) for text in self.notes],
            "warnings": [without_places(text) for text in self.warnings],
            "models": [
                row | {"evaluation": result.to_dict()} for row, result in zip(self.rows, self.evaluations, strict=True)
            ],
            "pairs": [test.to_dict() for test in self.pairs],
            "seeds": [spread.to_dict() for spread in self.seeds],
            "cross_validation": self.crossed.to_dict() if self.crossed else None,
            "test_history": self.history.to_dict() if self.history else None,
            "per_group": self.per_group.to_dict() | {"pairs": [test.to_dict() for test in self.pairs_per_group]}
            if self.per_group
            else None,
            "subgroups": self.subgroups.to_dict() if self.subgroups else None,
            "shift": self.shift.to_dict() if self.shift else None,
            "score_changes": [one.to_dict() for one in self.score_changes],
            "aims": [one.to_dict() for one in self.aims],
            "usefulness": [one.to_dict() for several in self.useful.values() for one in several],
            "in_train_too": self.leakage.to_dict() if self.leakage else None,
        }
