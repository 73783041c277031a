"""The table of checks, and `examine`, which runs all of them on a dataset."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybrid.datasets.parts.raw import LabelledImages
from hybrid.datasets.quality import duplicates, naming, near_duplicates, outliers
from hybrid.datasets.quality.finding import Cluster, ExaminedDataset, Finding
from hybrid.datasets.quality.label_columns import PREDICTING
from hybrid.datasets.quality.measure import Measures, measure
from hybrid.progress import Progress


@dataclass(frozen=True)
class Check:
    """A check of a dataset.

    Attributes
    ----------
    name : str
        Name of the check in JSON.
    title : str
        Description of its findings in tables.
    find : callable
        Returns the list of clusters found in an `ExaminedDataset`.
    drop : str, default=""
        Name of the findings for ``--drop``. Empty if they cannot be left out.
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
    Check("blurred", "blurred or enlarged images", outliers.blurred),
    Check("divided_groups", "images of groups in several splits", naming.divided_groups),
    Check("classes", "class names that differ only in case, spaces or leading zeros", naming.similar_class_names),
    Check("labels_without_files", "labels without a file", naming.labels_without_files),
    Check("files_without_labels", "image files without a label", naming.files_without_labels),
    Check(PREDICTING, "columns that predict the label", naming.predicting_columns),
)


def examine(
    dataset: LabelledImages, progress: Progress | None = None, cache: Path | None = None
) -> tuple[list[Finding], Measures]:
    """Run all `CHECKS` on a dataset.

    Parameters
    ----------
    dataset : Dataset
        The dataset to examine.
    progress : callable, optional
        Called with the number of measured images and of all images to measure.
    cache : Path, optional
        The cache folder, in which measurements are stored. By default, the cache folder of the user.

    Returns
    -------
    findings : list of Finding
        One finding per check, in the order of `CHECKS`. It has no clusters if the check found nothing.
    measures : Measures
        The measurements of the images.
    """
    examined = measured(dataset, progress, cache)
    return find(examined), examined.measures


def measured(
    dataset: LabelledImages, progress: Progress | None = None, cache: Path | None = None, by: Sequence[str] = ()
) -> ExaminedDataset:
    """Return a dataset with the measurements of its images, for `find`.

    Parameters
    ----------
    dataset, progress, cache
        As in :func:`examine`.
    by : sequence of str, default=()
        The columns to count the classes by, as for ``--by``.
    """
    return ExaminedDataset(
        dataset.ids.tolist(),
        dataset.y,
        dataset.classes,
        dataset.split,
        dataset.groups,
        measure(dataset.X, progress, cache, dataset.reading),
        dataset.left_out,
        dataset.columns,
        by,
    )


def find(examined: ExaminedDataset) -> list[Finding]:
    """Run all `CHECKS` on a dataset that was measured."""
    return [Finding(check.name, check.title, tuple(check.find(examined)), check.drop) for check in CHECKS]
