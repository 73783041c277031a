"""`Comparison`: the result of a comparison with its tables, figures, files and notebook display."""

import os
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from hybrid.comparison.aims import aim_sentences
from hybrid.comparison.costs import COST_TITLES, cost_of, time_measure
from hybrid.comparison.leaderboard import Leaderboard
from hybrid.comparison.ordering import LOWER_IS_BETTER
from hybrid.comparison.result import ComparisonResult
from hybrid.errors import renamed_parameters, unknown_name
from hybrid.files import write_csv_records, write_json, write_output
from hybrid.run.earlier import CSV, JSON, PAIRS, REPORT, keep_earlier


class Comparison(ComparisonResult):
    """The result of a comparison of models, with methods for tables, figures and files. A notebook shows its tables.

    Attributes
    ----------
    split : str
        The split on which the models were compared.
    leaderboards : tuple of Leaderboard
        One for each set of images. Models are ranked only within a leaderboard.
    notes : tuple of str
        Remarks, such as on models that were left out.
    title : str
        Title of the report.
    recipe : str
        Text of the recipe of the comparison; empty if there was none.

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
        """Write `to_dict()` to a JSON file and return its path."""
        write_json(Path(path), self.to_dict(), write_output)
        return Path(path)

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the rows to a CSV file and return its path. Undefined values are empty fields."""
        write_csv_records(Path(path), self.rows, write=write_output)
        return Path(path)

    def to_html(self, path: str | os.PathLike[str]) -> list[Path]:
        """Write the report as one HTML file that works offline.

        Figures, tables and the model card of the chosen model are written into a folder beside it.

        Returns
        -------
        list of Path
            The HTML file, then the other files.
        """
        from hybrid.report.write import write_report

        return write_report(self, Path(path))

    def save(self, folder: str | os.PathLike[str], say: Callable[[str], None] | None = None) -> list[Path]:
        """Write the report and the tables into a folder. Each file is written atomically.

        If the folder holds a comparison with other models, settings or scores, that one is kept: its files are moved
        into the subfolder ``earlier/DATE-TIME``.

        Parameters
        ----------
        folder : path
            Created if it does not exist.
        say : callable, optional
            Called with a sentence if an earlier comparison was moved.

        Returns
        -------
        list of Path
            report.html, comparison.json, comparison.csv, pairs.csv, then the files of the report.
        """
        target = Path(folder)
        earlier = keep_earlier(target, self.to_dict())
        if earlier and say:
            say(f"The earlier comparison, which differs in its models, settings or scores, was moved to {earlier}")
        tables = [self.to_json(target / JSON), self.to_csv(target / CSV)]
        write_csv_records(target / PAIRS, self.pairs)
        report, *others = self.to_html(target / REPORT)
        return [report, *tables, target / PAIRS, *others]

    @renamed_parameters(group="leaderboard")
    def plot_bars(self, leaderboard: int = 0) -> Any:
        """Return a bar chart of the main metric with its intervals, as a Matplotlib Figure.

        Parameters
        ----------
        leaderboard : int, default=0
            Index of the leaderboard.
        """
        from hybrid.plots import bar_chart

        chosen = self.leaderboards[leaderboard]
        metrics = [result.metrics[chosen.metric] for result in chosen.evaluations]
        best = "lower is better, " if chosen.metric in LOWER_IS_BETTER else ""
        return bar_chart(
            chosen.labels,
            [metric.value for metric in metrics],
            [metric.interval for metric in metrics],
            label=f"{chosen.metric} ({best}{chosen.evaluations[0].level:.0%} interval)",
            title=self._title(chosen),
        )

    @renamed_parameters(group="leaderboard")
    def plot_confusions(self, leaderboard: int = 0) -> Any:
        """Return the confusion matrices of all models, as a Matplotlib Figure.

        Parameters
        ----------
        leaderboard : int, default=0
            Index of the leaderboard.
        """
        from hybrid.plots import confusion_matrices

        chosen = self.leaderboards[leaderboard]
        confusions = [result.confusion for result in chosen.evaluations]
        classes = chosen.evaluations[0].classes
        return confusion_matrices(chosen.labels, confusions, classes, title=self._title(chosen))

    @renamed_parameters(group="leaderboard")
    def plot_cost(self, leaderboard: int = 0, cost: str | None = None) -> Any:
        """Return a chart of the main metric against the cost of the models, as a Matplotlib Figure.

        Parameters
        ----------
        leaderboard : int, default=0
            Index of the leaderboard.
        cost : {"processor", "seconds", "parameters", "bytes"}, optional
            ``"processor"`` is the total time for training networks, extracting all images, fitting and predicting in
            processor seconds, ``"seconds"`` that by the wall clock. Default: processor seconds if they are known for
            all models, otherwise those by the wall clock.
        """
        from hybrid.plots import cost_chart

        chosen = self.leaderboards[leaderboard]
        cost = cost or time_measure(chosen.models)
        if cost not in COST_TITLES:
            raise unknown_name("cost", cost, COST_TITLES)
        metrics = [result.metrics[chosen.metric] for result in chosen.evaluations]
        return cost_chart(
            chosen.labels,
            [metric.value for metric in metrics],
            [metric.interval for metric in metrics],
            [cost_of(model, cost) for model in chosen.models],
            label=chosen.metric,
            cost=COST_TITLES[cost],
            title=self._title(chosen),
            chosen=chosen.chosen_number,
            lower_is_better=chosen.metric in LOWER_IS_BETTER,
        )

    def _title(self, leaderboard: Leaderboard) -> str:
        shared = leaderboard.shared_suffix.strip("-")
        name = shared if leaderboard.dataset in shared else leaderboard.dataset
        return f"{name}, {self.split}: {leaderboard.evaluations[0].images}"

    def _repr_html_(self) -> str:
        tables = "".join(
            f"<h4>{escape(self._title(leaderboard))}</h4>{_html_table(leaderboard)}"
            f"{_html_notes([*leaderboard.label_notes, *_chosen_aim(leaderboard), *leaderboard.notes])}"
            f"{_html_notes(leaderboard.warnings)}{_html_leakage(leaderboard)}"
            for leaderboard in self.leaderboards
        )
        return tables + _html_notes(self.notes)


def _html_table(leaderboard: Leaderboard) -> str:
    metrics = list(leaderboard.evaluations[0].metrics)
    metrics.sort(key=lambda name: name != leaderboard.metric)
    header = "".join(f"<th>{escape(name)}</th>" for name in ("model", "head", "backbone", *metrics))
    body = ""
    for row, result in zip(leaderboard.rows, leaderboard.evaluations, strict=True):
        cells = [row["head"], row["backbone"], *(result.metrics[name] for name in metrics)]
        name = f'<td title="{escape(row["model"])}">{escape(leaderboard.label(row["model"]))}</td>'
        body += f"<tr>{name}{''.join(f'<td>{escape(str(cell))}</td>' for cell in cells)}</tr>"
    return f"<table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>"


def _chosen_aim(leaderboard: Leaderboard) -> list[str]:
    return aim_sentences(leaderboard.aims, leaderboard.split, only=leaderboard.chosen) if leaderboard.chosen else []


def _html_notes(notes: Sequence[str]) -> str:
    return "".join(f"<p>{escape(note)}</p>" for note in notes)


def _html_leakage(leaderboard: Leaderboard) -> str:
    return (
        _html_notes([leaderboard.leakage.sentence(leaderboard.split)])
        if leaderboard.leakage and leaderboard.leakage.ids
        else ""
    )
