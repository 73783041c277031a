"""The section of a page, and the files that are written with it: the page, and its figures and tables beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hybrid._version import __version__
from hybrid.files import replace_folder, write_output
from hybrid.report.page import render
from hybrid.report.parts.part import Part


@dataclass(frozen=True)
class PageSection:
    """A section of a page, with the fields that its template reads.

    Attributes
    ----------
    key : str
        Prefix of the section's ids in the page.
    title : str
        What the section is about, such as the name of a dataset.
    answer : str
        The main result in one or two sentences.
    intro : str
        What the result rests on, such as the task, and the number of models and images.
    warnings : sequence of str
        Warnings about the scores.
    parts : sequence of Part
        The parts that apply.
    """

    key: str
    title: str
    answer: str
    intro: str
    warnings: Sequence[str]
    parts: Sequence[Part]


def write_section(title: str, section: PageSection, path: Path) -> list[Path]:
    """Write a page that has one section, and its figures and tables beside it.

    Parameters
    ----------
    title : str
        The title of the page.
    section : PageSection
    path : Path
        Path of the page. A folder beside it, with the same name and ``-files`` at the end, gets the other files.

    Returns
    -------
    list of Path
        The page, then the other files.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    page = render(title, [section], [], f"Written by hybrid {__version__}.")
    folder = path.with_name(f"{path.stem}-files")
    with replace_folder(folder) as new:
        written = save_parts(section.parts, new)
    write_output(path, lambda file: file.write(page.encode()))
    return [path, *(folder / file.relative_to(new) for file in written)]


def save_parts(parts: Sequence[Part], folder: Path) -> list[Path]:
    """Write the figures and tables of parts into a folder, and return their paths."""
    paths: list[Path] = []
    for part in parts:
        for drawing in part.drawings:
            paths += drawing.save(folder)
        for table in (*part.tables, *part.only_saved):
            paths += table.save(folder)
    return paths
