"""The checks there are, and all of them on one dataset."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid.extractors.extraction import Progress
from hybrid.findings import copies, naming, near, odd
from hybrid.findings.finding import Finding, Group, Subject
from hybrid.findings.measuring import Measures, measure

if TYPE_CHECKING:
    from hybrid.datasets import Dataset


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
        From a `Subject` to groups.
    drop : str
        What ``--drop`` calls it; "" if it cannot be left out.
    """

    name: str
    title: str
    find: Callable[[Subject], list[Group]]
    drop: str = ""


CHECKS = (
    Check("undecodable", "undecodable files", copies.undecodable, "undecodable"),
    Check("byte_identical", "byte-identical images", copies.byte_identical, "duplicates"),
    Check("pixel_identical", "pixel-identical images in different files", copies.pixel_identical, "duplicates"),
    Check("near_duplicates", "near-duplicates", near.near_duplicates, "near-duplicates"),
    Check("blank", "blank images", odd.blank, "blank"),
    Check("size", "images of unusual size or shape", odd.unusual_size, "size"),
    Check("brightness", "unusually dark or bright images", odd.unusual_brightness, "brightness"),
    Check("divided_groups", "images of groups in several splits", naming.divided_groups),
    Check("classes", "class names alike but for case or Unicode form", naming.alike_classes),
    Check("labels_without_files", "labels without a file", naming.labels_without_files),
    Check("files_without_labels", "image files without a label", naming.files_without_labels),
)


def examine(
    dataset: "Dataset", progress: Progress | None = None, cache: Path | None = None
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
        One a check, in the order of `CHECKS`; without groups where nothing was found.
    measures : Measures
        Of the images.
    """
    subject = Subject(
        dataset.ids.tolist(),
        dataset.y,
        dataset.classes,
        dataset.split,
        dataset.groups,
        measure(dataset.X, progress, cache),
        dataset.left_out,
    )
    found = [Finding(check.name, check.title, tuple(check.find(subject)), check.drop) for check in CHECKS]
    return found, subject.measures
