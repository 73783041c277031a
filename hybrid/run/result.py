"""The outcome of a comparison: tables, pictures, files, and itself in a notebook."""

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from hybrid.comparison.leaderboard import COST_TITLES, Leaderboard
from hybrid.comparison.leaderboards import Leaderboards
from hybrid.comparison.ordering import LOWER_IS_BETTER
from hybrid.errors import unknown_name
from hybrid.files import write_csv_records, write_json


class Comparison(Leaderboards):
    """Models side by side, as tables, pictures and files; a notebook shows it as tables.

    The attributes are those of `Leaderboards`.

    Examples
    --------
    >>> from hybrid import Dataset, FeatureExtractor, compare
    >>> images = np.repeat(np.arange(0, 240, 2, dtype=np.uint8), 256).reshape(120, 16, 16)
    >>> data = Dataset.from_arrays(images, ["dark"] * 60 + ["light"] * 60)
    >>> extractor = FeatureExtractor("convnet_small", size=16)
    >>> comparison = compare(data, {"random": extractor}, ["softmax", "knn"])
    >>> sorted(comparison.table()["model"])
    ['knn-random', 'softmax-random']
    """

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write :meth:`to_dict` as JSON; return the path."""
        write_json(Path(path), self.to_dict())
        return Path(path)

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write :attr:`rows` as CSV, an empty field for what is not defined; return the path."""
        write_csv_records(Path(path), self.rows)
        return Path(path)

    def to_html(self, path: str | os.PathLike[str]) -> list[Path]:
        """Write the report, one HTML file that needs no network; return its path, then those of the files beside it.

        Beside it a folder named after it gets figures, tables and the model card of the chosen model.
        """
        from hybrid.report.write import write_report

        return write_report(self, Path(path))

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write report and tables into a folder, each file whole or not at all.

        Parameters
        ----------
        folder : path
            Made if need be.

        Returns
        -------
        list of Path
            report.html, comparison.json, comparison.csv, pairs.csv, then the files that belong to the report.
        """
        target = Path(folder)
        tables = [self.to_json(target / "comparison.json"), self.to_csv(target / "comparison.csv")]
        write_csv_records(target / "pairs.csv", self.pairs)
        report, *others = self.to_html(target / "report.html")
        return [report, *tables, target / "pairs.csv", *others]

    def plot_bars(self, group: int = 0) -> Any:
        """Return a bar chart (Matplotlib Figure) of a group's main metric, with its intervals."""
        from hybrid.plots import bar_chart

        chosen = self.groups[group]
        metrics = [result.metrics[chosen.metric] for result in chosen.evaluations]
        best = "lower is better, " if chosen.metric in LOWER_IS_BETTER else ""
        return bar_chart(
            chosen.labels,
            [metric.value for metric in metrics],
            [metric.interval for metric in metrics],
            label=f"{chosen.metric} ({best}{chosen.evaluations[0].level:.0%} interval)",
            title=self._title(chosen),
        )

    def plot_confusions(self, group: int = 0) -> Any:
        """Return a picture (Matplotlib Figure) of a group's confusion matrices."""
        from hybrid.plots import confusion_matrices

        chosen = self.groups[group]
        confusions = [result.confusion for result in chosen.evaluations]
        classes = chosen.evaluations[0].classes
        return confusion_matrices(chosen.labels, confusions, classes, title=self._title(chosen))

    def plot_cost(self, group: int = 0, cost: str = "seconds") -> Any:
        """Return a chart (Matplotlib Figure) of a group's main metric against what the models cost.

        Parameters
        ----------
        group : int, default=0
        cost : {"seconds", "parameters", "bytes"}, default="seconds"
            ``"seconds"`` are those of training the networks, extracting all images, fitting and predicting.
        """
        from hybrid.plots import cost_chart

        if cost not in COST_TITLES:
            raise unknown_name("cost", cost, COST_TITLES)
        chosen = self.groups[group]
        metrics = [result.metrics[chosen.metric] for result in chosen.evaluations]
        return cost_chart(
            chosen.labels,
            [metric.value for metric in metrics],
            [metric.interval for metric in metrics],
            [model.seconds.total if cost == "seconds" else getattr(model, cost) for model in chosen.models],
            label=chosen.metric,
            cost=COST_TITLES[cost],
            title=self._title(chosen),
        )

    def _title(self, group: Leaderboard) -> str:
        shared = group.shared_suffix.strip("-")
        name = shared if group.dataset in shared else group.dataset
        return f"{name}, {self.split}: {group.evaluations[0].n} images"

    def _repr_html_(self) -> str:
        tables = "".join(
            f"<h4>{escape(self._title(group))}</h4>{_html_table(group)}{_html_notes(group.notes)}{_html_copies(group)}"
            for group in self.groups
        )
        return tables + _html_notes(self.notes)


def _html_table(group: Leaderboard) -> str:
    metrics = list(group.evaluations[0].metrics)
    metrics.sort(key=lambda name: name != group.metric)
    header = "".join(f"<th>{escape(name)}</th>" for name in ("model", "head", "backbone", *metrics))
    body = ""
    for row, result in zip(group.rows, group.evaluations, strict=True):
        cells = [row["model"], row["head"], row["backbone"], *(result.metrics[name] for name in metrics)]
        body += f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in cells)}</tr>"
    return f"<table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>"


def _html_notes(notes: Sequence[str]) -> str:
    return "".join(f"<p>{escape(note)}</p>" for note in notes)


def _html_copies(group: Leaderboard) -> str:
    return _html_notes([group.copies.sentence(group.split)]) if group.copies and group.copies.ids else ""
