"""The scores of subgroups with their gaps, as sentences, a table and JSON."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hybrid.evaluation.groups import images_of_groups
from hybrid.evaluation.metrics import LOWER_IS_BETTER, format_score
from hybrid.evaluation.paired_test import p_text, shown_in_points
from hybrid.evaluation.result import Evaluation, Metric
from hybrid.evaluation.unpaired import UnpairedTest
from hybrid.wording import and_more, number

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 6  # subgroups that a sentence names


@dataclass(frozen=True, eq=False)
class Gap:
    """The gap between a subgroup and all other images in one metric.

    Attributes
    ----------
    metric : str
    test : UnpairedTest or None
        The difference between the subgroup and the rest; None if there are too few images, as `reason` says.
    p_adjusted : float or None
        The p-value with Holm's correction for all gaps in this metric.
    corrected_for : int
        Number of these gaps.
    reason : str
        Why there is no test; "" if there is one.
    """

    metric: str
    test: UnpairedTest | None
    p_adjusted: float | None = None
    corrected_for: int = 1
    reason: str = ""

    @property
    def distinguishable(self) -> bool:
        """Whether the gap is larger than chance explains: whether the adjusted p-value is below 1 − `level`."""
        return (
            self.test is not None and self.p_adjusted is not None and self.p_adjusted < round(1 - self.test.level, 12)
        )

    @property
    def verdict(self) -> str:
        """What the test says: "better", "worse", "cannot be told apart", or why there is no test."""
        if self.test is None:
            return self.reason
        if self.p_adjusted is None:
            return self.test.note or "not tested"
        if not self.distinguishable or self.test.difference is None:
            return "cannot be told apart"
        return "better" if (self.test.difference > 0) != (self.metric in LOWER_IS_BETTER) else "worse"


@dataclass(frozen=True, eq=False)
class Subgroup:
    """The scores of a subgroup.

    Attributes
    ----------
    column : str
        Name of the division, such as ``"sex+view"``.
    name, label : str
        Name of the subgroup without and with the names of the columns, such as ``"F, AP"`` and ``"sex F, view AP"``.
    evaluation : Evaluation
        All scores with their intervals.
    gaps : dict of str to Gap
        The gap to all other images, by metric.
    """

    column: str
    name: str
    label: str
    evaluation: Evaluation
    gaps: dict[str, Gap]

    @property
    def images(self) -> str:
        """Number of images, and of groups if a group has several, as text."""
        return images_of_groups(self.evaluation.n, self.evaluation.n_groups, group=self.evaluation.group_name)

    @property
    def positives(self) -> int | None:
        """Number of images of the positive class; None unless there are two classes."""
        positive = self.evaluation.positive
        return None if positive is None else int(self.evaluation.per_class[positive]["support"])

    def metric(self, name: str) -> Metric:
        """Return a score with its interval."""
        return self.evaluation.metrics[name]


@dataclass(frozen=True, eq=False, repr=False)
class SubgroupScores:
    """The scores of subgroups of the images, with tests of the gaps between each of them and all other images.

    Attributes
    ----------
    metrics : tuple of str
        The metrics whose gaps are tested.
    subgroups : tuple of Subgroup
        The subgroups of all divisions, division by division.
    notes : tuple of str
        How numbers were divided into bins, and what limits the comparison.
    """

    metrics: tuple[str, ...]
    subgroups: tuple[Subgroup, ...]
    notes: tuple[str, ...] = ()

    def with_group_name(self, name: str) -> "SubgroupScores":
        """Return the same scores, whose groups of images are called by a name, such as "patient"."""
        named = (replace(one, evaluation=replace(one.evaluation, group_name=name)) for one in self.subgroups)
        return replace(self, subgroups=tuple(named))

    @property
    def columns(self) -> list[str]:
        """Names of the divisions."""
        return list(dict.fromkeys(subgroup.column for subgroup in self.subgroups))

    def of(self, column: str) -> list[Subgroup]:
        """Return the subgroups of a division."""
        return [subgroup for subgroup in self.subgroups if subgroup.column == column]

    def worst(self, column: str, metric: str) -> Subgroup | None:
        """Return the subgroup with the worst score among those with enough images; None if there are fewer than two."""
        scored = [s for s in self.of(column) if s.gaps[metric].test is not None and s.metric(metric).value is not None]
        if len(scored) < 2:
            return None
        sign = -1 if metric in LOWER_IS_BETTER else 1
        return min(scored, key=lambda subgroup: sign * (subgroup.metric(metric).value or 0.0))

    def sentence(self, column: str, metric: str) -> str:
        """Return a sentence on the worst subgroup of a division and its gap; "" if there is none."""
        worst = self.worst(column, metric)
        if worst is None:
            return ""
        gap, value = worst.gaps[metric], worst.metric(metric)
        interval = f" ({value.bounds_text()})" if value.bounds_text() else ""
        text = f"Lowest {metric} by {column}" if metric not in LOWER_IS_BETTER else f"Highest {metric} by {column}"
        text += f": {worst.label} with {format_score(value.value)}{interval} on {worst.images}"
        test = gap.test
        if test is None or test.p_value is None or gap.p_adjusted is None:
            return f"{text}."
        others = f"{format_score(test.second)} of all others"
        points = " points" if shown_in_points(metric) else ""
        adjusted = "adjusted " if gap.corrected_for > 1 else ""
        figures = f"{test.figure(test.difference, '+')}{points}, {adjusted}p {p_text(gap.p_adjusted)}"
        differs = "which is more than chance" if gap.distinguishable else "which can be due to chance"
        return f"{text}, against {others} ({figures}), {differs}."

    def sentences(self, metric: str) -> list[str]:
        """Return a sentence on the worst subgroup of each division, and one on subgroups that are not compared.

        Of further metrics than the first, only gaps that are more than chance are stated.
        """
        found = [self.sentence(column, metric) for column in self.columns if self._is_stated(column, metric)]
        few = [s.label for s in self.subgroups if s.gaps[metric].test is None]
        if few and metric == self.metrics[0]:
            found.append(
                f"Shown but not compared by {metric}, because there are too few images: {and_more(few, _NAMED)}."
            )
        return [text for text in found if text]

    def _is_stated(self, column: str, metric: str) -> bool:
        worst = self.worst(column, metric)
        return metric == self.metrics[0] or (worst is not None and worst.gaps[metric].distinguishable)

    @property
    def records(self) -> list[dict[str, Any]]:
        """One flat dict for each subgroup and metric."""
        return [_record(subgroup, metric) for subgroup in self.subgroups for metric in self.metrics]

    def table(self) -> "pd.DataFrame":
        """Return :attr:`records` as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.records)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        worst = [
            {"by": column, "metric": metric, "subgroup": None if (s := self.worst(column, metric)) is None else s.name}
            for column in self.columns
            for metric in self.metrics
        ]
        return {
            "metrics": list(self.metrics),
            "scores": self.records,
            "worst": worst,
            "sentences": [text for metric in self.metrics for text in self.sentences(metric)],
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        metric = self.metrics[0]
        width = max(len(subgroup.label) for subgroup in self.subgroups)
        rows = [f"  {s.label:<{width}}  {s.metric(metric)}  {s.images}" for s in self.subgroups]
        return "\n".join([f"{number(len(rows), 'subgroup')} by {metric}", *rows, *self.sentences(metric), *self.notes])

    def _repr_html_(self) -> str:
        return self.table().to_html(index=False, float_format="%.3f", na_rep="–")


def _record(subgroup: Subgroup, metric: str) -> dict[str, Any]:
    score, gap, result = subgroup.metric(metric), subgroup.gaps[metric], subgroup.evaluation
    test = gap.test
    return {
        "by": subgroup.column,
        "subgroup": subgroup.name,
        "images": result.n,
        "groups": result.n_groups,
        "positives": subgroup.positives,
        "metric": metric,
        "value": score.value,
        "low": score.low,
        "high": score.high,
        "others": None if test is None else test.second,
        "difference": None if test is None else test.difference,
        "difference_low": None if test is None else test.low,
        "difference_high": None if test is None else test.high,
        "p_value": None if test is None else test.p_value,
        "p_adjusted": gap.p_adjusted,
        "corrected_for": gap.corrected_for,
        "verdict": gap.verdict,
    }


def notes_on_shares(subgroups: Sequence[Subgroup], metrics: Sequence[str], depending: Sequence[str]) -> list[str]:
    """Return a sentence if the positive class's share differs and a metric depends on it; an empty list otherwise."""
    named = [metric for metric in metrics if metric in depending]
    shares = [s.positives / s.evaluation.n for s in subgroups if s.positives is not None and s.evaluation.n]
    if not named or not shares or max(shares) - min(shares) < 0.1:
        return []
    return [
        f"The share of the positive class goes from {min(shares):.0%} to {max(shares):.0%} in these subgroups, and "
        f"{' and '.join(named)} depend on it: a gap may come from these shares alone."
    ]
