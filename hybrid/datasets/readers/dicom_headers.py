"""What the headers of DICOM files say besides the pixels: the patient, as a salted hash, and the tags asked for."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from hybrid.datasets.parts.raw import RawDataset
from hybrid.datasets.readers.scan import read_head
from hybrid.errors import InputError, MissingExtraError, unknown_name
from hybrid.wording import number

_IDENTITY = ("PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "StudyInstanceUID", "SOPInstanceUID")
# Coded values and numbers can be kept, and these texts. Names, dates, times, identifiers and free text cannot.
_SAFE_TYPES = ("AS", "CS", "DS", "FL", "FD", "IS", "SL", "SS", "UL", "US")
_SAFE_TEXTS = ("Manufacturer", "ManufacturerModelName")


def with_headers(raw: RawDataset, tags: tuple[str, ...] = (), patients: bool = True) -> RawDataset:
    """Return a dataset with what the headers of its DICOM files say. Other datasets are returned unchanged.

    The patient becomes the group, unless the dataset has groups. Groups are hashes with a salt that depends on all
    headers of the dataset: they are the same at each use, and only who has the files can find out who they are.

    Parameters
    ----------
    raw : RawDataset
        The images that a reader found.
    tags : tuple of str, default=()
        Keywords of the tags that become columns.
    patients : bool, default=True
        Whether to group by patient. False if the groups are given otherwise.

    Returns
    -------
    RawDataset

    Raises
    ------
    MissingExtraError
        If there are DICOM files, but pydicom is not installed.
    InputError
        If a tag is unknown or can identify a patient, or tags are asked for but there are no DICOM files.
    """
    patients = patients and raw.groups is None
    if tags:
        check_tags(tags)
    rows = _dicom_rows(raw.X) if patients or tags else []
    if tags and not rows:
        raise InputError(f"The tag {tags[0]} of DICOM files was asked for, but the dataset has no DICOM files.")
    if not rows:
        return raw
    with ThreadPoolExecutor() as pool:
        headers = list(pool.map(lambda row: _header(str(raw.X[row]), (*_IDENTITY, *tags)), rows))
    columns = {tag: np.full(len(raw.X), "", dtype=object) for tag in tags}
    for tag in tags:
        columns[tag][rows] = [header.get(tag, "") for header in headers]
    raw = replace(raw, columns={**raw.columns, **{tag: values.astype(np.str_) for tag, values in columns.items()}})
    return _grouped(raw, rows, headers) if patients else raw


def check_tags(tags: Sequence[str]) -> None:
    """Raise `InputError` unless all keywords are known and none can identify a patient."""
    from hybrid.extractors.images.dicom_header import pydicom_or_error

    pydicom_or_error()
    from pydicom.datadict import dictionary_VR, keyword_dict

    for tag in tags:
        if tag not in keyword_dict:
            raise unknown_name("tag of DICOM files", tag, keyword_dict, "Give its keyword, such as ViewPosition.")
        if dictionary_VR(keyword_dict[tag]) not in _SAFE_TYPES and tag not in _SAFE_TEXTS:
            raise InputError(
                f"The tag {tag} may identify a patient, so it is not read; expected a tag with a code or a number, "
                "such as ViewPosition, PatientSex or KVP."
            )


def _dicom_rows(X: np.ndarray) -> list[int]:
    """Return the indices of the DICOM files."""
    from hybrid.extractors.images.formats import IMAGE_SUFFIXES, sniff_format

    if X.dtype.kind != "U":
        return []
    others = IMAGE_SUFFIXES - {".dcm", ".dicom"}
    candidates = [row for row, path in enumerate(X.tolist()) if Path(path).suffix.lower() not in others]
    return [row for row in candidates if sniff_format(read_head(str(X[row]))) == "DICOM"]


def _header(path: str, tags: tuple[str, ...]) -> dict[str, str]:
    from hybrid.extractors.images.dicom_header import read_header
    from hybrid.extractors.images.limits import open_regular

    try:
        with open_regular(path) as file:
            return read_header(file, tags)
    except MissingExtraError:
        raise
    except (OSError, ValueError):  # reported when the image is decoded
        return {}


def _grouped(raw: RawDataset, rows: list[int], headers: list[dict[str, str]]) -> RawDataset:
    identities = [_identity(header) for header in headers]
    studies = [header.get("StudyInstanceUID", "") for header in headers]
    of, kind = identities, "patient"
    if len(set(identities)) == 1 and len(set(studies)) > 1:  # the identifier was removed
        of, kind = studies, "study"
    if not any(of):
        return raw
    salt = hashlib.sha256(
        "\n".join(sorted("\0".join(header.get(tag, "") for tag in _IDENTITY) for header in headers)).encode()
    ).digest()
    groups = np.full(len(raw.X), "", dtype=object)
    groups[rows] = [one and f"{kind}-{hashlib.sha256(salt + one.encode()).hexdigest()[:12]}" for one in of]
    count = number(len(set(of) - {""}), kind, "patients" if kind == "patient" else "studies")
    why = "" if kind == "patient" else " (they all state the same patient)"
    note = f"Groups: the {count} of {number(len(rows), 'DICOM file')}, as salted hashes{why}."
    return replace(raw, groups=groups, notes=[*raw.notes, note])


def _identity(header: dict[str, str]) -> str:
    """Return what identifies the patient of a file: the ID, otherwise the name, otherwise the study."""
    if "PatientID" in header:
        return "\0".join(["id", header["PatientID"], header.get("IssuerOfPatientID", "")])
    if "PatientName" in header:
        return "\0".join(["name", header["PatientName"].lower(), header.get("PatientBirthDate", "")])
    return header.get("StudyInstanceUID", "")
