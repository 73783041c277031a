"""The result of an external validation: the scores of one saved model on one other dataset."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid.external.measured import MeasuredModel
from hybrid.external.words import sentences
from hybrid.files import replace_folder
from hybrid.workspace.external_record import ExternalRecord, OverlapRecord
from hybrid.workspace.predictions import write_predictions
from hybrid.workspace.workspace import PREDICTIONS, VALIDATION, Workspace, slug

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class ExternalResult(MeasuredModel):
    """The scores of one saved model on one other dataset, with its words, tables and files.

    The attributes are those of `MeasuredModel`: among them `evaluation`, the scores on the dataset, `internal`, those
    on the model's own images, and `differences`.
    """

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
            shift=self.shift.to_dict() if self.shift else None,
            proportions=self.proportions.to_dict(),
            predictive_values=self.predictive_values,
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
