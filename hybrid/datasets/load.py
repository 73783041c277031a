"""Load a dataset from a path or a name: `load_dataset` and `reopen`."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid.datasets.copies import reading_copies
from hybrid.datasets.dataset import Dataset, Splitting, assemble
from hybrid.datasets.parts.further_columns import NO_COLUMNS, ColumnSources, parse_column_patterns, parse_columns
from hybrid.datasets.parts.raw import RawDataset, ReaderOptions
from hybrid.datasets.parts.split import FRACTIONS, check_fractions
from hybrid.datasets.parts.split_names import parse_split_names
from hybrid.datasets.readers import cells, folder, manifest, named, npz
from hybrid.datasets.readers.dicom_headers import with_headers
from hybrid.datasets.readers.dicom_labels import load_tagged_folder
from hybrid.datasets.readers.scan import read_head
from hybrid.datasets.readers.table import Columns, is_csv, is_parquet, read_csv, read_parquet
from hybrid.errors import InputError, renamed_parameters, unknown_name
from hybrid.extractors.images.depth import Reading
from hybrid.files import expanded

if TYPE_CHECKING:
    from hybrid.progress import Progress


@dataclass(frozen=True)
class DatasetKind:
    """How one kind of dataset is recognised and loaded.

    Attributes
    ----------
    name : str
        Short name of the kind.
    summary : str
        Description for messages.
    recognise : callable
        Returns whether a path or name is of this kind.
    load : callable
        Returns the `RawDataset` for a path or name and `ReaderOptions`.
    has_columns : bool, default=False
        Whether the options about columns apply.
    has_split_names : bool, default=False
        Whether its folders or columns may be named after splits.
    named : bool, default=False
        Whether the dataset is given by a name, not by a path.
    """

    name: str
    summary: str
    recognise: Callable[[str], bool]
    load: Callable[[str, ReaderOptions], RawDataset]
    has_columns: bool = False
    has_split_names: bool = False
    named: bool = False


KINDS = (
    DatasetKind("cells", "a name such as cells or cells:types (drawn)", cells.is_cells, cells.load_cells, named=True),
    DatasetKind("digits", "digits (from scikit-learn)", named.is_digits, named.load_digits, named=True),
    DatasetKind("medmnist", "medmnist:NAME[:SIZE]", named.is_medmnist, named.load_medmnist, named=True),
    DatasetKind("keras", "keras:NAME", named.is_keras, named.load_keras, named=True),
    DatasetKind("folder", "a folder of class folders", folder.is_folder, folder.load_folder, has_split_names=True),
    DatasetKind("npz", "an .npz with train_images and train_labels", npz.is_npz, npz.load_npz),
    DatasetKind("parquet", "a Parquet manifest", is_parquet, manifest.load_parquet, True, True),
    DatasetKind("csv", "a CSV manifest with a header line", is_csv, manifest.load_csv, True, True),
)
_SPREADSHEETS = (".xls", ".xlsx", ".xlsm", ".ods", ".numbers")
_TAGGED = DatasetKind(  # in place of a folder of class folders, if a label is given
    "tagged", "a folder of DICOM files with labels in a tag", folder.is_folder, load_tagged_folder, has_split_names=True
)

ON_BAD = ("raise", "skip")


@renamed_parameters(seed="random_state")
@reading_copies
def load_dataset(
    data: "str | os.PathLike[str] | Dataset",
    *,
    fractions: Sequence[float] = FRACTIONS,
    val: float | None = None,
    val_as_test: bool = False,
    together: str = "duplicates",
    random_state: int = 0,
    label: str | Sequence[str] | None = None,
    label_separator: str | None = None,
    path_column: str | None = None,
    split_column: str | None = None,
    split_names: Mapping[str, str] | str | None = None,
    group_column: str | None = None,
    group_pattern: str | None = None,
    image_root: "str | os.PathLike[str] | None" = None,
    on_bad: str = "raise",
    follow_links: bool = False,
    drop: Sequence[str] | None = None,
    bit_depth: int | None = None,
    window: str | tuple[float, float] = "file",
    dicom_tags: Sequence[str] = (),
    to_fit: bool = True,
    columns: str | Sequence[str] | None = None,
    column_patterns: Mapping[str, str] | Sequence[str] | None = None,
    table: "str | os.PathLike[str] | None" = None,
    progress: "Progress | None" = None,
) -> Dataset:
    r"""Load a dataset in any of the supported formats, and check it.

    The format of a file is recognised by its content. Given splits are kept. Missing splits are drawn from train,
    stratified and with a seed, and a note says so.

    Parameters
    ----------
    data : str, path or Dataset
        A folder with one subfolder per class (or train, val and test folders with such subfolders), an .npz file, a
        CSV or Parquet manifest, or a name: "cells", "cells:types", "cells:labels", "cells:north", "cells:south",
        "cells:hospitals", "digits", "medmnist:NAME", "keras:NAME". Give a folder called "digits" as "./digits". A
        `Dataset` is returned unchanged. An address such as "s3://bucket/pictures" of a folder or a file is accepted,
        too, and so are those of `image_root` and `table`.
    fractions : (float, float, float), default=(0.70, 0.15, 0.15)
        Shares of train, val and test, for the splits that are missing. A split with a share of 0 is not drawn.
    val : float, optional
        Share of the new validation split, if it should be drawn again: the given validation images join train, and
        this share of both is drawn. Use it if the given validation split is too small.
    val_as_test : bool, default=False
        Whether the given validation images are the test split. Use it if the data have no other held-out images. A
        validation split is then drawn from train.
    together : {"duplicates", "near-duplicates", "none"}, default="duplicates"
        Which copies of an image stay in one split when a split is drawn: identical ones, nearly identical ones as well,
        or none. To find them, the images are decoded once; measurements are stored in the cache folder.
    random_state : int, default=0
        Seed of the split.
    label : str or sequence of str, optional
        Label column of a manifest, or several columns of 0 and 1, as "A,B,C" or a sequence. By default, it is
        recognised by its name. For a folder of DICOM files, a tag, such as "ViewPosition", whose values are the labels.
    label_separator : str, optional
        What stands between several labels in one cell of the label column, such as "|" in "Mass|Edema"; a space stands
        for any white space. "none" says that every cell is the name of one class. By default, lists and labels
        between "|" or ";" are separated, and cells that seem to hold several labels in another way are an error.
    path_column, split_column, group_column : str, optional
        Columns of a manifest with the image paths, the splits and the groups. By default, they are recognised by
        their names.
    split_names : mapping of str to str, or "none", optional
        What the names of folders or the values of the split column mean: "train", "val", "test", or "skip" for images
        that are left out, such as ``{"fold1": "train", "fold2": "test"}``; also as "fold1=train,fold2=test". "none":
        there is no split in the data; the folders are classes, and no column or path is read as a split. By default,
        the names must be clear.
    group_pattern : str, optional
        A regular expression whose parentheses find the group of an image in its id, such as ``(person\d+)_`` or
        ``(person\d+)_|(IM-\d+)``: the first pair that matches text counts. An image whose id does not match is a group
        of its own, and a note of the dataset says how many there are. Images of one group are never drawn into
        different splits.
    image_root : path, optional
        The folder to which the paths of a manifest are relative. By default, the folder of the manifest, or ``images``
        in it.
    on_bad : {"raise", "skip"}, default="raise"
        Whether rows of a manifest whose file does not exist, and symbolic links that lead out of the dataset's folder,
        are an error or are left out.
    follow_links : bool, default=False
        Whether symbolic links that lead out of the dataset's folder are followed.
    drop : sequence of str, optional
        Findings whose images are left out before a split is drawn: "undecodable", "blank", "size", "brightness",
        "conflicts" (all copies of an image that has several labels), "duplicates" and "near-duplicates". Of
        duplicates, one image is kept, preferably one of test, then one of val. The notes say what was left out. By
        default, no image is left out.
    bit_depth : int, optional
        Number of bits that pixels use in files with more than 8 bits whose header does not tell, such as 12 for 12-bit
        data in 16-bit PNG files. By default, the full depth.
    window : "file", "full" or (float, float), default="file"
        The values that become black and white in DICOM files, and in TIFF files whose values have no fixed range: the
        first window of the file, the smallest and largest value of the image, or centre and width.
    dicom_tags : sequence of str, optional
        Tags of DICOM files, such as "ViewPosition", whose values are kept in `Dataset.columns`. Tags that can identify
        a patient are refused.
    to_fit : bool, default=True
        Whether a model is to be fitted to the dataset. If False, for a dataset on which a finished model is measured,
        no split is drawn, so that all images without a split are "train", and classes may be missing.
    columns : str or sequence of str, optional
        Further columns of a manifest, of `table` or arrays of an .npz (``train_sex``, …) to keep in `Dataset.columns`,
        as "A,B" or a sequence, for subgroups and domains; "none" for no column. By default all with numbers of at most
        four digits before the decimal point, and those with at most 50 different values, each for two images on
        average. Names, free text, dates and identifiers are thus only kept if they are named here.
    column_patterns : mapping of str to str, or sequence of str, optional
        Regular expressions whose parentheses find the value of a column in an image's id, by the name of the column,
        such as ``{"hospital": "^([^/]+)/"}`` or ``["hospital=^([^/]+)/"]``. It is missing where the id does not match.
    table : path, optional
        A CSV or Parquet file with further columns. Each row names an image by its path, its file name or its file name
        without suffix, or the images of a patient by the name of their group.
    progress : callable, optional
        If images are examined because of `drop` or `together`, called with the number of examined and of all images.

    Returns
    -------
    Dataset

    Raises
    ------
    InputError
        If the data do not exist, are damaged, or no classifier can be fitted on them.
    MissingExtraError
        If a package that the format needs is not installed.

    Examples
    --------
    >>> load_dataset("digits", fractions=(0.8, 0, 0.2)).part("test").X.shape
    (360, 8, 8)
    """
    if isinstance(data, Dataset):
        return data
    if not isinstance(data, str | os.PathLike):
        raise InputError(f"A dataset cannot be loaded from {type(data).__name__}: use Dataset.from_arrays(X, y).")
    if on_bad not in ON_BAD:
        raise unknown_name("on_bad", on_bad, ON_BAD)
    check_fractions(fractions)
    if drop:
        from hybrid.datasets.quality.drop import check_drop

        drop = check_drop(drop)
    root = None if image_root is None else os.fspath(image_root)
    if label_separator == "":
        raise InputError('label_separator="" was given; expected the text between two labels, such as "|", or "none".')
    names = parse_split_names(split_names)
    asked, patterns = parse_columns(columns), parse_column_patterns(column_patterns)
    options = ReaderOptions(
        label, path_column, split_column, group_column, root, on_bad, follow_links, names, label_separator, asked
    )
    text = data if isinstance(data, str) else str(Path(data).absolute())
    if text.startswith("~"):
        text = str(expanded(text))
    kind = _kind_of(text)
    if label and kind.name == "folder" and set(options.given()) <= {"label", "label_separator"}:
        kind = _TAGGED
    elif options.given() and not kind.has_columns:
        raise InputError(
            f"{', '.join(options.given())} can only be given for a CSV or Parquet manifest; {text!r} is {kind.summary}."
        )
    if names and not kind.has_split_names:
        raise InputError(f"split_names can only be given for a folder or a manifest; {text!r} is {kind.summary}.")
    reading = Reading.of(bit_depth, window)
    raw = with_headers(kind.load(text, options), tuple(dicom_tags), patients=group_pattern is None)
    splitting = Splitting(fractions, random_state, val, val_as_test, together, to_fit)
    further = ColumnSources(asked, patterns, None if table is None else read_table(table), repr(str(table)))
    dataset = assemble(replace(raw, reading=reading), text, splitting, group_pattern, drop, progress, further)
    arguments = {
        "data": text if kind.named else str(Path(text).absolute()),
        "fractions": [float(share) for share in fractions],
        "val": None if val is None else float(val),
        "val_as_test": bool(val_as_test),
        "together": together,
        "seed": int(random_state),
        "label": label if label is None or isinstance(label, str) else list(label),
        "label_separator": label_separator,
        "path_column": path_column,
        "split_column": split_column,
        "split_names": names,
        "group_column": group_column or raw.group_column or None,
        "group_pattern": group_pattern,
        "image_root": None if root is None else str(Path(root).absolute()),
        "on_bad": on_bad,
        "follow_links": bool(follow_links),
        "drop": list(drop) if drop else None,
        **({"dicom_tags": list(dicom_tags)} if dicom_tags else {}),
        **({} if to_fit else {"to_fit": False}),
        **({} if asked is None else {"columns": list(asked) or NO_COLUMNS}),
        **({"column_patterns": patterns} if patterns else {}),
        **({} if table is None else {"table": str(expanded(table).absolute())}),
        **reading.fields(),
    }
    return replace(dataset, arguments=arguments)


def reopen(arguments: Mapping[str, Any]) -> Dataset:
    """Load a dataset again with the same arguments.

    Parameters
    ----------
    arguments : mapping or None
        `Dataset.arguments`, which the record of an embedding set contains too.

    Returns
    -------
    Dataset
        The dataset in its current state. The caller checks whether it has changed.

    Raises
    ------
    InputError
        If the data no longer exist, or the dataset was made from arrays.
    """
    if not arguments:
        raise InputError("A dataset made from arrays cannot be loaded again: give the arrays.")
    given = {"together": "none"} | dict(arguments)  # version 0.1.0 did not keep copies together
    return load_dataset(random_state=given.pop("seed", 0), **given)


def read_table(path: "str | os.PathLike[str]") -> Columns:
    """Return the columns of a CSV or Parquet file.

    Raises
    ------
    InputError
        If there is no such file, or it is not a table.
    """
    text = str(expanded(path))
    if not Path(text).is_file():
        raise InputError(f"There is no table {text!r}.{_near_path(text)} Give a CSV or Parquet file.")
    return read_parquet(text) if is_parquet(text) else read_csv(text)


def is_named(data: str) -> bool:
    """Return whether `data` is the name of a dataset, not a path."""
    return any(kind.named and kind.recognise(data) for kind in KINDS)


def _kind_of(data: str) -> DatasetKind:
    if Path(data).suffix.lower() in _SPREADSHEETS and Path(data).is_file():
        raise InputError(f"{data!r} is a spreadsheet: save its table as a CSV file, and give that file.")
    for kind in KINDS:
        if kind.recognise(data):
            return kind
    expected = f"Expected one of: {', '.join(kind.summary for kind in KINDS[:-1])}, or {KINDS[-1].summary}."
    if not Path(data).exists():
        nearest = get_close_matches(data, (*cells.NAMES, *named.NAMES), n=1, cutoff=0.6)
        hint = f" Nearest name: {nearest[0]!r}." if nearest else _near_path(data)
        raise InputError(f"There is no file, folder or dataset {data!r}.{hint} {expected}")
    raise InputError(f"{data!r} {_unknown_content(data)}. {expected}")


def _near_path(data: str) -> str:
    """Return a hint at a file or folder with a similar name, or at the folder in which the path was looked for."""
    path = Path(data)
    try:
        names = [other.name for other in path.parent.iterdir()]
    except OSError:
        return ""
    nearest = get_close_matches(path.name, names, n=1, cutoff=0.7)
    return (
        f" Nearest: {str(path.parent / nearest[0])!r}."
        if nearest
        else f" It was looked for in {str(path.parent.absolute())!r}."
    )


def _unknown_content(data: str) -> str:
    """Return a predicate that describes a file of unknown format."""
    from hybrid.extractors.images.formats import sniff_format

    head = read_head(data)
    if not head:
        return "is empty or cannot be read"
    if sniff_format(head):
        return "is a single image, not a dataset"
    if Path(data).suffix.lower() in (".csv", ".tsv", ".txt"):
        return "has only one column; a manifest needs a column with paths and one with labels"
    return f"is not in a known format of datasets: it starts with {head[:16]!r}"
