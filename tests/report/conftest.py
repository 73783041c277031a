"""Reports that are drawn once for all tests that only read them."""

import functools
from pathlib import Path
from typing import NamedTuple

import pytest
from made_report import THREE_SKILLS, made_comparison, made_dataset

from hybrid.datasets import Dataset
from hybrid.run import Comparison


class DrawnReport(NamedTuple):
    """A report and what it was drawn from; not to be changed by a test."""

    folder: Path
    comparison: Comparison
    dataset: Dataset
    paths: list[Path]

    @property
    def page(self) -> str:
        return self.paths[0].read_text()

    def file(self, name: str) -> Path:
        """Return the written file of that name."""
        return next(path for path in self.paths if path.name == name)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """Return a function from names of classes to the report of three made models, with the pictures or without."""
    from hybrid.report import write_report

    @functools.cache
    def compared(*classes, pictures):
        folder = tmp_path_factory.mktemp("compared")
        dataset = made_dataset(160, classes)
        return folder, made_comparison(folder / "runs", dataset, THREE_SKILLS, with_set=pictures), dataset

    @functools.cache
    def draw(*classes, pictures=False):
        folder, comparison, dataset = compared(*classes, pictures=pictures)
        name = "pictures.html" if pictures else "report.html"
        paths = write_report(comparison, folder / name, dataset=dataset if pictures else None)
        return DrawnReport(folder, comparison, dataset, list(paths))

    return draw
