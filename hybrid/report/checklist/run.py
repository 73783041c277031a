"""The records of a run that the checklist quotes."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid.errors import InputError
from hybrid.evaluation import Evaluation
from hybrid.pipelines import Manifest
from hybrid.report.elements.inputs import ReportInputs
from hybrid.report.parts.robustness import runs_of
from hybrid.robustness import StressRecord
from hybrid.workspace.external_record import ExternalRecord, external_records
from hybrid.workspace.fitted_models import workspace_of
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.set_record import DatasetRecord

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard


@dataclass(frozen=True, eq=False)
class Run:
    """The records of one leaderboard that the checklist quotes.

    Attributes
    ----------
    leaderboard : Leaderboard
    inputs : ReportInputs
        The files of the workspace that are still there.
    stress : sequence of StressRecord
        The stress runs of the chosen model.
    external : sequence of ExternalRecord
        The external validations of the chosen model.
    recipe : str
        The recipe, if the comparison followed one.
    """

    leaderboard: "Leaderboard"
    inputs: ReportInputs
    stress: Sequence[StressRecord] = ()
    external: Sequence[ExternalRecord] = ()
    recipe: str = ""

    @classmethod
    def of(cls, leaderboard: "Leaderboard", inputs: ReportInputs, recipe: str = "") -> "Run":
        """Return the records of a leaderboard, with the stress runs and external validations of its chosen model."""
        model = leaderboard.models[leaderboard.chosen_number or 0]
        return cls(leaderboard, inputs, runs_of(model), external_validations(model), recipe)

    @property
    def number(self) -> int:
        """Position of the chosen model; 0 if none was chosen."""
        return self.leaderboard.chosen_number or 0

    @property
    def model(self) -> ModelRecord:
        """The chosen model."""
        return self.leaderboard.models[self.number]

    @property
    def result(self) -> Evaluation:
        """The scores of the chosen model on the compared split."""
        return self.leaderboard.evaluations[self.number]

    @property
    def dataset(self) -> DatasetRecord | None:
        """The record of the dataset; None if it is no longer in the workspace."""
        return self.inputs.dataset_record

    @property
    def sets(self) -> list[Any]:
        """The embedding sets of the chosen model that are still there."""
        return self.inputs.sets_of(self.model)

    @property
    def manifest(self) -> Manifest | None:
        """The manifest of the saved model; None if it is gone."""
        return self.inputs.manifests.get(self.model.name)


def external_validations(model: ModelRecord) -> list[ExternalRecord]:
    """Return the external validations of a model, not those of an earlier one with its name or of damaged records."""
    workspace = workspace_of(model)
    if workspace is not None:
        with suppress(InputError):
            found = list(external_records(workspace, model.name))
            return [one for one in found if one.model_sha256 == model.predictions_sha256]
    return []
