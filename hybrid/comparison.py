"""All fitted models side by side: one table for each set of test images, never across them."""

import csv
import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid.errors import InputError, unknown_name
from hybrid.evaluation import Evaluation, Metric, load_results

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison", "Group", "compare", "load_results"]

SCHEMA = 1
MAIN_METRICS = {"binary": "roc_auc", "multiclass": "accuracy", "multilabel": "average_precision_macro"}
LOWER_IS_BETTER = frozenset({"log_loss", "brier", "hamming_loss"})
DESCRIPTION = ("head", "backbone", "layers", "pooling", "width", "set")
OVERLAP = "differences within the intervals; do not read an order into them"


@dataclass(frozen=True, eq=False)
class Group:
    """Models that were evaluated on the same images, best first.

    Attributes
    ----------
    dataset, fingerprint : str
        Name of the data, and the digest that identifies it.
    task : str
    metric : str
        What the models are ordered by.
    models : tuple of dict
        Each model's metrics.json, as read.
    evaluations : tuple of Evaluation
        Those of the compared split, in the order of `models`.
    notes : tuple of str
        What to know before reading an order into the table.
    """

    dataset: str
    fingerprint: str
    task: str
    metric: str
    models: tuple[dict[str, Any], ...]
    evaluations: tuple[Evaluation, ...]
    notes: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Names of the models, best first."""
        return [model["model"] for model in self.models]

    @property
    def shared_suffix(self) -> str:
        """What all names end with, from a hyphen on: what pictures put into their title; "" if they differ."""
        if len(self.names) < 2:
            return ""
        first = self.names[0]
        ends = [first[start:] for start, letter in enumerate(first) if letter == "-" and start]
        return next((end for end in ends if all(name.endswith(end) and name != end for name in self.names)), "")

    @property
    def labels(self) -> list[str]:
        """Names of the models without :attr:`shared_suffix`."""
        return [name.removesuffix(self.shared_suffix) for name in self.names]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One flat dict a model: who it is, its scores with their intervals, its times."""
        pairs = zip(self.models, self.evaluations, strict=True)
        return [self._row(rank, model, result) for rank, (model, result) in enumerate(pairs, start=1)]

    def _row(self, rank: int, model: Mapping[str, Any], result: Evaluation) -> dict[str, Any]:
        row = {"dataset": self.dataset, "dataset_fingerprint": self.fingerprint, "rank": rank, "model": model["model"]}
        for key in DESCRIPTION:
            value = model.get(key)
            row[key] = "+".join(map(str, value)) if isinstance(value, list) else value
        row |= {"n": result.n, "ordered_by": self.metric}
        for name, value, low, high in result.table():
            row |= {name: value, f"{name}_low": low, f"{name}_high": high}
        return row | {f"seconds_{part}": seconds for part, seconds in model.get("seconds", {}).items()}


@dataclass(frozen=True, eq=False)
class Comparison:
    """What :func:`compare` gives back.

    Attributes
    ----------
    split : str
        The split that was compared.
    groups : tuple of Group
        One for each set of images; models are ordered only within a group.
    notes : tuple of str
        What was left out.
    """

    split: str
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One flat dict a model, group after group; ``rank`` starts anew in each."""
        return [row for group in self.groups for row in group.rows]

    def table(self) -> "pd.DataFrame":
        """Return :attr:`rows` as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, per-class scores and confusion matrices too, as JSON values."""
        groups = [
            {
                "dataset": group.dataset,
                "dataset_fingerprint": group.fingerprint,
                "task": group.task,
                "metric": group.metric,
                "notes": list(group.notes),
                "models": [
                    row | {"evaluation": result.to_dict()}
                    for row, result in zip(group.rows, group.evaluations, strict=True)
                ],
            }
            for group in self.groups
        ]
        return {"schema": SCHEMA, "split": self.split, "notes": list(self.notes), "groups": groups}

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write :meth:`to_dict` as JSON; return the path."""
        return _write(Path(path), lambda stream: json.dump(self.to_dict(), stream, indent=1, allow_nan=False))

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write :attr:`rows` as CSV, an empty field for what is not defined; return the path."""
        rows = self.rows
        columns = list(dict.fromkeys(column for row in rows for column in row))

        def write(stream: Any) -> None:
            writer = csv.DictWriter(stream, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

        return _write(Path(path), write)

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write tables and pictures into a folder, each file whole or not at all.

        Parameters
        ----------
        folder : path
            Made if need be. It gets comparison.json, comparison.csv, and for each group a bar chart and
            a picture of the confusion matrices (PNG).

        Returns
        -------
        list of Path
            The files.
        """
        from hybrid.plots import save_figure

        target = Path(folder)
        paths = [self.to_json(target / "comparison.json"), self.to_csv(target / "comparison.csv")]
        for i, group in enumerate(self.groups):
            stem = re.sub(r"[^A-Za-z0-9.-]+", "_", group.dataset).strip("._") or "dataset"
            stem = f"{stem}-{i + 1}" if len(self.groups) > 1 else stem
            paths.append(save_figure(self.plot_bars(i), target / f"{stem}-bars.png"))
            paths.append(save_figure(self.plot_confusions(i), target / f"{stem}-confusion.png"))
        for old in [*target.glob("*-bars.png"), *target.glob("*-confusion.png")]:
            if old not in paths:
                old.unlink()
        return paths

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

    def _title(self, group: Group) -> str:
        shared = group.shared_suffix.strip("-")
        name = shared if group.dataset in shared else group.dataset
        return f"{name}, {self.split}: {group.evaluations[0].n} images"

    def _repr_html_(self) -> str:
        tables = "".join(
            f"<h4>{escape(self._title(group))}</h4>{_html_table(group)}{_html_notes(group.notes)}"
            for group in self.groups
        )
        return tables + _html_notes(self.notes)


def compare(results: Sequence[Mapping[str, Any]], *, split: str = "test", metric: str | None = None) -> Comparison:
    """Put models side by side, those that saw the same images in one table, best first.

    Parameters
    ----------
    results : sequence of dict
        From :func:`load_results`.
    split : str, default="test"
        The split to compare; models without it are left out, and named.
    metric : str, optional
        What to order by; by default ``roc_auc`` for two classes, ``accuracy`` for more and
        ``average_precision_macro`` for multi-label.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If no model has the split, or none has the metric.
    """
    if not results:
        raise InputError("There are no models to compare. Fit one first, for example: hybrid fit svm")
    chosen = [dict(result) for result in results if split in result["splits"]]
    if not chosen:
        known = {name for result in results for name in result["splits"]}
        raise unknown_name("split", split, known, "No fitted model was evaluated on it.")
    metrics = {name for result in chosen for name in result["splits"][split].metrics}
    if metric is not None and metric not in metrics:
        raise unknown_name("metric", metric, metrics)
    same_images: dict[tuple, list[dict[str, Any]]] = {}
    for result in chosen:
        same_images.setdefault(_images(result, split), []).append(result)
    groups = tuple(_group(members, split, metric) for members in same_images.values())
    return Comparison(split, groups, _left_out(results, split, groups))


def _images(result: Mapping[str, Any], split: str) -> tuple:
    """Return what tells one set of test images from another: skipped images and other splits differ in counts."""
    evaluation = result["splits"][split]
    counts = evaluation.confusion.sum(axis=-1).ravel().tolist()
    return (result["dataset_fingerprint"], evaluation.task, evaluation.classes, evaluation.positive, *counts)


def _group(members: Sequence[dict[str, Any]], split: str, metric: str | None) -> Group:
    first = members[0]
    task = first["splits"][split].task
    asked = metric if metric in first["splits"][split].metrics else None
    main = asked or MAIN_METRICS[task]
    ordered = sorted(members, key=lambda result: _badness(result["splits"][split].metrics[main], main))
    evaluations = tuple(result["splits"][split] for result in ordered)
    notes = [] if metric in (None, asked) else [f"{metric} does not exist for a {task} task; ordered by {main}"]
    overlapping = _overlapping([result.metrics[main] for result in evaluations])
    if overlapping > 1:
        names = ", ".join(result["model"] for result in ordered[:overlapping])
        which = f"all {len(ordered)} models" if overlapping == len(ordered) else names
        notes.append(f"The {main} intervals of {which} overlap: {OVERLAP}.")
    return Group(first["dataset"], first["dataset_fingerprint"], task, main, tuple(ordered), evaluations, tuple(notes))


def _badness(metric: Metric, name: str) -> float:
    if metric.value is None:
        return math.inf
    return metric.value if name in LOWER_IS_BETTER else -metric.value


def _overlapping(metrics: Sequence[Metric]) -> int:
    """Return how many models, from the first, have intervals (or else values) that overlap the first one's."""
    ends = [metric.interval or (metric.value, metric.value) for metric in metrics if metric.value is not None]
    return sum(1 for _ in takewhile(lambda pair: pair[0] <= ends[0][1] and pair[1] >= ends[0][0], ends))


def _left_out(results: Sequence[Mapping[str, Any]], split: str, groups: Sequence[Group]) -> tuple[str, ...]:
    missing = [result["model"] for result in results if split not in result["splits"]]
    notes = [f"Left out, because not evaluated on {split}: {', '.join(missing)}."] if missing else []
    if len(groups) > 1:
        notes.append("Models that were evaluated on different images are in separate tables, and not ranked together.")
    return tuple(notes)


def _html_table(group: Group) -> str:
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


def _write(path: Path, write: Callable[[Any], None]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("w", encoding="utf-8", newline="") as stream:
            write(stream)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
