"""Leave images with certain findings out of a dataset before it is split, as `--drop` asks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from hybrid.datasets.parts.labels import tidy_labels
from hybrid.datasets.parts.raw import RawDataset
from hybrid.datasets.quality import duplicates, near_duplicates, outliers
from hybrid.datasets.quality.finding import Cluster, ExaminedDataset
from hybrid.datasets.quality.measure import measure
from hybrid.errors import InputError, unknown_name
from hybrid.progress import Progress
from hybrid.wording import first_few, number

_COUNT = "dropped_"  # prefix of the names of the counts of left-out images
_KEPT_FIRST = ("test", "val", "train")


def _found_by(find: Callable[[ExaminedDataset], list[Cluster]]) -> Callable[[ExaminedDataset, np.ndarray], np.ndarray]:
    """Return a function that returns a mask of the images that a check finds."""

    def images(examined: ExaminedDataset, remaining: np.ndarray) -> np.ndarray:
        return np.isin(np.arange(len(remaining)), [row for cluster in find(examined) for row in cluster.rows])

    return images


def _conflicts(examined: ExaminedDataset, remaining: np.ndarray) -> np.ndarray:
    labels = np.array(examined.labels)
    conflicting = np.zeros(len(remaining), bool)
    for rows in duplicates.rows_of_repeated(examined.measures.rows["pixels"], remaining & examined.measures.readable):
        conflicting[rows] = len(np.unique(labels[rows])) > 1
    return conflicting


def _duplicates(examined: ExaminedDataset, remaining: np.ndarray) -> np.ndarray:
    return _all_but_one(duplicates.duplicate_clusters(examined.measures), examined.split, remaining)


def _near_duplicates(examined: ExaminedDataset, remaining: np.ndarray) -> np.ndarray:
    pairs = near_duplicates.near_duplicate_pairs(examined.measures).pairs
    return _all_but_one(duplicates.duplicate_clusters(examined.measures, pairs), examined.split, remaining)


# Each function returns a mask of the images to drop, given a mask of those that remain. Duplicates come last: if one
# of two copies is dropped for another reason, such as its size, the other one is kept.
DROPS: dict[str, Callable[[ExaminedDataset, np.ndarray], np.ndarray]] = {
    "undecodable": _found_by(duplicates.undecodable),
    "blank": _found_by(outliers.blank),
    "size": _found_by(outliers.unusual_size),
    "brightness": _found_by(outliers.unusual_brightness),
    "conflicts": _conflicts,
    "duplicates": _duplicates,
    "near-duplicates": _near_duplicates,
}


def check_drop(drop: Iterable[str]) -> tuple[str, ...]:
    """Return names of findings in the order in which they are left out.

    Parameters
    ----------
    drop : iterable of str, or str
        Names in `DROPS`, in any order.

    Returns
    -------
    tuple of str

    Raises
    ------
    InputError
        If a name is unknown.
    """
    names = [drop] if isinstance(drop, str) else list(drop)
    for name in names:
        if name not in DROPS:
            raise unknown_name("finding to drop", name, DROPS)
    return tuple(name for name in DROPS if name in names)


def leave_out(
    raw: RawDataset, drop: Sequence[str], progress: Progress | None = None, cache: Path | None = None
) -> RawDataset:
    """Return a dataset without the images that have certain findings, with notes about them.

    Of duplicates and near-duplicates, one image is kept: the first one in test if the split is given, otherwise the
    first one in val, otherwise the first one. So no test image is left out because of a copy in train. If the copies
    have several labels, the image that is kept has its own label; ``conflicts`` leaves all of them out.

    Parameters
    ----------
    raw : RawDataset
        The images that a reader found.
    drop : sequence of str
        Names in `DROPS`.
    progress, cache
        As for `measure`.

    Returns
    -------
    RawDataset

    Raises
    ------
    InputError
        If a name is unknown, or a class has no image left.
    """
    y, classes, _ = tidy_labels(raw.y, raw.ids, raw.label_names)
    examined = ExaminedDataset(raw.ids, y, classes, raw.split, None, measure(raw.X, progress, cache, raw.reading))
    remaining, left_out, conflicting = np.ones(len(raw.ids), bool), dict(raw.left_out), 0
    for name in check_drop(drop):
        if name.endswith("duplicates"):
            conflicting = conflicting or int(_conflicts(examined, remaining).sum())
        dropped = DROPS[name](examined, remaining) & remaining
        remaining &= ~dropped
        left_out[_COUNT + name] = [raw.ids[row] for row in np.flatnonzero(dropped).tolist()]
    _check_classes(y, classes, remaining, drop)
    counts = {name: len(ids) for name, ids in left_out.items() if name.startswith(_COUNT)}
    kept = np.flatnonzero(remaining)
    return replace(
        raw,
        X=raw.X[kept],
        y=np.asarray(raw.y)[kept],
        ids=[raw.ids[row] for row in kept.tolist()],
        split=None if raw.split is None else raw.split[kept],
        groups=None if raw.groups is None else np.asarray(raw.groups)[kept],
        notes=[*raw.notes, *dropped_note(counts, left_out), *_conflicts_note(conflicting)],
        counts=raw.counts | counts,
        left_out=left_out,
        columns={name: values[kept] for name, values in raw.columns.items()},
    )


def dropped_note(counts: Mapping[str, int], names: Mapping[str, Sequence[str]] | None = None) -> list[str]:
    """Return a sentence about the images that `--drop` left out, or an empty list if it was not given.

    Parameters
    ----------
    counts : mapping of str to int
        The counts of a dataset, as in `Dataset.counts`.
    names : mapping of str to sequence of str, optional
        The images that were left out, as in `Dataset.left_out`. If given, the sentence names a few of them.

    Returns
    -------
    list of str
        One sentence or none.
    """
    dropped = {name: count for name, count in counts.items() if name.startswith(_COUNT)}
    if not dropped:
        return []
    parts = [f"{name.removeprefix(_COUNT)} {count}" + (f" ({first_few(names[name])})" if names and count else "")
             for name, count in dropped.items()]  # fmt: skip
    return [f"{number(sum(dropped.values()), 'image')} left out by --drop: {', '.join(parts)}."]


def _conflicts_note(conflicting: int) -> list[str]:
    if not conflicting:
        return []
    return [
        f"Among the duplicates, {number(conflicting, 'image')} had copies with another label: one copy was kept, with "
        "its own label; --drop conflicts leaves all of them out."
    ]


def _all_but_one(cluster_of: np.ndarray, split: np.ndarray | None, remaining: np.ndarray) -> np.ndarray:
    """Return a mask of the remaining images except the one to keep of each cluster of copies.

    `cluster_of`, an array of shape (n,), contains the number of each image's cluster.
    """
    rows = np.flatnonzero(remaining)
    if split is not None:
        rank = {name: number for number, name in enumerate(_KEPT_FIRST)}
        rows = rows[np.argsort([rank[name] for name in split[rows].tolist()], kind="stable")]
    _, first = np.unique(cluster_of[rows], return_index=True)
    others = remaining.copy()
    others[rows[first]] = False
    return others


def _check_classes(y: np.ndarray, classes: np.ndarray, remaining: np.ndarray, drop: Sequence[str]) -> None:
    present = y[remaining].any(axis=0) if y.ndim == 2 else np.isin(classes, y[remaining])
    if not present.all():
        raise InputError(
            f"Without {', '.join(drop)}, no image of {first_few(classes[~present])} is left: "
            "remove that class, or drop fewer findings."
        )
