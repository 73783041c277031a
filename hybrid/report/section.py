"""One group of models as a section of the report: its parts, in the order in which they are read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hybrid.datasets import Dataset
from hybrid.report.elements.inputs import ReportInputs, collect
from hybrid.report.elements.pictures import Pictures
from hybrid.report.elements.words import plural
from hybrid.report.parts import data as data_parts
from hybrid.report.parts import models as model_parts
from hybrid.report.parts.answer import SPLITS, answer
from hybrid.report.parts.cross_validation import cross_validation
from hybrid.report.parts.leakage import copies
from hybrid.report.parts.part import Part
from hybrid.report.parts.repeat import repeat
from hybrid.report.parts.seeds import seeds
from hybrid.workspace.private_paths import without_places

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard

SEED = 0  # of what is drawn for the page: which images are on the map, and how it is laid out


@dataclass(frozen=True)
class ReportSection:
    """What the page shows of one group.

    Attributes
    ----------
    key : str
        What its ids in the page begin with.
    title, answer, intro : str
    warnings : sequence of str
        What to know before relying on the figures.
    parts : sequence of Part
    material : ReportInputs
        What the workspace holds on it.
    """

    key: str
    title: str
    answer: str
    intro: str
    warnings: Sequence[str]
    parts: Sequence[Part]
    material: ReportInputs


def make_section(key: str, group: "Leaderboard", dataset: Dataset | None = None, recipe: str = "") -> ReportSection:
    """Return a group's section, with all that the workspace and the data still hold."""
    material = collect(group, dataset)
    pictures = Pictures(material.dataset, material.missing)
    shown = group.chosen_number or 0
    parts = (
        model_parts.models(group),
        copies(group),
        model_parts.differences(group),
        cross_validation(group),
        seeds(group),
        model_parts.threshold(group, shown),
        model_parts.errors(group, shown),
        data_parts.mistakes(group, pictures, shown),
        model_parts.curves(group, shown),
        data_parts.embedding_map(group, material, shown, SEED),
        data_parts.data(group, material, pictures),
        data_parts.training(material),
        repeat(group, material, recipe),
    )
    return ReportSection(
        key,
        group.dataset,
        answer(group),
        _intro(group),
        [without_places(text) for text in _warnings(group)],
        [replace(part, lead=[without_places(text) for text in part.lead]) for part in parts if part is not None],
        material,
    )


def _intro(group: "Leaderboard") -> str:
    result = group.evaluations[0]
    kind = {
        "binary": f"Two classes, positive is “{result.positive}”",
        "multiclass": f"{len(result.classes)} classes",
        "multilabel": f"{plural(len(result.classes), 'label')}, of which an image may have several",
    }[result.task]
    where = f"the same {plural(result.n, f'{SPLITS[group.split]} image')}"
    return f"{kind}. {plural(len(group.models), 'model')}, all judged on {where}."


def _warnings(group: "Leaderboard") -> list[str]:
    """Return what was found wrong with the data, and what flatters the figures."""
    found = list(dict.fromkeys(text for model in group.models for text in model.warnings))
    if group.copies and group.copies.ids:
        found.append(group.copies.sentence(SPLITS[group.split]))
    if group.split != "test":
        found.append(f"These figures are of {group.split}, not of test: models were fitted to it or chosen by it.")
    return found
