"""The record of an external validation: the scores of a saved model on another dataset, and their differences."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from hybrid.evaluation.calibration_line import CalibrationLine
from hybrid.evaluation.predictive_values import PredictiveValues
from hybrid.evaluation.result import Evaluation
from hybrid.evaluation.unpaired import UnpairedTest
from hybrid.workspace.model_record import read_evaluation
from hybrid.workspace.records import Record, saved_as
from hybrid.workspace.workspace import VALIDATION, Workspace


@dataclass(frozen=True)
class OverlapRecord:
    """The record of the images that are also among those the model was made with.

    Attributes
    ----------
    known : bool
        Whether it is known which images these are.
    of_split : dict of str to tuple of str
        Their ids, by the model's own split.
    identical : int
        How many of them are identical, byte for byte.
    left_out : bool
        Whether the scores are those without them.
    """

    known: bool
    of_split: dict[str, tuple[str, ...]] = field(default_factory=dict)
    identical: int = 0
    left_out: bool = True


def _read_optional(value: Any, key: str) -> Evaluation | None:
    return None if value is None else read_evaluation(value, key)


def _write_evaluation(value: Evaluation | None) -> Any:
    return None if value is None else value.to_dict()


@dataclass(frozen=True, kw_only=True, eq=False)
class ExternalRecord(Record):
    """The record of an external validation.

    Attributes
    ----------
    created : str
        Date and time in ISO format.
    model : str
        Name of the model.
    model_sha256 : str
        SHA-256 of the model's predictions on its own images; "" for a model outside a workspace.
    dataset, source : str
        Name of the dataset, and where it comes from.
    arguments : dict or None
        Arguments of `hybrid.datasets.load_dataset` that open the dataset again; None if it was created in Python.
    split : str or None
        The split of the dataset that was used; None for all images.
    class_map : dict of str to (str or None)
        The model's class for each class of the dataset; None for a class that is left out.
    missing : tuple of str
        Classes of the model that the dataset lacks.
    left_out : int
        Number of images that were left out because of their class.
    skipped : dict of str to str
        Images that could not be decoded, each with the reason.
    overlap : OverlapRecord
    metric : str
        The metric of the main result.
    external, internal : Evaluation
        The scores on the dataset, and those on the model's own images; `internal` is None if they are not known.
    external_line, internal_line : CalibrationLine
        Calibration slope and intercept; `internal_line` is None if it is not known.
    internal_split : {"test", "val", ""}
        The model's own split; "" if there are no internal scores.
    observed, expected : float or None
        Share of the positive class, and mean predicted probability of it, of a binary task.
    differences : tuple of UnpairedTest
        External minus internal scores.
    class_differences : tuple of UnpairedTest
        The same for each class.
    shift : dict or None
        Whether the images are like those that the model learnt from, as JSON values; None if it was not examined.
    proportions : dict or None
        Class proportions, what the predictions alone suggest of them, and whether they alone explain the scores, as
        JSON values; None in a record of an earlier version.
    predictive_values : tuple of PredictiveValues
        The predictive values of each class or label whose prevalence was named.
    sentences : tuple of str
        The main result in words.
    notes : tuple of str
        What limits the scores.
    predictions_sha256 : str
        SHA-256 of the file of predictions.
    """

    SCHEMA: ClassVar[int] = 1
    SEALED_SINCE: ClassVar[int] = 1
    REMEDY: ClassVar[str] = "Delete its folder and run `hybrid validate` again."

    created: str = ""
    model: str
    model_sha256: str = ""
    dataset: str
    source: str = ""
    arguments: dict[str, Any] | None = None
    split: str | None = None
    class_map: dict[str, str | None] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    left_out: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    overlap: OverlapRecord
    metric: str
    external: Evaluation = field(metadata=saved_as(read=read_evaluation, write=_write_evaluation))
    internal: Evaluation | None = field(default=None, metadata=saved_as(read=_read_optional, write=_write_evaluation))
    external_line: CalibrationLine
    internal_line: CalibrationLine | None = None
    internal_split: str = ""
    observed: float | None = None
    expected: float | None = None
    differences: tuple[UnpairedTest, ...] = ()
    class_differences: tuple[UnpairedTest, ...] = ()
    shift: dict[str, Any] | None = None
    proportions: dict[str, Any] | None = None
    predictive_values: tuple[PredictiveValues, ...] = ()
    sentences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    predictions_sha256: str = ""

    def difference(self, metric: str) -> UnpairedTest | None:
        """Return the difference of an overall score by its name; None if there is none."""
        return next((test for test in self.differences if test.metric == metric), None)


def external_records(workspace: Workspace, model: str | None = None) -> Iterator[ExternalRecord]:
    """Yield the records of the external validations of a workspace, or of one of its models, in order of their names.

    Raises
    ------
    InputError
        If a record is damaged.
    """
    for path in sorted(workspace.external.glob(f"*/*/{VALIDATION}")):
        record = ExternalRecord.read(Path(path))
        if model in (None, record.model):
            yield record
