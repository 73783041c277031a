"""The result of an evaluation: scores with intervals, as text, table, JSON and HTML."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.evaluation.groups import GROUP, images_of_groups
from hybrid.evaluation.metrics import format_score
from hybrid.evaluation.named_scores import NamedScores
from hybrid.wording import plural_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Metric:
    """A score and its interval. Values that are not defined are None, and `note` gives the reason.

    Attributes
    ----------
    value : float or None
        The score.
    low, high : float or None
        Bounds of the interval. `low` alone is None if the score has only an upper bound, and `high` alone if it has
        only a lower one.
    note : str
        Why a value is None, or a remark on it; usually empty.
    unreliable : bool
        Whether the note says why the interval may not hold.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""
    unreliable: bool = False

    @property
    def interval(self) -> tuple[float, float] | None:
        """The bounds of the interval; None unless there are both."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def reason(self) -> str:
        """Why the value or a bound is missing, or the interval is unreliable; "" if nothing is, or it is not known."""
        return self.note if self.unreliable or self.value is None or self.interval is None else ""

    def bounds_text(self, between: str = "–") -> str:
        """Return the bounds as text; "" if there are none.

        Examples
        --------
        >>> Metric(0.9, 0.8, 0.95).bounds_text(), Metric(0.047, None, 0.061).bounds_text()
        ('0.800–0.950', 'at most 0.061')
        """
        if self.high is None:
            return "" if self.low is None else f"at least {format_score(self.low)}"
        high = format_score(self.high)
        return f"at most {high}" if self.low is None else f"{format_score(self.low)}{between}{high}"

    def __str__(self) -> str:
        words = ": ".join(filter(None, (self.bounds_text(), self.reason)))
        return format_score(self.value) + (f" ({words})" if words else "")

    def to_dict(self) -> dict[str, Any]:
        """Return the metric as a dict of JSON values, without the note if it is empty."""
        entry: dict[str, Any] = {"value": self.value, "low": self.low, "high": self.high}
        entry |= {"note": self.note} if self.note else {}
        return entry | {"unreliable": True} if self.unreliable else entry


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """The scores of one model on one split.

    Attributes
    ----------
    task : {"binary", "multiclass", "multilabel"}
        The kind of classification.
    classes : tuple
        Classes or label names, in the order of the columns of the probabilities.
    positive : object
        The positive class of a binary task; None for other tasks.
    n : int
        Number of images.
    metrics : dict of str to Metric
        Overall scores, named as in scikit-learn ("roc_auc", "f1_macro", …). The recall of the positive class of two is
        "sensitivity", and "mcc" and "brier" have short names; scikit-learn's names can be read as well.
    per_class : dict of class to dict of str to Metric or int
        Scores of each class against the rest, and its number of images as "support"; if groups were given, also the
        number of groups with images of the class as "groups".
    confusion : ndarray of int or float64
        Confusion matrix with true classes as rows and predicted classes as columns, of shape (k, k). For multi-label
        tasks of shape (k, 2, 2), as from scikit-learn's ``multilabel_confusion_matrix``. With weights, sums of them.
    level : float
        Coverage of the intervals.
    n_boot, seed : int
        Number of bootstrap draws, and their seed.
    method : {"bca", "percentile"}
        How the intervals were computed from the draws.
    n_groups : int or None
        Number of groups, such as patients, that the images come from; None if no groups were given.
    fixed_classes : bool
        Whether the intervals hold for the same share of each class.
    group_name : str
        What a group is called in words, such as "patient"; "group" if the name of its column is not known.
    effective_n : float or None
        If the images are weighted, the number of equally weighted images whose mean has the same variance (Kish); None
        if all images count alike. `n`, `n_groups` and "support" count images and groups, whatever their weights.

    Examples
    --------
    >>> from hybrid.evaluation import evaluate
    >>> p = np.array([0.1, 0.4, 0.35, 0.8])
    >>> evaluation = evaluate([0, 0, 1, 1], np.column_stack([1 - p, p]), [0, 1], n_boot=0)
    >>> evaluation.metrics["roc_auc"].value
    0.75
    """

    task: str
    classes: tuple
    positive: Any
    n: int
    metrics: dict[str, Metric]
    per_class: dict[Any, dict[str, Any]]
    confusion: np.ndarray
    level: float = 0.95
    n_boot: int = 2000
    seed: int = 0
    method: str = "bca"
    n_groups: int | None = None
    fixed_classes: bool = False
    effective_n: float | None = None
    group_name: str = GROUP

    @property
    def weighted(self) -> bool:
        """Whether the images have different weights."""
        return self.effective_n is not None

    def __post_init__(self) -> None:
        object.__setattr__(self, "metrics", NamedScores(self.metrics))
        per_class = {label: NamedScores(scores) for label, scores in self.per_class.items()}
        object.__setattr__(self, "per_class", per_class)

    @property
    def clustered(self) -> bool:
        """Whether intervals are those for images in groups: whether a group has several images."""
        return self.n_groups is not None and self.n_groups < self.n

    @property
    def images(self) -> str:
        """Number of images, and of groups if a group has several, as text; with weights also the effective number."""
        images = images_of_groups(self.n, self.n_groups, group=self.group_name)
        return images if self.effective_n is None else f"{images}, weighted (effective number {self.effective_n:,.1f})"

    @property
    def population(self) -> str:
        """What the intervals hold for, in a few words."""
        images = f"other {plural_of(self.group_name) if self.clustered else 'images'} like these"
        if self.fixed_classes:
            return f"{images} with the same share of each class"
        varying = "label" if self.task == "multilabel" else "class"
        return f"{images}, in which the share of each {varying} varies, too"

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation as a dict of JSON values; None for values that are not defined."""
        return {
            "task": self.task,
            "classes": list(self.classes),
            "positive": self.positive,
            "n": self.n,
            "n_groups": self.n_groups,
            "effective_n": self.effective_n,
            **({} if self.group_name == GROUP else {"group_name": self.group_name}),
            "fixed_classes": self.fixed_classes,
            "level": self.level,
            "n_boot": self.n_boot,
            "seed": self.seed,
            "method": self.method,
            "metrics": {name: metric.to_dict() for name, metric in self.metrics.items()},
            # A list in the order of the classes, because JSON keys would turn the class 3 into "3".
            "per_class": [_plain(self.per_class[label]) for label in self.classes],
            "confusion": self.confusion.tolist(),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "Evaluation":
        """Return the evaluation from the dict that :meth:`to_dict` returned.

        Raises
        ------
        KeyError, TypeError
            If a field is missing, unknown or of the wrong type.
        """
        classes = tuple(saved["classes"])
        per_class = zip(classes, saved["per_class"], strict=True)
        effective_n = saved.get("effective_n")  # older versions had no weights
        return cls(
            task=saved["task"],
            classes=classes,
            positive=saved["positive"],
            n=saved["n"],
            metrics={name: Metric(**entry) for name, entry in saved["metrics"].items()},
            per_class={
                label: {
                    name: Metric(**entry) if isinstance(entry, Mapping) else entry for name, entry in scores.items()
                }
                for label, scores in per_class
            },
            confusion=np.array(saved["confusion"], dtype=np.int64 if effective_n is None else np.float64),
            level=saved["level"],
            n_boot=saved["n_boot"],
            seed=saved["seed"],
            method=saved.get("method", "percentile"),  # older versions had no other method
            n_groups=saved.get("n_groups"),
            fixed_classes=saved.get("fixed_classes", saved["task"] != "multilabel"),
            effective_n=effective_n,
            group_name=saved.get("group_name", GROUP),
        )

    def table(self) -> "pd.DataFrame":
        """Return the overall scores as a table with the columns value, low, high and reason.

        The reason says why a value or a bound is missing, or why an interval is unreliable, and is empty otherwise.
        """
        import pandas as pd

        rows = {name: (metric.value, metric.low, metric.high) for name, metric in self.metrics.items()}
        columns = ["value", "low", "high"]
        table = pd.DataFrame.from_dict(rows, orient="index", columns=columns, dtype=float).rename_axis("metric")
        return table.assign(reason=[metric.reason for metric in self.metrics.values()])

    def class_table(self) -> "pd.DataFrame":
        """Return the scores of each class as a table, with its number of images as "support"."""
        import pandas as pd

        rows = [
            {name: entry.value if isinstance(entry, Metric) else entry for name, entry in self.per_class[label].items()}
            for label in self.classes
        ]
        kinds = {name: float for name in rows[0] if name not in ("support", "groups")}
        return pd.DataFrame(rows, index=pd.Index(self.classes, name="class", tupleize_cols=False)).astype(kinds)

    def _class_rows(self) -> list[tuple[str, ...]]:
        """Return the scores of each class as rows of text, with a header row."""
        names = list(next(iter(self.per_class.values())))
        rows = [tuple(_short(self.per_class[label][name]) for name in names) for label in self.classes]
        return [
            ("class", *names),
            *((str(label), *row) for label, row in zip(self.classes, rows, strict=True)),
        ]

    def notes(self) -> list[str]:
        """Return the notes on the scores, each with the names of its scores."""
        noted = [(name, metric) for name, metric in self.metrics.items() if metric.note]
        noted += [
            (f"{name} of {label}", metric)
            for label, scores in self.per_class.items()
            for name, metric in scores.items()
            if isinstance(metric, Metric) and metric.note
        ]
        reasons: dict[str, list[str]] = {}
        for name, metric in noted:
            reasons.setdefault(metric.note, []).append(name)
        return [f"{', '.join(names)}: {note}" for note, names in reasons.items()]

    def _title(self) -> str:
        positive = f", positive: {self.positive}" if self.task == "binary" else ""
        if self.n_boot:
            interval = f"; {self.level:.0%} intervals for {self.population} ({self.interval_method})"
        else:
            interval = "; without intervals, since n_boot is 0"
        return f"{self.task}, {len(self.classes)} classes{positive}; {self.images}{interval}"

    @property
    def interval_method(self) -> str:
        """How the intervals were computed, in a few words."""
        draws = f"{self.n_boot} bootstrap draws" + (f" of whole {plural_of(self.group_name)}" if self.clustered else "")
        if self.method != "bca":
            return f"{self.method}, from {draws}"
        if self.clustered or self.weighted:
            return (
                f"from {draws} with Student's t; Obuchowski's for ROC AUC, Wilson's with a design effect for shares of "
                "images"
            )
        return (
            f"Wilson's for shares of images, DeLong's for ROC AUC, the jackknife's for its means, else BCa from {draws}"
        )

    @property
    def group_note(self) -> str:
        """A sentence on how the groups were taken into account; "" if no group has several images."""
        if not self.clustered or not self.n_boot:
            return ""
        one, several = self.group_name, plural_of(self.group_name)
        what = "group (a patient, or copies of one image)" if one == GROUP else one
        return (
            f"Images of one {what} resemble each other, so the intervals are those for {self.n_groups:,} {several}, "
            f"not for {self.n:,} independent images: {self.interval_method}."
        )

    def __str__(self) -> str:
        width = max(map(len, self.metrics))
        lines = [self._title(), ""]
        lines += [f"{name:<{width}}  {metric}" for name, metric in self.metrics.items()]
        lines += ["", *_aligned(self._class_rows())]
        return "\n".join([*lines, *(f"Note: {note}." for note in self.notes())])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        scores = "".join(
            f"<tr><td>{escape(name)}</td><td>{escape(str(metric))}</td></tr>" for name, metric in self.metrics.items()
        )
        head, *rows = self._class_rows()
        classes = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        header = "".join(f"<th>{escape(name)}</th>" for name in head)
        notes = "".join(f"<p>Note: {escape(note)}.</p>" for note in self.notes())
        return (
            f"<p>{escape(self._title())}</p><table><tbody>{scores}</tbody></table>"
            f"<table><thead><tr>{header}</tr></thead><tbody>{classes}</tbody></table>{notes}"
        )


def _plain(scores: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry.to_dict() if isinstance(entry, Metric) else entry for name, entry in scores.items()}


def _short(entry: Any) -> str:
    return format_score(entry.value) if isinstance(entry, Metric) else str(entry)


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
