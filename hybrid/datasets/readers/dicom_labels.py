"""Read a folder of DICOM files whose labels are the values of a tag, such as ViewPosition."""
# ruff: noqa: PTH100, PTH118
# Strings, not Paths: a Path for each file of a large folder is slow.

import os
from dataclasses import replace

import numpy as np

from hybrid.datasets.parts.raw import RawDataset, ReaderOptions
from hybrid.datasets.readers.dicom_headers import check_tags, dicom_rows, read_headers
from hybrid.datasets.readers.manifest import load_table
from hybrid.datasets.readers.scan import link_error, list_below
from hybrid.errors import SKIP_BAD, InputError
from hybrid.wording import first_few, number


def load_tagged_folder(data: str, options: ReaderOptions) -> RawDataset:
    """Return the DICOM files anywhere below a folder, with a tag as their labels.

    Names of folders mean nothing, unless they say that their images are train, val or test.

    Parameters
    ----------
    data : str
        The folder.
    options : ReaderOptions
        `label` is the keyword of the tag. The other options apply as to a manifest that lists the files.

    Returns
    -------
    RawDataset

    Raises
    ------
    InputError
        If there are no DICOM files, the tag is unknown or can identify a patient, files lack it or links lead out of
        the folder (unless `on_bad` is "skip"), or the labels or the split are not clear.
    MissingExtraError
        If pydicom is not installed.
    """
    root, tag = os.path.abspath(data), str(options.label)
    listing = list_below(root, None if options.follow_links else root)
    if listing.outside and options.on_bad == "raise":
        raise link_error(listing.outside, root)
    images = np.array([os.path.join(root, *name.split("/")) for name in listing.images], dtype=np.str_)
    rows = dicom_rows(images)
    if not rows:
        raise InputError(
            f"label={tag!r} was given, but {data!r} is a folder without DICOM files; give the label column of a "
            "CSV or Parquet manifest, a tag of DICOM files, or a folder of class folders without it."
        )
    check_tags([tag])
    labels = [header.get(tag, "") for header in read_headers(images[rows], (tag,))]
    lacking = [listing.images[row] for row, label in zip(rows, labels, strict=True) if not label]
    if lacking and (options.on_bad == "raise" or len(lacking) == len(rows)):
        skip = f"; leave them out with {SKIP_BAD}" if len(lacking) < len(rows) else ""
        files = number(len(lacking), "DICOM file lacks", "DICOM files lack")
        raise InputError(f"{files} the tag {tag}, which should be the label: {first_few(lacking)}{skip}.")
    table = {
        "path": [listing.images[row] for row, label in zip(rows, labels, strict=True) if label],
        tag: [label for label in labels if label],
    }
    raw = load_table(data, replace(options, image_root=root, path_column="path"), lambda _: table)
    return replace(
        raw, notes=[f"Labels: the tag {tag} of DICOM files; names of folders are no labels.", *raw.notes[1:]]
    )
