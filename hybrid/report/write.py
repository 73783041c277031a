"""Write the report: the page, and its figures, tables and model cards as files beside it."""

from pathlib import Path

from hybrid._version import __version__
from hybrid.comparison.result import ComparisonResult
from hybrid.datasets import Dataset
from hybrid.files import replace_folder, write_output
from hybrid.report.card import save_card
from hybrid.report.checklist.run import Run
from hybrid.report.checklist.write import CHECKLIST, save_checklist
from hybrid.report.page import render
from hybrid.report.page_files import save_parts
from hybrid.report.section import ReportSection, make_section
from hybrid.workspace.private_paths import without_places
from hybrid.workspace.workspace import slug, unique_name


def write_report(comparison: ComparisonResult, path: Path, *, dataset: Dataset | None = None) -> list[Path]:
    """Write a comparison as one HTML file that needs no network, with its figures and tables beside it.

    Parameters
    ----------
    comparison : ComparisonResult
        The comparison to report on.
    path : Path
        Path of the page. A folder beside it, with the same name and ``-files`` at the end, gets a folder for each
        dataset with figures (SVG, PNG), tables (CSV, JSON) and the model card of the chosen model (Markdown). The
        checklist for a paper, ``checklist.md``, is beside the page, too.
    dataset : Dataset, optional
        The dataset whose images the page shows, as far as they are those of the models' embedding sets. By default, it
        is opened again with the recorded arguments.

    Returns
    -------
    list of Path
        The page, the checklist, then the other files.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    path = Path(path)
    sections = [
        make_section(f"d{number}", leaderboard, dataset, comparison.recipe if number == 1 else "")
        for number, leaderboard in enumerate(comparison.leaderboards, start=1)
    ]
    title = comparison.title or "Comparison of models"
    page = render(
        title, sections, [without_places(text) for text in comparison.notes], f"Written by hybrid {__version__}."
    )
    folder = path.with_name(f"{path.stem}-files")
    with replace_folder(folder) as new:
        written = _write_files(comparison, sections, new)
    write_output(path, lambda file: file.write(page.encode()))
    runs = [
        Run.of(leaderboard, section.report_inputs, comparison.recipe)
        for leaderboard, section in zip(comparison.leaderboards, sections, strict=True)
    ]
    checklist = save_checklist(path.with_name(CHECKLIST), runs)
    return [path, checklist, *(folder / file.relative_to(new) for file in written)]


def _write_files(comparison: ComparisonResult, sections: list[ReportSection], folder: Path) -> list[Path]:
    paths, taken = [], set[str]()
    for leaderboard, section in zip(comparison.leaderboards, sections, strict=True):
        dataset_folder = folder / unique_name(slug(section.title), taken)
        taken.add(dataset_folder.name)
        paths += save_parts(section.parts, dataset_folder)
        if leaderboard.chosen:
            paths.append(save_card(dataset_folder / "model-card.md", leaderboard, section))
    return paths
