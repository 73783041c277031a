"""The result of an external validation: the scores of one saved model on one other dataset."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid.evaluation import Evaluation, UnpairedTest
from hybrid.external.internal import OWN_NAMES, InternalSide
from hybrid.external.new_data import NewData
from hybrid.external.overlap import Overlap
from hybrid.external.scores import SideScores
from hybrid.external.words import sentences
from hybrid.files import replace_folder
from hybrid.workspace.external_record import ExternalRecord, OverlapRecord
from hybrid.workspace.predictions import write_predictions
from hybrid.workspace.workspace import PREDICTIONS, VALIDATION, Workspace, slug

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class ExternalResult:
    """The scores of one saved model on one other dataset, and how they differ from those on its own images.

    Attributes
    ----------
    data : NewData
        The images that were measured, as the model sees them.
    split : str or None
        The split of the dataset that was used; None for all images.
    metric : str
        The metric of the main result.
    external : SideScores
        The scores on the dataset.
    internal : SideScores or None
        The scores on the model's own images; None if they are not known.
    own : InternalSide
        What is known of the model's own images.
    differences, class_differences : tuple of UnpairedTest
        External minus internal scores: of all images, and of each class.
    overlap : Overlap
        The images that are also among those the model was made with.
    notes : tuple of str
        What limits the scores.
    """

    data: NewData
    split: str | None
    metric: str
    external: SideScores
    internal: SideScores | None
    own: InternalSide
    differences: tuple[UnpairedTest, ...]
    class_differences: tuple[UnpairedTest, ...]
    overlap: Overlap
    notes: tuple[str, ...]

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.data.name

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self.data.dataset.name

    @property
    def evaluation(self) -> Evaluation:
        """The scores on the dataset."""
        return self.external.evaluation

    @property
    def own_name(self) -> str:
        """What the model's own images are called: "own test images", or "own validation images"."""
        return OWN_NAMES[self.own.split]

    @property
    def compares_whole_split(self) -> bool:
        """Whether the internal scores are those that the model's record holds: of all images of its split, at 95%."""
        own, internal = self.own, self.internal
        if internal is None or own.record is None or own.predictions is None:
            return False
        scores = internal.evaluation
        return (scores.n, scores.level, scores.positive) == (len(own.predictions), 0.95, own.record.positive)

    def difference(self, metric: str) -> UnpairedTest | None:
        """Return the difference of an overall score by its name; None if there is none."""
        return next((test for test in self.differences if test.metric == metric), None)

    def sentences(self) -> tuple[str, ...]:
        """Return the main result in words."""
        return sentences(self)

    def table(self) -> "pd.DataFrame":
        """Return the overall scores with their intervals, beside the internal ones and the differences.

        Returns
        -------
        DataFrame
            One row for each metric: ``external``, ``low``, ``high``, ``internal``, ``internal_low``, ``internal_high``,
            ``difference``, ``difference_low``, ``difference_high`` and ``p_value``.
        """
        import pandas as pd

        return pd.DataFrame(self.rows()).set_index("metric")

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of :meth:`table` as JSON values."""
        internal = self.internal.evaluation.metrics if self.internal else {}
        found = []
        for name, score in self.evaluation.metrics.items():
            own, test = internal.get(name), self.difference(name)
            found.append(
                {
                    "metric": name,
                    "external": score.value,
                    "low": score.low,
                    "high": score.high,
                    "internal": own and own.value,
                    "internal_low": own and own.low,
                    "internal_high": own and own.high,
                    "difference": test and test.difference,
                    "difference_low": test and test.low,
                    "difference_high": test and test.high,
                    "p_value": test and test.p_value,
                }
            )
        return found

    def record(self, predictions_sha256: str = "") -> ExternalRecord:
        """Return the record of the result, as it is saved."""
        data, own = self.data, self.own.record
        return ExternalRecord(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            model=self.model,
            model_sha256=own.predictions_sha256 if own else "",
            dataset=self.dataset,
            source=data.dataset.source,
            arguments=data.dataset.arguments,
            split=self.split,
            class_map=dict(data.mapping.targets),
            missing=data.mapping.missing,
            left_out=data.mapping.left_out,
            skipped=dict(data.skipped),
            overlap=OverlapRecord(
                self.overlap.known, dict(self.overlap.of_split), self.overlap.identical, self.overlap.left_out
            ),
            metric=self.metric,
            external=self.evaluation,
            internal=self.internal.evaluation if self.internal else None,
            external_line=self.external.line,
            internal_line=self.internal.line if self.internal else None,
            internal_split=self.own.split,
            observed=self.external.observed,
            expected=self.external.expected,
            differences=self.differences,
            class_differences=self.class_differences,
            sentences=self.sentences(),
            notes=self.notes,
            predictions_sha256=predictions_sha256,
        )

    def folder_in(self, workspace: Workspace) -> Path:
        """Return the folder in which a workspace keeps the result."""
        return workspace.external / slug(self.model) / slug(self.dataset, *([self.split] if self.split else []))

    def save_record(self, folder: Path) -> list[Path]:
        """Write the predictions and the record into a folder, which is replaced; return their paths."""
        with replace_folder(folder) as new:
            digest = write_predictions(new / PREDICTIONS, self.external.predictions)
            self.record(digest).write(new / VALIDATION)
        return [folder / VALIDATION, folder / PREDICTIONS]

    def __repr__(self) -> str:
        return " ".join(self.sentences())
