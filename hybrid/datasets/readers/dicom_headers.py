"""What the headers of DICOM files say besides the pixels: the patient, as a salted hash, and the tags asked for."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from hybrid.datasets.parts.raw import RawDataset
from hybrid.datasets.readers.scan import read_head
from hybrid.errors import InputError, MissingExtraError, unknown_name
from hybrid.wording import number

_IDENTITY = ("PatientID", "PatientName", "PatientBirthDate", "StudyInstanceUID", "SOPInstanceUID")
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
    rows = dicom_rows(raw.X) if patients or tags else []
    if tags and not rows:
        raise InputError(f"The tag {tags[0]} of DICOM files was asked for, but the dataset has no DICOM files.")
    if not rows:
        return raw
    headers = read_headers(raw.X[rows], (*_IDENTITY, *tags))
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


def dicom_rows(X: np.ndarray) -> list[int]:
    """Return the indices of the DICOM files, which are recognised by their content, whatever they are called."""
    from hybrid.extractors.images.formats import sniff_format

    if X.dtype.kind != "U":
        return []
    return [row for row, path in enumerate(X.tolist()) if sniff_format(read_head(path)) == "DICOM"]


def read_headers(paths: np.ndarray, tags: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the values of some tags for each DICOM file. Those of a damaged file are missing."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda path: _header(path, tags), paths.tolist()))


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
    if len(rows) == 1:
        return raw
    files = number(len(rows), "DICOM file")
    studies = [header.get("StudyInstanceUID", "") for header in headers]
    of, kind = _patients(headers), "patient"
    if len(set(of)) == 1 and len(set(studies)) > 1:  # the identifier was removed
        of, kind = studies, "study"
    if len(set(of)) == 1:
        what = "the same patient and the same study" if of[0] else "no patient and no study"
        way_out = "if they show several patients, say which with --group-pattern or --group-column"
        return replace(raw, notes=[*raw.notes, f"No groups: the {files} state {what}; {way_out}."])
    salt = hashlib.sha256(
        "\n".join(sorted("\0".join(header.get(tag, "") for tag in _IDENTITY) for header in headers)).encode()
    ).digest()
    groups = np.full(len(raw.X), "", dtype=object)
    groups[rows] = [one and f"{kind}-{hashlib.sha256(salt + one.encode()).hexdigest()[:12]}" for one in of]
    count = number(len(set(of) - {""}), kind, "patients" if kind == "patient" else "studies")
    why = "" if kind == "patient" else " (they all state the same patient)"
    missing = f"; {number(of.count(''), 'file')} without a patient or study not grouped" if "" in of else ""
    note = f"Groups: the {count} of {files}, as salted hashes{why}{missing}."
    return replace(raw, groups=groups, notes=[*raw.notes, note])


def _patients(headers: list[dict[str, str]]) -> list[str]:
    """Return what identifies the patient of each file: the ID, otherwise the name, otherwise the study.

    A file that lacks the ID belongs to the patient of the files with the same name and birth date or the same study.
    The issuer of an ID does not count: some files of a patient may lack it.
    """
    keys = [_keys(header) for header in headers]
    known: dict[str, str] = {}
    for of_file in keys:
        for other in of_file[1:]:
            known.setdefault(other, of_file[0])
    firsts = [of_file[0] if of_file else "" for of_file in keys]
    return [known.get(known.get(first, first), known.get(first, first)) for first in firsts]


def _keys(header: dict[str, str]) -> list[str]:
    """Return what can identify the patient of a file, the surest first."""
    found = []
    if "PatientID" in header:
        found.append(f"id\0{header['PatientID'].casefold()}")
    if "PatientName" in header:
        name = header["PatientName"].casefold().rstrip("^= ")
        found.append(f"name\0{name}\0{header.get('PatientBirthDate', '')}")
    if "StudyInstanceUID" in header:
        found.append(f"study\0{header['StudyInstanceUID']}")
    return found
