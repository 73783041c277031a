"""`load_dataset` and `reopen`: from what a user names as DATA to a `Dataset`."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid.datasets.dataset import Dataset, assemble
from hybrid.datasets.parts.raw import RawDataset, ReaderOptions
from hybrid.datasets.parts.split import FRACTIONS, check_fractions
from hybrid.datasets.readers import folder, manifest, named, npz, table
from hybrid.datasets.readers.scan import read_head
from hybrid.errors import InputError, unknown_name

if TYPE_CHECKING:
    from hybrid.progress import Progress


@dataclass(frozen=True)
class DatasetKind:
    """One kind of dataset: how to tell it and how to load it."""

    name: str
    summary: str
    recognise: Callable[[str], bool]
    load: Callable[[str, ReaderOptions], RawDataset]
    has_columns: bool = False
    named: bool = False


KINDS = (
    DatasetKind("digits", "digits, scikit-learn's", named.is_digits, named.load_digits, named=True),
    DatasetKind("medmnist", "medmnist:NAME[:SIZE]", named.is_medmnist, named.load_medmnist, named=True),
    DatasetKind("keras", "keras:NAME", named.is_keras, named.load_keras, named=True),
    DatasetKind("folder", "a folder of class folders", folder.is_folder, folder.load_folder),
    DatasetKind("npz", "an .npz with train_images and train_labels", npz.is_npz, npz.load_npz),
    DatasetKind("parquet", "a Parquet manifest", table.is_parquet, manifest.load_parquet, has_columns=True),
    DatasetKind("csv", "a CSV manifest with a header line", table.is_csv, manifest.load_csv, has_columns=True),
)

ON_BAD = ("raise", "skip")


def load_dataset(
    data: "str | os.PathLike[str] | Dataset",
    *,
    fractions: Sequence[float] = FRACTIONS,
    val: float | None = None,
    seed: int = 0,
    label: str | Sequence[str] | None = None,
    path_column: str | None = None,
    split_column: str | None = None,
    group_column: str | None = None,
    group_pattern: str | None = None,
    image_root: "str | os.PathLike[str] | None" = None,
    on_bad: str = "raise",
    follow_links: bool = False,
    drop: Sequence[str] | None = None,
    progress: "Progress | None" = None,
) -> Dataset:
    r"""Load a dataset, whatever its format, and check it.

    A file's format is told by its content. Splits that are missing are drawn from train, stratified
    and seeded, and noted; those that are given are kept.

    Parameters
    ----------
    data : str, path or Dataset
        A folder of class folders (or of train, val and test folders of them), an .npz, a CSV or
        Parquet manifest, or a name: "digits", "medmnist:NAME", "keras:NAME". A folder called
        "digits" is given as "./digits". A `Dataset` is returned as it is.
    fractions : (float, float, float), default=(0.70, 0.15, 0.15)
        Shares of train, val and test where they are missing; 0 leaves one out.
    val : float, optional
        Draw validation anew: the given one joins train, and this share of both becomes val. For data whose own
        validation is too small to choose by.
    seed : int, default=0
        Seed of the split.
    label, path_column, split_column, group_column : str, optional
        Columns of a manifest. `label` may name several 0/1 columns, as "A,B,C" or a sequence.
    group_pattern : str, optional
        A regular expression whose first parentheses find an image's group in its id, such as
        ``(person\d+)_``. Images of one group are never put into two splits.
    image_root : path, optional
        The folder a manifest's paths start from; by default its own, or ``images`` in it.
    on_bad : {"raise", "skip"}
        What to do with rows of a manifest whose file does not exist, and with symbolic links that lead out of the
        dataset's folder.
    follow_links : bool, default=False
        Whether such links are followed.
    drop : sequence of str, optional
        Findings whose images are left out before a split is drawn: "undecodable", "blank", "size", "brightness",
        "conflicts" (all copies of an image that has several labels), "duplicates" and "near-duplicates" (of which one
        stays, one of test before one of val before one of train). What was left out is in the notes.
    progress : callable, optional
        Called with (images looked at, images to look at), where there is something to drop.

    Returns
    -------
    Dataset

    Raises
    ------
    InputError
        If there is no such data, or it cannot be fitted and judged.
    MissingExtraError
        If a package is needed that is not installed.

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
    options = ReaderOptions(label, path_column, split_column, group_column, root, on_bad, follow_links)
    text = data if isinstance(data, str) else str(Path(data).absolute())
    if text.startswith("~"):
        text = str(Path(text).expanduser())
    kind = _kind_of(text)
    if options.given() and not kind.has_columns:
        raise InputError(
            f"{', '.join(options.given())} can be given for a CSV or Parquet manifest only; {text!r} is {kind.summary}."
        )
    dataset = assemble(kind.load(text, options), text, fractions, seed, group_pattern, val, drop, progress)
    arguments = {
        "data": text if kind.named else str(Path(text).absolute()),
        "fractions": [float(share) for share in fractions],
        "val": None if val is None else float(val),
        "seed": int(seed),
        "label": label if label is None or isinstance(label, str) else list(label),
        "path_column": path_column,
        "split_column": split_column,
        "group_column": group_column,
        "group_pattern": group_pattern,
        "image_root": None if root is None else str(Path(root).absolute()),
        "on_bad": on_bad,
        "follow_links": bool(follow_links),
        "drop": list(drop) if drop else None,
    }
    return replace(dataset, arguments=arguments)


def reopen(arguments: Mapping[str, Any]) -> Dataset:
    """Load a dataset again, as it was loaded before.

    Parameters
    ----------
    arguments : mapping
        `Dataset.arguments`; the info of an embedding set holds it too.

    Returns
    -------
    Dataset
        Of what is there now: whether it is the same is for the caller to ask.

    Raises
    ------
    InputError
        If the data are gone, or came from arrays.
    """
    if not arguments:
        raise InputError("A dataset made of arrays cannot be loaded again: give the arrays.")
    return load_dataset(**arguments)


def is_named(data: str) -> bool:
    """Return whether DATA is the name of a dataset, not a path."""
    return any(kind.named and kind.recognise(data) for kind in KINDS)


def _kind_of(data: str) -> DatasetKind:
    for kind in KINDS:
        if kind.recognise(data):
            return kind
    expected = f"Expected is {', '.join(kind.summary for kind in KINDS[:-1])}, or {KINDS[-1].summary}."
    if not Path(data).exists():
        nearest = get_close_matches(data, named.NAMES, n=1, cutoff=0.6)
        hint = f" Nearest name: {nearest[0]!r}." if nearest else ""
        raise InputError(f"There is no file, folder or dataset {data!r}.{hint} {expected}")
    raise InputError(f"{data!r} {_what_it_is(data)}. {expected}")


def _what_it_is(data: str) -> str:
    from hybrid.extractors.images.decode import sniff_format

    head = read_head(data)
    if not head:
        return "is empty or cannot be read"
    if sniff_format(head):
        return "is one image, not a dataset"
    return f"is no dataset in a format that is known: it starts with {head[:16]!r}"
