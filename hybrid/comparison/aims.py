"""Whether the aim of a threshold, such as a recall of at least 0.98, was reached on images that did not choose it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from hybrid.evaluation import Evaluation, Metric
from hybrid.pipelines.aim import AIMS, Aim
from hybrid.shift.result import SPLIT_NAMES
from hybrid.wording import and_more, joined
from hybrid.workspace.model_record import ModelRecord

_MOST_LABELS = 4
_DECIMALS = (3, 6)  # shown, and at most to show on which side of the level a score is


@dataclass(frozen=True)
class AimScore:
    """The score of an aim on one label, or on the positive class, and what it says.

    Attributes
    ----------
    label : object or None
        The label; None for a binary task.
    metric : Metric
    reached : bool or None
        Whether the score is at least the level of the aim; None if the score is not defined.
    certain : bool
        Whether the whole interval is on the same side of the level as the score.
    """

    label: Any
    metric: Metric
    reached: bool | None
    certain: bool

    @classmethod
    def of(cls, label: Any, metric: Metric, level: float) -> Self:
        """Return what a score and its interval say about a level."""
        reached = None if metric.value is None else metric.value >= level
        end = metric.low if reached else metric.high
        known = reached is not None and not metric.unreliable and end is not None
        return cls(label, metric, reached, known and (end >= level) is reached)  # type: ignore[operator]


@dataclass(frozen=True)
class ReachedAim:
    """Whether a model reached the aim of its thresholds.

    Attributes
    ----------
    model : str
    aim : Aim
        With a level.
    scores : tuple of AimScore
        One for each label; a single one for a binary task.
    coverage : float
        Coverage of the intervals.
    """

    model: str
    aim: Aim
    scores: tuple[AimScore, ...]
    coverage: float

    def sentences(self, images: str, of_model: bool = False) -> list[str]:
        """Return whether the aim was reached, and whether the intervals leave this open for other images.

        Parameters
        ----------
        images : str
            The images on which the scores were measured, such as "test images".
        of_model : bool, default=False
            Whether the sentence names the model.
        """
        of = f" of {self.model}" if of_model else ""
        if self.scores[0].label is None:
            return self._of_class(self.scores[0], f"The aim{of}, {self._words()},", images)
        return self._of_labels(f"The aim{of}, {self._words()} for each label,", images)

    def _of_class(self, score: AimScore, the_aim: str, images: str) -> list[str]:
        if score.reached is None:
            return [f"{the_aim} cannot be checked on the {images}: {score.metric.note or 'the score is not defined'}."]
        first = f"{the_aim} was {'' if score.reached else 'not '}reached on the {images}: {self._figures(score)}."
        if score.certain:
            return [first]
        return [first, f"Whether it is reached on other images like these cannot be said, because {self._why(score)}."]

    def _of_labels(self, the_aim: str, images: str) -> list[str]:
        reached = [score for score in self.scores if score.reached]
        missed = [score for score in self.scores if score.reached is False]
        undefined = [score for score in self.scores if score.reached is None]
        open_ones = [score for score in (*reached, *missed) if not score.certain]
        parts = [f"{the_aim} was reached on the {images} for {len(reached)} of {len(self.scores)} labels"]
        first = parts[0] + (f": {self._listed(reached)}." if reached else ".")
        more = [f"It was not reached for {self._listed(missed)}."] if missed else []
        if undefined:
            more.append(f"It cannot be checked for {_names(undefined)}, because the score is not defined there.")
        if open_ones:
            more.append(
                f"For {_names(open_ones)}, it cannot be said whether it is reached on other images like these, because "
                f"{self._why(open_ones[0]) if len(open_ones) == 1 else self._why_several(open_ones)}."
            )
        return [first, *more]

    def _words(self) -> str:
        sure = self.aim.confidence
        new = "" if sure is None else f" on new images with a confidence of {sure:g}"
        return f"a {AIMS[self.aim.name].title} of at least {self.aim.level:g}{new}"

    def _figures(self, score: AimScore) -> str:
        low, high = score.metric.low, score.metric.high
        value = self._number(score.metric.value)
        if low is None or high is None:
            return f"{value}, without an interval"
        return f"{value} ({self.coverage:.0%} interval {self._number(low)} to {self._number(high)})"

    def _number(self, value: float | None) -> str:
        """Return a score as text, with as many decimals as show whether it is below the level."""
        assert value is not None
        assert self.aim.level is not None
        least, most = _DECIMALS
        for decimals in range(least, most):
            if (round(value, decimals) >= self.aim.level) == (value >= self.aim.level):
                return f"{value:.{decimals}f}"
        return f"{value:.{most}f}"

    def _listed(self, scores: Sequence[AimScore]) -> str:
        return and_more([f"{score.label} {self._figures(score)}" for score in scores], _MOST_LABELS)

    def _why(self, score: AimScore) -> str:
        if score.metric.low is None or score.metric.high is None:
            return "the score has no interval"
        if score.metric.unreliable:
            return f"the interval is unreliable ({score.metric.note})"
        return f"the interval includes {self.aim.level:g}"

    def _why_several(self, scores: Sequence[AimScore]) -> str:
        if all(score.metric.interval and not score.metric.unreliable for score in scores):
            return f"the intervals include {self.aim.level:g}"
        return f"the intervals include {self.aim.level:g}, are missing or are unreliable"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "model": self.model,
            **asdict(self.aim),
            "scores": [
                {"label": score.label, "reached": score.reached, "certain": score.certain} | score.metric.to_dict()
                for score in self.scores
            ],
        }


def _names(scores: Sequence[AimScore]) -> str:
    names = [str(score.label) for score in scores]
    return joined(names) if len(names) <= _MOST_LABELS else and_more(names, _MOST_LABELS)


def reached_aim(model: str, aim: str | None, result: Evaluation) -> ReachedAim | None:
    """Return whether an aim was reached in an evaluation; None without an aim, or for one that has no level.

    Parameters
    ----------
    model : str
        Name of the model.
    aim : str or None
        As in ``hybrid fit --aim``, such as ``"recall=0.98"``.
    result : Evaluation
        Scores on images that did not choose the threshold.
    """
    parsed = Aim.parse(aim) if aim else None
    if parsed is None or parsed.level is None or result.task == "multiclass":
        return None
    name = AIMS[parsed.name].name
    metrics = {None: result.metrics} if result.task == "binary" else result.per_class
    scores = tuple(AimScore.of(label, several[name], parsed.level) for label, several in metrics.items())
    return ReachedAim(model, parsed, scores, result.level)


def reached_aims(models: Sequence[ModelRecord], results: Sequence[Evaluation], split: str) -> tuple[ReachedAim, ...]:
    """Return for each model with an aim whether it was reached on a split.

    A model is left out if the images of the split chose its threshold, or if it was fitted to them.
    """
    found = [
        reached_aim(model.name, model.aim, result)
        for model, result in zip(models, results, strict=True)
        if split != "train" and not (model.adjustment is not None and model.adjustment.on == split)
    ]
    return tuple(one for one in found if one is not None)


def aim_sentences(
    aims: Sequence[ReachedAim], split: str, *, only: str | None = None, but: str | None = None
) -> list[str]:
    """Return the sentences on the aim of one model, which they do not name, or on those of all but one.

    Parameters
    ----------
    aims : sequence of ReachedAim
    split : str
        The split whose images were scored.
    only : str, optional
        Name of the model. By default all models are meant, and named.
    but : str, optional
        Name of the model that is left out.
    """
    images = f"{SPLIT_NAMES[split]} images"
    chosen = [one for one in aims if one.model != but and only in (None, one.model)]
    return [sentence for one in chosen for sentence in one.sentences(images, of_model=only is None)]
