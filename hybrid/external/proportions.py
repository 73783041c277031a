"""Whether other class proportions alone explain the scores on other data, and what predictions say of proportions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hybrid.evaluation import METRICS, Evaluation, UnpairedTest, evaluate
from hybrid.evaluation.registry.tasks import OF_SHARES, TASKS
from hybrid.external.internal import OWN_NAMES, InternalSide
from hybrid.external.scores import SideScores
from hybrid.shift.estimated_shares import METHODS, EstimatedShares, estimate_class_shares
from hybrid.shift.score_changes import DRAWS, SMALLEST_CHANGE, ScoreChange, score_changes
from hybrid.wording import and_more, first_few
from hybrid.wording import joined as listed
from hybrid.workspace.predictions import Predictions

_TITLES = {"em": "expectation maximisation (EM)", "bbse": "the confusion matrix (BBSE)"}
_VAGUE = 0.5  # width of an interval of a share from which an estimate says nothing
_MOST = 3  # labels or metrics that a sentence names


@dataclass(frozen=True)
class ClassProportions:
    """The class proportions of measured images, and whether they alone explain a model's scores there.

    Attributes
    ----------
    classes : tuple of str
        The classes, or the labels of a multi-label task.
    new, own : tuple of float
        Share of the measured images, and of the model's own images, that have each class.
    estimates : tuple of EstimatedShares
        What the model's predictions alone say of the shares in the measured images, by each method; empty if a class
        has no image on one side. Of a multi-label task, each label is estimated for itself.
    changes : tuple of ScoreChange
        Scores that depend on the proportions, with what is expected if only the proportions differ.
    sentences : tuple of str
        All of this in words.
    """

    classes: tuple[str, ...] = ()
    new: tuple[float, ...] = ()
    own: tuple[float, ...] = ()
    estimates: tuple[EstimatedShares, ...] = ()
    changes: tuple[ScoreChange, ...] = ()
    sentences: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "classes": list(self.classes),
            "new": list(self.new),
            "own": list(self.own),
            "estimates": {
                one.method: {
                    "shares": list(one.shares),
                    "low": list(one.low),
                    "high": list(one.high),
                    "agrees": not one.excludes(self.new),
                }
                for one in self.estimates
            },
            "scores": [
                {
                    "metric": one.test.metric,
                    "label": None if one.test.label is None else str(one.test.label),
                    "new": one.test.first,
                    "own": one.test.second,
                    "expected": one.expected,
                    "explained": one.explained,
                }
                for one in self.changes
            ],
            "sentences": list(self.sentences),
        }


def explain_by_proportions(
    own: InternalSide, external: SideScores, internal: SideScores | None, metric: str, changed: Sequence[UnpairedTest]
) -> ClassProportions:
    """Return whether other class proportions alone explain a model's scores on other images.

    The model's own images are weighted to the proportions of the measured ones, and the scores that follow are compared
    with the measured ones. The proportions are also estimated from predictions alone, by expectation maximisation
    (Saerens, Latinne and Decaestecker 2002) and from the confusion matrix (Lipton, Wang and Smola 2018): both are right
    if the images of each class are alike.

    Parameters
    ----------
    own : InternalSide
    external, internal : SideScores
        The scores on the measured images, and those on the model's own images, if they are known.
    metric : str
        The metric of the main result.
    changed : sequence of UnpairedTest
        The differences of the scores of each class or label.
    """
    if internal is None:
        return ClassProportions(
            sentences=(
                "Whether other class proportions alone explain the scores is not known, because there are no "
                "predictions for images of the model's own to compare with.",
            )
        )
    names, several = external.predictions.classes, external.predictions.y.ndim == 2
    new, known = (_shares(side) for side in (external, internal))
    estimates, reason = _estimates(external, internal, new, known)
    side = OWN_NAMES[own.split]
    if several:
        changes = tuple(_changes_of_labels(external, internal, changed))
        said = [_explain_labels(changes, changed, side)]
        said += [reason or _estimated_labels(estimates, names, new)]
    else:
        scores = tuple(dict.fromkeys([metric, *TASKS[external.evaluation.task].tested]))
        changes = score_changes(
            external.evaluation, internal.evaluation, internal.predictions, external.predictions.y, scores, {}
        )
        said = [_explain_classes(changes, names, new, known, side)]
        said += [reason or _estimated_classes(estimates, names, new)]
    return ClassProportions(tuple(map(str, names.tolist())), tuple(new), tuple(known), estimates, changes, tuple(said))


def _shares(side: SideScores) -> list[float]:
    part = side.predictions
    has = part.y if part.y.ndim == 2 else part.y[:, None] == part.classes[None, :]
    return [float(share) for share in has.mean(axis=0)]


def _explain_classes(
    changes: Sequence[ScoreChange], names: np.ndarray, new: Sequence[float], known: Sequence[float], side: str
) -> str:
    """Return whether other proportions of the classes could explain the scores."""
    changed = [METRICS[one.test.metric].title for one in changes if one.test.distinguishable]
    if np.abs(np.subtract(new, known)).max() < SMALLEST_CHANGE:
        said = f"The class proportions are those of the model's {side}"
        if not changed:
            return f"{said}, so that they change no score."
        return f"{said}, so that other proportions do not explain the change in {listed(changed)}."
    k = _most_changed(new, known, len(names) == 2)
    said = f"“{names[k]}” is {new[k]:.0%} of these images and {known[k]:.0%} of the model's {side}"
    shown = [one for one in changes if one.expected is not None]
    if not shown:
        pairs = zip(names.tolist(), new, known, strict=True)
        who = first_few([str(label) for label, *both in pairs if (both[0] == 0) != (both[1] == 0)], _MOST)
        lacking = f", because only one of the two has images of {who}" if who else ""
        return f"{said}; what other proportions alone would change cannot be computed{lacking}."
    expected = listed([f"{one.expected:.3f} in {METRICS[one.test.metric].title}" for one in shown])
    said += f". If only the class proportions differed, it would be expected to score {expected}. "
    if not changed:
        return f"{said}No score differs by more than chance, so that nothing has to be explained."
    could = [METRICS[one.test.metric].title for one in shown if one.explained]
    cannot = [METRICS[one.test.metric].title for one in shown if one.explained is False]
    parts = [f"do not explain the {listed(cannot)} measured here"] if cannot else []
    parts += [f"could explain the {listed(could)}" + ("" if cannot else " measured here")] if could else []
    return f"{said}Other proportions alone {', but '.join(parts)}."


def _most_changed(first: Sequence[float], second: Sequence[float], two_classes: bool = False) -> int:
    """Return the class whose shares differ most; the second of two classes."""
    return 1 if two_classes else int(np.argmax(np.abs(np.subtract(first, second))))


def _estimates(
    external: SideScores, internal: SideScores, new: Sequence[float], known: Sequence[float]
) -> tuple[tuple[EstimatedShares, ...], str]:
    """Return the shares that the predictions alone suggest, by each method; or why there are none."""
    first, second = internal.predictions, external.predictions
    names = [str(label) for label in first.classes.tolist()]
    whole = (0.0, 1.0) if first.y.ndim == 2 else (0.0,)
    if lacking := [name for name, *shares in zip(names, new, known, strict=True) if {*shares} & {*whole}]:
        what = "images with and without" if first.y.ndim == 2 else "images of"
        return (), (
            f"The proportions were not estimated from predictions, which needs {what} {first_few(lacking, _MOST)} both "
            "here and among the model's own."
        )
    groups: dict[str, Any] = {"groups": first.groups, "new_groups": second.groups}
    if first.y.ndim == 1:
        given = first.y, first.proba, second.proba, first.classes
        return tuple(estimate_class_shares(*given, method=method, **groups) for method in METHODS), ""
    found = []
    for method in METHODS:
        labels = [
            estimate_class_shares(
                first.y[:, k], _as_two(first.proba[:, k]), _as_two(second.proba[:, k]), [0, 1], method=method, **groups
            )
            for k in range(len(names))
        ]
        shares, low, high = (tuple(getattr(one, part)[1] for one in labels) for part in ("shares", "low", "high"))
        found.append(EstimatedShares(tuple(names), shares, low, high, method))
    return tuple(found), ""


def _as_two(proba: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - proba, proba])


def _estimated_classes(estimates: Sequence[EstimatedShares], names: np.ndarray, new: Sequence[float]) -> str:
    """Return the estimates from predictions of the class on which they are worst, and whether they agree with truth."""
    wrong = [one for one in estimates if one.excludes(new)]
    worst = wrong[0] if wrong else estimates[0]
    k = _most_changed(worst.shares, new, len(names) == 2)
    return (
        f"From the model's predictions alone, “{names[k]}” would be estimated in {_in_words(estimates, k)}; it is in "
        f"{new[k]:.0%}. {_verdict(estimates, wrong, k)}"
    )


def _in_words(estimates: Sequence[EstimatedShares], k: int) -> str:
    return listed([
        f"{one.shares[k]:.0%} of the images by {_TITLES[one.method]} (95% interval {one.low[k]:.0%} to "
        f"{one.high[k]:.0%})" if not place else
        f"{one.shares[k]:.0%} by {_TITLES[one.method]} ({one.low[k]:.0%} to {one.high[k]:.0%})"
        for place, one in enumerate(estimates)
    ])  # fmt: skip


def _verdict(estimates: Sequence[EstimatedShares], wrong: Sequence[EstimatedShares], k: int) -> str:
    """Return what it means that estimates are right, wrong, or too uncertain to be either."""
    vague = [one for one in estimates if one not in wrong and one.high[k] - one.low[k] > _VAGUE]
    sure = [one for one in estimates if one not in vague and one not in wrong]
    said = []
    if wrong:
        who = "Both are wrong" if len(wrong) == len(estimates) else f"That by {_TITLES[wrong[0].method]} is wrong"
        only_em = all(one.method == "em" for one in wrong)
        why = "the probabilities are not calibrated here, or the images of a class differ" if only_em else (
            "the images of a class differ"
        )  # fmt: skip
        said.append(f"{who}, because {why}, so that a correction for other class proportions would be misled.")
    if vague:
        who = "Both intervals are" if len(vague) == len(estimates) else f"The interval of {_TITLES[vague[0].method]} is"
        said.append(f"{who} too wide to say anything.")
    elif sure and not wrong:
        said.append("Both agree with the true proportions, as they do if the images of each class are alike.")
    return " ".join(said)


def _changes_of_labels(
    external: SideScores, internal: SideScores, changed: Sequence[UnpairedTest]
) -> list[ScoreChange]:
    """Return the changes by more than chance of labels' scores that depend on shares, with what other shares change."""
    names, found = external.predictions.classes.tolist(), []
    tests = [test for test in changed if test.distinguishable and test.metric in OF_SHARES]
    for label in dict.fromkeys(test.label for test in tests):
        here, own = (_one_label(side, names.index(label)) for side in (external, internal))
        metrics = [test.metric for test in tests if test.label == label]
        changes = score_changes(here[1], own[1], own[0], here[0].y, metrics, {})
        found += [replace(one, test=replace(one.test, label=label)) for one in changes]
    return found


def _one_label(side: SideScores, k: int) -> tuple[Predictions, Evaluation]:
    """Return the predictions and scores of one label as those of two classes."""
    part = side.predictions
    one = replace(
        part, y=part.y[:, k], predicted=part.predicted[:, k], proba=_as_two(part.proba[:, k]), classes=np.array([0, 1])
    )
    given: dict[str, Any] = {"pos_label": 1, "groups": one.groups, "level": side.evaluation.level, "n_boot": DRAWS}
    return one, evaluate(one.y, one.proba, [0, 1], y_pred=one.predicted, **given)


def _explain_labels(changes: Sequence[ScoreChange], changed: Sequence[UnpairedTest], side: str) -> str:
    """Return whether other shares of each label could explain its scores."""
    tests = [test for test in changed if test.distinguishable]
    if not tests:
        return (
            f"No score of a label differs from that on the model's {side} by more than chance, so that other "
            "proportions of the labels have nothing to explain."
        )
    explained = {(one.test.label, one.test.metric) for one in changes if one.explained}
    titles = {(test.label, test.metric): f"the {METRICS[test.metric].title} of “{test.label}”" for test in tests}
    cannot, could = ([titles[key] for key in titles if (key in explained) == wanted] for wanted in (False, True))
    parts = [f"does not explain the change in {and_more(cannot, _MOST)}"] if cannot else []
    parts += [f"could explain that in {and_more(could, _MOST)}"] if could else []
    return (
        "An image counts for several labels at once, so that each label is examined for itself: if only its share "
        f"differed from that among the model's {side}, that {', but '.join(parts)}."
    )


def _estimated_labels(estimates: Sequence[EstimatedShares], names: np.ndarray, new: Sequence[float]) -> str:
    """Return for how many labels the estimates from predictions agree with the truth, and the worst one."""
    outside = np.array([one.outside(new) for one in estimates])
    wrong = np.flatnonzero(outside.any(axis=0)).tolist()
    if not wrong:
        return (
            f"The shares of all {len(names)} labels that the model's predictions alone suggest, by "
            f"{listed([_TITLES[one.method] for one in estimates])}, agree with the true ones, as they do if the images "
            "of each label are alike."
        )
    k = max(wrong, key=lambda one: max(abs(method.shares[one] - new[one]) for method in estimates))
    return (
        f"The shares that the model's predictions alone suggest are wrong for {len(wrong)} of {len(names)} labels: "
        f"“{names[k]}” would be estimated in {_in_words(estimates, k)}; it is in {new[k]:.0%}. Images with or without "
        "the label differ, or its probabilities are not calibrated here, so that a correction for other proportions "
        "would be misled."
    )
