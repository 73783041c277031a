"""Make the section of the report on one leaderboard."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hybrid.datasets import Dataset
from hybrid.evaluation.groups import images_of_groups
from hybrid.report.elements.inputs import ReportInputs, collect
from hybrid.report.elements.pictures import Pictures
from hybrid.report.elements.words import plural
from hybrid.report.page_files import PageSection
from hybrid.report.parts import data as data_parts
from hybrid.report.parts import models as model_parts
from hybrid.report.parts.answer import SPLITS, answer, cost_sentence
from hybrid.report.parts.cross_validation import cross_validation
from hybrid.report.parts.differences import differences
from hybrid.report.parts.familiarity import familiarity
from hybrid.report.parts.leakage import leakage
from hybrid.report.parts.per_group import per_group
from hybrid.report.parts.repeat import repeat
from hybrid.report.parts.robustness import robustness
from hybrid.report.parts.seeds import seeds
from hybrid.report.parts.shift import shift
from hybrid.report.parts.subgroups import subgroups
from hybrid.report.parts.worth import worth
from hybrid.workspace.private_paths import without_places

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard

SEED = 0  # for the sample of images on the map and for the map's layout


@dataclass(frozen=True)
class ReportSection(PageSection):
    """The section of the page on one leaderboard; its title is the name of the dataset.

    Attributes
    ----------
    report_inputs : ReportInputs
        The files and the dataset that the section uses.
    """

    report_inputs: ReportInputs


def make_section(
    key: str, leaderboard: "Leaderboard", dataset: Dataset | None = None, recipe: str = ""
) -> ReportSection:
    """Return the section of a leaderboard, with everything that the workspace and the dataset still provide."""
    report_inputs = collect(leaderboard, dataset)
    pictures = Pictures(report_inputs.dataset, report_inputs.missing, report_inputs.sets.values())
    shown = leaderboard.chosen_number or 0
    parts = (
        model_parts.models(leaderboard),
        per_group(leaderboard),
        subgroups(leaderboard),
        leakage(leaderboard),
        shift(leaderboard, pictures, familiarity(leaderboard, report_inputs, shown)),
        differences(leaderboard),
        cross_validation(leaderboard),
        seeds(leaderboard),
        model_parts.threshold(leaderboard, shown),
        model_parts.errors(leaderboard, shown),
        data_parts.mistakes(leaderboard, pictures, shown),
        model_parts.curves(leaderboard, shown),
        robustness(leaderboard),
        worth(leaderboard, shown),
        data_parts.embedding_map(leaderboard, report_inputs, shown, SEED),
        data_parts.data(leaderboard, report_inputs, pictures),
        data_parts.training(report_inputs),
        repeat(leaderboard, report_inputs, recipe),
    )
    return ReportSection(
        key,
        leaderboard.dataset,
        answer(leaderboard),
        _intro(leaderboard),
        [without_places(text) for text in _warnings(leaderboard)],
        [replace(part, lead=[without_places(text) for text in part.lead]) for part in parts if part is not None],
        report_inputs,
    )


def _intro(leaderboard: "Leaderboard") -> str:
    result = leaderboard.evaluations[0]
    kind = {
        "binary": f"Two classes; “{result.positive}” is the positive class",
        "multiclass": f"{len(result.classes)} classes",
        "multilabel": f"{plural(len(result.classes), 'label')}; an image may have several",
    }[result.task]
    noun = f"{SPLITS[leaderboard.split]} image"
    where = f"the same {images_of_groups(result.n, result.n_groups, noun, result.group_name)}"
    models = f"{plural(len(leaderboard.models), 'model')}, all evaluated on {where}"
    return " ".join(filter(None, [f"{kind}. {models}.", cost_sentence(leaderboard)]))


def _warnings(leaderboard: "Leaderboard") -> list[str]:
    """Return warnings about the data and about scores that are too optimistic."""
    warnings = list(leaderboard.warnings)
    if leaderboard.leakage and leaderboard.leakage.ids:
        warnings.append(leaderboard.leakage.sentence(SPLITS[leaderboard.split]))
    if leaderboard.split != "test":
        warnings.append(
            f"These scores are measured on {leaderboard.split}, not on test. They are too optimistic, because models "
            "were fitted to these images or chosen by them."
        )
    return warnings
