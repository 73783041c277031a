"""The record of a stress run: the scores of one model on the same images, unchanged and corrupted."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hybrid.errors import unknown_name
from hybrid.evaluation import LOWER_IS_BETTER, METRICS, Metric
from hybrid.evaluation.groups import GROUP, images_of_groups
from hybrid.evaluation.metrics import format_score
from hybrid.extractors.images.corruptions import KINDS, Corruption
from hybrid.wording import joined, number
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.records import Record, saved_as
from hybrid.workspace.set_record import read_task
from hybrid.workspace.workspace import Workspace, slug

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class StressedScores:
    """The scores on images with one corruption.

    Attributes
    ----------
    corruption : {"blur", "noise", "contrast", "jpeg", "rotation"}
    strength : float
        Its strength, in the unit of the corruption.
    metrics : dict of str to Metric
        Scores with intervals.
    difference, low, high : float or None
        The main score on the corrupted images minus that on the unchanged ones, with its interval.
    p_adjusted : float or None
        p-value of the difference, adjusted for all corruptions, from the strongest of each kind on.
    distinguishable : bool
        Whether the difference is significant at the level of the intervals.
    """

    corruption: str
    strength: float
    metrics: dict[str, Metric]
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p_adjusted: float | None = None
    distinguishable: bool = False

    def is_worse(self, metric: str) -> bool:
        """Return whether the main score, `metric`, is significantly worse than on the unchanged images."""
        if not self.distinguishable or self.difference is None:
            return False
        return self.difference > 0 if metric in LOWER_IS_BETTER else self.difference < 0

    @property
    def words(self) -> str:
        """The corruption in words, such as "blur of 2 pixels"."""
        return Corruption(self.corruption, self.strength).describe()


@dataclass(frozen=True, kw_only=True, eq=False)
class StressRecord(Record):
    """The record of a stress run.

    Attributes
    ----------
    created : str
        Date and time in ISO format.
    model : str
        Name of the model.
    predictions_sha256 : str
        SHA-256 of its predictions in the workspace, which changes with the model; "" for a model that is
        in no workspace.
    dataset : str
        Name of the dataset.
    split : str or None
        The split of the images; None for all images.
    task : {"binary", "multiclass", "multilabel"}
    metric : str
        The main score, whose differences are tested.
    images : int
    groups : int or None
        Number of groups, such as patients; None if none are known.
    group_name : str
        What a group is called in words, such as "patient".
    level : float
        Coverage of the intervals.
    test : str
        The test of the differences.
    seed, policy : int
        Seed of the random numbers, and version of the definitions of the corruptions.
    clean : dict of str to Metric
        Scores on the unchanged images.
    scores : tuple of StressedScores
        Scores for each corruption and strength.
    notes : tuple of str
        Sentences about images that were left out.
    path : Path
        File of the record. It is not saved.
    """

    SCHEMA: ClassVar[int] = 1
    SEALED_SINCE: ClassVar[int] = 1
    REMEDY: ClassVar[str] = "Delete it and run `hybrid stress` again."

    created: str
    model: str
    predictions_sha256: str = ""
    dataset: str
    split: str | None = None
    task: str = field(metadata=saved_as(read=read_task))
    metric: str
    images: int
    groups: int | None = None
    group_name: str = GROUP
    level: float = 0.95
    test: str = ""
    seed: int = 0
    policy: int = 1
    clean: dict[str, Metric]
    scores: tuple[StressedScores, ...]
    notes: tuple[str, ...] = ()
    path: Path = field(default=Path(), metadata=saved_as(saved=False))

    def of(self, corruption: str) -> list[StressedScores]:
        """Return the scores for one kind of corruption, from the weakest strength to the strongest."""
        return [scores for scores in self.scores if scores.corruption == corruption]

    @property
    def images_of_groups(self) -> str:
        """Number of images, and of groups if a group has several, as text."""
        return images_of_groups(self.images, self.groups, group=self.group_name)

    @property
    def corruptions(self) -> list[str]:
        """The kinds of corruption, in their order."""
        return list(dict.fromkeys(scores.corruption for scores in self.scores))

    def table(self) -> "pd.DataFrame":
        """Return the scores as a DataFrame: a row for each corruption and strength, the first for unchanged images.

        Its columns are ``corruption``, ``strength``, each score with ``_low`` and ``_high``, and the ``difference`` of
        the main score with ``difference_low``, ``difference_high`` and ``p_adjusted``.
        """
        import pandas as pd

        rows = [{"corruption": "none", "strength": None, **_flat(self.clean)}]
        for one in self.scores:
            tested = {"difference": one.difference, "difference_low": one.low, "difference_high": one.high}
            rows.append(
                {
                    "corruption": one.corruption,
                    "strength": one.strength,
                    **_flat(one.metrics),
                    **tested,
                    "p_adjusted": one.p_adjusted,
                }
            )
        return pd.DataFrame(rows)

    def plot(self, metric: str | None = None, title: str = "") -> "Figure":
        """Draw a score, by default the main one, against the strength of each corruption; return the figure."""
        from hybrid import plots

        metric = metric or self.metric
        if metric not in self.clean:
            raise unknown_name("metric", metric, self.clean)
        lines = {}
        for kind in self.corruptions:
            found = [scores.metrics[metric] for scores in self.of(kind)]
            strengths = [KINDS[kind].tick(scores.strength) for scores in self.of(kind)]
            lines[KINDS[kind].unit] = plots.StressLine(
                strengths, [one.value for one in found], [one.interval for one in found]
            )
        clean = self.clean[metric]
        return plots.stress_chart(
            lines, label=METRICS[metric].title, clean=clean.value, clean_interval=clean.interval, title=title
        )

    def sentences(self) -> list[str]:
        """Return what the run shows, in words: first all corruptions together, then one sentence for each kind."""
        return [_all(self), *(_kind(self, self.of(kind)) for kind in self.corruptions)]

    def __str__(self) -> str:
        return "\n".join(self.sentences())


def _flat(metrics: dict[str, Metric]) -> dict[str, float | None]:
    return {
        key: value
        for name, metric in metrics.items()
        for key, value in ((name, metric.value), (f"{name}_low", metric.low), (f"{name}_high", metric.high))
    }


def stress_path(workspace: Workspace, model: str, dataset: str) -> Path:
    """Return where the record of a model on a dataset is saved."""
    return workspace.folder / "stress" / f"{slug(model, dataset)}.json"


def stress_records(workspace: Workspace, model: ModelRecord) -> list[StressRecord]:
    """Return the records of the stress runs of a model of a workspace, oldest first.

    Runs of an earlier model with the same name are left out.

    Parameters
    ----------
    workspace : Workspace
    model : ModelRecord

    Raises
    ------
    InputError
        If a record is damaged.
    """
    paths = sorted((workspace.folder / "stress").glob("[!.]*.json"))
    records = [replace(StressRecord.read(path), path=path) for path in paths]
    own = [one for one in records if one.model == model.name and one.predictions_sha256 == model.predictions_sha256]
    return sorted(own, key=lambda one: one.created)


def _all(record: StressRecord) -> str:
    worse = [one for one in record.scores if one.is_worse(record.metric)]
    title, clean = METRICS[record.metric].title, record.clean[record.metric]
    images = record.images_of_groups
    where = f"{images} of {record.dataset}" + (f" ({record.split})" if record.split else "")
    start = f"On {where}, {record.model} has a {title} of {clean}."
    if clean.value is None:
        return f"{start} Corruptions cannot be compared with it."
    if not worse:
        return f"{start} None of the {len(record.scores)} corruptions is shown to make it worse."
    kinds = [kind for kind in record.corruptions if any(one in worse for one in record.of(kind))]
    return (
        f"{start} {len(worse)} of {number(len(record.scores), 'corruption')} {'make' if len(worse) > 1 else 'makes'} "
        f"it significantly worse: {joined([_noun(kind) for kind in kinds])}."
    )


def _kind(record: StressRecord, scores: Sequence[StressedScores]) -> str:
    title, clean = METRICS[record.metric].title, record.clean[record.metric].value
    strongest = scores[-1]
    worse = [one for one in scores if one.is_worse(record.metric)]
    if not worse:
        value = format_score(strongest.metrics[record.metric].value)
        tested = "" if strongest.difference is None else f" (difference {_difference(record, strongest)})"
        noun, excludes = _noun(strongest.corruption), strongest.high is not None and strongest.high < 0
        start = (
            f"The loss of {title} by {noun} is not significant after the correction for all corruptions"
            if excludes and record.metric not in LOWER_IS_BETTER
            else f"No loss of {title} by {noun} is shown on these images"
        )
        return f"{start}: {strongest.words} changes it from {format_score(clean)} to {value}{tested}."
    first = worse[0]
    verb = "raises" if record.metric in LOWER_IS_BETTER else "lowers"
    text = (
        f"{_capital(first.words)} {verb} the {title} from {format_score(clean)} to "
        f"{format_score(first.metrics[record.metric].value)} (difference {_difference(record, first)})"
    )
    if first is strongest:
        return f"{text}; no loss is shown for weaker ones."
    rest = f"{strongest.words} {verb} it to {format_score(strongest.metrics[record.metric].value)}"
    weaker = "" if first is scores[0] else " No loss is shown for weaker ones."
    return f"{text}; {rest}.{weaker}"


def _difference(record: StressRecord, one: StressedScores) -> str:
    value = f"{one.difference:+.3f}".replace("-", "−")
    if one.low is None or one.high is None:
        return value
    bounds = f"{one.low:.3f} to {one.high:.3f}".replace("-", "−")
    return f"{value}, {record.level:.0%} interval {bounds}"


def _noun(kind: str) -> str:
    return {"contrast": "less contrast", "jpeg": "JPEG compression"}.get(kind, kind)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
