"""The result of adapting a model: both models' scores on the judging images, tests, curve and sentences."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid.adaptation.advice import advice
from hybrid.adaptation.curve import AdaptingCurve
from hybrid.adaptation.judge import ADAPTED, UNADAPTED
from hybrid.adaptation.methods import NONE
from hybrid.evaluation import CalibrationLine, Evaluation, PairedTest
from hybrid.evaluation.groups import images_of_groups
from hybrid.pipelines.saved.adapted_from import AdaptedFrom

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class AdaptationResult:
    """The result of adapting a model, as values; `Adaptation` draws and writes it.

    Attributes
    ----------
    model : str or None
        Name of the adapted model, which was saved; None if nothing was changed.
    folder : Path or None
        Its folder, which ``load_model`` takes.
    ancestry : AdaptedFrom
        The parent, the method, and the images that it was adapted to.
    asked : str
        The method that was asked for.
    available : int
        Number of labelled images of the new site that are new to the model.
    judging : int
        Number of images that the adapted model was judged on.
    judging_groups : int or None
        Number of their groups.
    metrics : tuple of str
        The compared scores, beginning with the main one.
    evaluations : dict of str to Evaluation
        Scores on the judging images, by ``"adapted"`` and ``"unadapted"``.
    tests : tuple of PairedTest
        Differences of the two models on these images.
    lines : dict of str to CalibrationLine
        Calibration slope and intercept of both.
    curve : AdaptingCurve or None
        Scores against the number of labelled images.
    unavailable : mapping of str to str
        The methods that cannot be used, each with the reason.
    notes, warnings : tuple of str
        Remarks on the model, and on the images.
    """

    model: str | None
    folder: Path | None
    ancestry: AdaptedFrom
    asked: str
    available: int
    judging: int
    judging_groups: int | None
    metrics: tuple[str, ...]
    evaluations: dict[str, Evaluation]
    tests: tuple[PairedTest, ...]
    lines: dict[str, CalibrationLine]
    curve: AdaptingCurve | None
    unavailable: Mapping[str, str]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """``"binary"``, ``"multiclass"`` or ``"multilabel"``."""
        return self.evaluations[UNADAPTED].task

    @property
    def method(self) -> str:
        """The method that was used; ``"none"`` if nothing was changed."""
        return self.ancestry.method

    @property
    def answer(self) -> str:
        """The main result in one or two sentences."""
        origin = self.ancestry
        where = images_of_groups(self.judging, self.judging_groups, group=origin.group_name)
        if self.method == NONE:
            return (
                f"{origin.parent} stays as it is: within the {origin.images} labelled images of {origin.data}, no "
                "adaptation is clearly better. Nothing was saved."
            )
        verdict = f"{self.tests[0]}." if self.tests else ""
        return (
            f"{self.model} was {origin.sentence()}, and judged on {where} that it was not adapted to. "
            f"{verdict[:1].upper()}{verdict[1:]}"
        )

    @property
    def advice(self) -> list[str]:
        """How many labelled images are worth their labels, in sentences; empty without a curve."""
        return advice(self.curve, self.asked) if self.curve else []

    def __repr__(self) -> str:
        return "\n".join([self.answer, *self.advice])

    def table(self) -> "pd.DataFrame":
        """Return the scores of both models on the judging images, with the difference and its interval."""
        import pandas as pd

        differences = {test.metric: (test.difference, test.low, test.high, test.p_value) for test in self.tests}
        rows = {}
        for name in self.metrics:
            values = {which: result.metrics[name].value for which, result in self.evaluations.items()}
            difference, low, high, p_value = differences.get(name, (None,) * 4)
            rows[name] = {
                UNADAPTED: values[UNADAPTED], ADAPTED: values.get(ADAPTED), "difference": difference, "low": low,
                "high": high, "p": p_value,
            }  # fmt: skip
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("metric")

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "model": self.model,
            "folder": None if self.folder is None else str(self.folder),
            "adapted": self.ancestry.to_info(),
            "method": self.method,
            "asked": self.asked,
            "answer": self.answer,
            "advice": self.advice,
            "available": self.available,
            "judging": self.judging,
            "judging_groups": self.judging_groups,
            "metrics": list(self.metrics),
            "evaluations": {name: result.to_dict() for name, result in self.evaluations.items()},
            "differences": [test.to_dict() for test in self.tests],
            "calibration_lines": {name: asdict(line) for name, line in self.lines.items()},
            "curve": self.curve.to_dict() if self.curve else None,
            "unavailable": dict(self.unavailable),
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }
