"""Write the report of an external validation: a saved model on another dataset."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hybrid.evaluation.groups import images_of_groups
from hybrid.external.result import ExternalResult
from hybrid.report.page_files import PageSection, write_section
from hybrid.report.parts import external as parts
from hybrid.report.parts.part import Part
from hybrid.report.parts.proportions import external_proportions
from hybrid.report.parts.shift import external_shift
from hybrid.report.parts.subgroups import external_subgroups
from hybrid.report.parts.worth import external_worth
from hybrid.workspace.private_paths import without_places

MakePart = Callable[[ExternalResult], Part | None]

# The parts of the report, in the order of the page. A further part is one more function here; None leaves it out. Its
# template can be "plain".
PARTS: tuple[MakePart, ...] = (
    parts.scores,
    external_shift,
    external_proportions,
    external_subgroups,
    parts.curves,
    parts.errors,
    external_worth,
    parts.images,
    parts.made,
)


def external_section(key: str, result: ExternalResult) -> PageSection:
    """Return the section of the page on an external validation."""
    sentences = [without_places(text) for text in result.sentences()]
    main = 2 if result.shift and result.shift.sentence else 1  # the shift of the images is stated before the score
    first, rest = " ".join(sentences[:main]), sentences[main:]
    made = [part for part in (make(result) for make in PARTS) if part is not None]
    return PageSection(
        key,
        f"{result.model} on {result.dataset}",
        first,
        " ".join(rest) or _intro(result),
        [without_places(note) for note in result.notes],
        [replace(part, lead=[without_places(text) for text in part.lead]) for part in made],
    )


def _intro(result: ExternalResult) -> str:
    evaluation = result.evaluation
    images = images_of_groups(evaluation.n, evaluation.n_groups, group=evaluation.group_name)
    return f"{images.capitalize()}, {len(evaluation.classes)} classes."


def write_external_report(result: ExternalResult, path: Path) -> list[Path]:
    """Write an external validation as one HTML file that needs no network, with figures and tables beside it.

    Parameters
    ----------
    result : ExternalResult
    path : Path
        Path of the page. A folder beside it, with the same name and ``-files`` at the end, gets the figures (SVG, PNG)
        and tables (CSV, JSON).

    Returns
    -------
    list of Path
        The page, then the other files.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    return write_section("External validation", external_section("e1", result), path)
