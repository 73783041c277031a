"""The checks there are, and all of them on one dataset."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hybrid.datasets.parts.raw import LabelledImages
from hybrid.datasets.quality import duplicates, naming, near_duplicates, outliers
from hybrid.datasets.quality.finding import Cluster, ExaminedDataset, Finding
from hybrid.datasets.quality.measure import Measures, measure
from hybrid.progress import Progress


@dataclass(frozen=True)
class Check:
    """One thing that can be wrong with a dataset.

    Attributes
    ----------
    name : str
        In JSON.
    title : str
        In tables.
    find : callable
        Takes an `ExaminedDataset` and returns clusters.
    drop : str
        What ``--drop`` calls it; "" if it cannot be left out.
    """

    name: str
    title: str
    find: Callable[[ExaminedDataset], list[Cluster]]
    drop: str = ""


CHECKS = (
    Check("undecodable", "undecodable files", duplicates.undecodable, "undecodable"),
    Check("byte_identical", "byte-identical images", duplicates.byte_identical, "duplicates"),
    Check("pixel_identical", "pixel-identical images in different files", duplicates.pixel_identical, "duplicates"),
    Check("near_duplicates", "near-duplicates", near_duplicates.near_duplicates, "near-duplicates"),
    Check("blank", "blank images", outliers.blank, "blank"),
    Check("size", "images of unusual size or shape", outliers.unusual_size, "size"),
    Check("brightness", "unusually dark or bright images", outliers.unusual_brightness, "brightness"),
    Check("divided_groups", "images of groups in several splits", naming.divided_groups),
    Check("classes", "class names alike but for case or Unicode form", naming.alike_classes),
    Check("labels_without_files", "labels without a file", naming.labels_without_files),
    Check("files_without_labels", "image files without a label", naming.files_without_labels),
)


def examine(
    dataset: LabelledImages, progress: Progress | None = None, cache: Path | None = None
) -> tuple[list[Finding], Measures]:
    """Look for all that `CHECKS` lists.

    Parameters
    ----------
    dataset : Dataset
    progress : callable, optional
        Called with (images measured, images to measure).
    cache : Path, optional
        The cache folder, which remembers what was measured; by default the user's.

    Returns
    -------
    findings : list of Finding
        One a check, in the order of `CHECKS`; without clusters where nothing was found.
    measures : Measures
        Of the images.
    """
    subject = ExaminedDataset(
        dataset.ids.tolist(),
        dataset.y,
        dataset.classes,
        dataset.split,
        dataset.groups,
        measure(dataset.X, progress, cache),
        dataset.left_out,
    )
    findings = [Finding(check.name, check.title, tuple(check.find(subject)), check.drop) for check in CHECKS]
    return findings, subject.measures
