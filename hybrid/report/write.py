"""`write_report`: the page, and beside it its figures, tables and model cards as files."""

from pathlib import Path

from hybrid._version import __version__
from hybrid.comparison.result import ComparisonResult
from hybrid.datasets import Dataset
from hybrid.files import replace_folder, write_atomic
from hybrid.report.card import save_card
from hybrid.report.page import render
from hybrid.report.section import ReportSection, make_section
from hybrid.workspace.private_paths import without_places
from hybrid.workspace.workspace import slug, unique_name


def write_report(comparison: ComparisonResult, path: Path, *, dataset: Dataset | None = None) -> list[Path]:
    """Write a comparison as one HTML file that needs no network, with its figures and tables beside it.

    Parameters
    ----------
    comparison : ComparisonResult
    path : Path
        Of the page. Beside it a folder of the same name, ending in ``-files``, gets a folder for each dataset: figures
        (SVG, PNG), tables (CSV, JSON) and the model card of the chosen model (Markdown).
    dataset : Dataset, optional
        The data, for the pictures; else they are opened again as they were.

    Returns
    -------
    list of Path
        The page, then the other files.

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
    write_atomic(path, lambda file: file.write(page.encode()))
    return [path, *(folder / one.relative_to(new) for one in written)]


def _write_files(comparison: ComparisonResult, sections: list[ReportSection], folder: Path) -> list[Path]:
    paths, taken = [], set[str]()
    for leaderboard, section in zip(comparison.leaderboards, sections, strict=True):
        place = folder / unique_name(slug(section.title), taken)
        taken.add(place.name)
        for part in section.parts:
            for drawing in part.drawings:
                paths += drawing.save(place)
            for table in (*part.tables, *part.only_saved):
                paths += table.save(place)
        if leaderboard.chosen:
            paths.append(save_card(place / "model-card.md", leaderboard, section))
    return paths
