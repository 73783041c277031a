"""The summary of a dataset that `hybrid data` shows and saves: images, labels and findings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hybrid.datasets.quality.finding import Finding
from hybrid.datasets.quality.label_columns import LabelColumn
from hybrid.datasets.quality.measure import Measures
from hybrid.datasets.unused_bits import unused_bits_note
from hybrid.wording import and_more
from hybrid.workspace.records import Record

if TYPE_CHECKING:
    from hybrid.datasets import Dataset


@dataclass(frozen=True)
class SizeCount:
    """Number of images of one size.

    Attributes
    ----------
    width, height : int
        Size in pixels.
    images : int
        Number of images of this size.
    """

    width: int
    height: int
    images: int


@dataclass(frozen=True, kw_only=True, eq=False)
class DatasetSummary(Record):
    """Summary of a dataset, as `hybrid data` reports it.

    Optional attributes are None, and not in the file, if the checks were not run or the attribute does not apply.

    Attributes
    ----------
    name, source, task : str
        As in `Dataset`.
    images : int
        Number of images.
    counts_by_split : dict
        Number of images by split and by class or label.
    notes, counts, left_out
        As in `Dataset`.
    imbalance : dict of str to (float or None), optional
        For each class, the number of images of the most frequent class divided by that of the class, in the whole
        dataset. None for a class without images.
    labels_an_image : dict, optional
        For data with several labels, the number of images by split and by the number of their labels.
    sizes : tuple of SizeCount, optional
        Number of images of each size, the most frequent first.
    modes : dict of str to int, optional
        Number of images of each Pillow mode, the most frequent first.
    columns : dict of str to dict of str to int, optional
        Number of images of each value of the columns of the dataset, the most frequent first.
    label_columns : tuple of LabelColumn, optional
        Number of images of each class by the values of the columns that ``--by`` names, and whether these predict the
        label.
    findings : tuple of Finding, optional
        One finding for each check.
    chart, examples, augmentations : str, optional
        Paths of the figures that were drawn.

    References
    ----------
    Charte, Rivera, del Jesus, Herrera. Addressing imbalance in multilabel classification. Neurocomputing 163, 2015.
    """

    SCHEMA: ClassVar[int] = 1
    SEALED_SINCE: ClassVar[int] = 1
    REMEDY: ClassVar[str] = "Run `hybrid data` again."

    name: str
    source: str
    task: str
    images: int
    counts_by_split: dict[str, dict[str, int]]
    notes: tuple[str, ...]
    counts: dict[str, int]
    left_out: dict[str, tuple[str, ...]]
    imbalance: dict[str, float | None] | None = None
    labels_an_image: dict[str, dict[str, int]] | None = None
    sizes: tuple[SizeCount, ...] | None = None
    modes: dict[str, int] | None = None
    columns: dict[str, dict[str, int]] | None = None
    label_columns: tuple[LabelColumn, ...] | None = None
    findings: tuple[Finding, ...] | None = None
    chart: str | None = None
    examples: str | None = None
    augmentations: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the summary as JSON values, without attributes that are None."""
        return {key: value for key, value in super().to_json().items() if value is not None}

    def in_words(self) -> list[str]:
        """Return sentences about the sizes, modes and labels of the images."""
        notes = []
        if self.sizes and self.modes:
            sizes = [f"{size.width}×{size.height} ({size.images:,})" for size in self.sizes]
            modes = ", ".join(f"{mode} ({count:,})" for mode, count in self.modes.items())
            notes.append(f"Sizes: {and_more(sizes, 4)}. Modes: {modes}.")
        for name, counts in (self.columns or {}).items():
            values = [f"{value or 'none'} ({count:,})" for value, count in counts.items()]
            notes.append(f"{name}: {and_more(values, 12)}.")
        for split, counts in (self.labels_an_image or {}).items():
            parts = [
                f"{count:,} with {'none' if labels == '0' else labels}" for labels, count in counts.items() if count
            ]
            notes.append(f"Labels per image, {split}: {', '.join(parts)}.")
        if ratio := {label: value for label, value in (self.imbalance or {}).items() if value}:
            rarest = max(ratio, key=lambda label: ratio[label])
            times = f"{ratio[rarest]:.1f} times as many images as the rarest, {rarest!r}"
            equal = max(ratio.values()) < 1.05
            notes.append("All labels are about equally frequent." if equal else f"The most frequent label has {times}.")
        return notes


def summarize(
    dataset: "Dataset",
    findings: Sequence[Finding] | None = None,
    measures: Measures | None = None,
    columns: Sequence[LabelColumn] = (),
) -> DatasetSummary:
    """Return the summary of a dataset.

    Parameters
    ----------
    dataset : Dataset
        The dataset to summarise.
    findings, measures : sequence of Finding and Measures, optional
        The results of `examine`. Without them, the summary only contains counts.
    columns : sequence of LabelColumn, default=()
        Counts of the classes by the values of columns.

    Returns
    -------
    DatasetSummary
    """
    checked: dict[str, Any] = {}
    notes = tuple(dataset.notes)
    if dataset.columns:
        counted = {name: Counter(values.tolist()).most_common() for name, values in dataset.columns.items()}
        checked["columns"] = {name: dict(counts) for name, counts in counted.items()}
    if findings is not None and measures is not None:
        rows = measures.rows[measures.readable]
        sizes = Counter(zip(rows["width"].tolist(), rows["height"].tolist(), strict=True))
        notes += tuple(unused_bits_note(dataset, rows["peak"]))
        checked |= {
            "imbalance": _imbalance(dataset),
            "labels_an_image": _labels_an_image(dataset) if dataset.y.ndim == 2 else None,
            "sizes": tuple(SizeCount(*size, images) for size, images in sizes.most_common()),
            "modes": dict(Counter(mode.decode() for mode in rows["mode"].tolist()).most_common()),
            "findings": tuple(findings),
        }
    return DatasetSummary(
        name=dataset.name,
        source=dataset.source,
        task=dataset.task,
        images=len(dataset),
        counts_by_split=dataset.counts_by_split(),
        notes=notes,
        counts=dict(dataset.counts),
        label_columns=tuple(columns) or None,
        left_out={reason: tuple(names) for reason, names in dataset.left_out.items()},
        **checked,
    )


def _imbalance(dataset: "Dataset") -> dict[str, float | None]:
    totals = Counter({str(label): 0 for label in dataset.classes})
    for counts in dataset.counts_by_split().values():
        totals.update(counts)
    most = max(totals.values())
    return {label: most / count if count else None for label, count in totals.items()}


def _labels_an_image(dataset: "Dataset") -> dict[str, dict[str, int]]:
    return {
        split: {str(labels): n for labels, n in enumerate(np.bincount(dataset.part(split).y.sum(1, np.intp)).tolist())}
        for split in dataset.counts_by_split()
    }
