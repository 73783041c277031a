"""Findings left out of a dataset before it is split: `--drop`."""

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

_COUNT = "dropped_"  # what the counts of left out images begin with
_KEPT_FIRST = ("test", "val", "train")


def _alone(find: Callable[[ExaminedDataset], list[Cluster]]) -> Callable[[ExaminedDataset, np.ndarray], np.ndarray]:
    """Return what says which images a check found, (n,) of bool."""

    def chosen(subject: ExaminedDataset, here: np.ndarray) -> np.ndarray:
        return np.isin(np.arange(len(here)), [row for cluster in find(subject) for row in cluster.rows])

    return chosen


def _conflicts(subject: ExaminedDataset, here: np.ndarray) -> np.ndarray:
    labels = np.array(subject.labels)
    chosen = np.zeros(len(here), bool)
    for rows in duplicates.alike(subject.measures.rows["pixels"], here & subject.measures.readable):
        chosen[rows] = len(np.unique(labels[rows])) > 1
    return chosen


def _duplicates(subject: ExaminedDataset, here: np.ndarray) -> np.ndarray:
    return _all_but_one(duplicates.duplicate_groups(subject.measures), subject.split, here)


def _near_duplicates(subject: ExaminedDataset, here: np.ndarray) -> np.ndarray:
    pairs = near_duplicates.near_duplicate_pairs(subject.measures).pairs
    return _all_but_one(duplicates.duplicate_groups(subject.measures, pairs), subject.split, here)


# In this order: of two copies, one of which is left out for what it is, the other one stays.
DROPS: dict[str, Callable[[ExaminedDataset, np.ndarray], np.ndarray]] = {
    "undecodable": _alone(duplicates.undecodable),
    "blank": _alone(outliers.blank),
    "size": _alone(outliers.unusual_size),
    "brightness": _alone(outliers.unusual_brightness),
    "conflicts": _conflicts,
    "duplicates": _duplicates,
    "near-duplicates": _near_duplicates,
}


def check_drop(drop: Iterable[str]) -> tuple[str, ...]:
    """Return the names of findings in the order in which they are left out.

    Raises
    ------
    InputError
        If one is unknown.
    """
    names = [drop] if isinstance(drop, str) else list(drop)
    for name in names:
        if name not in DROPS:
            raise unknown_name("finding to drop", name, DROPS)
    return tuple(name for name in DROPS if name in names)


def leave_out(
    raw: RawDataset, drop: Sequence[str], progress: Progress | None = None, cache: Path | None = None
) -> RawDataset:
    """Return images without those that checks find, with notes on them.

    Of duplicates, and of near-duplicates, one stays: one of test if the split is given and there is one, else of val,
    else of train; among several the first. So no image of test is left out for a copy in train. Where copies have
    several labels, that one keeps its own; ``conflicts`` leaves all of them out.

    Parameters
    ----------
    raw : RawDataset
    drop : sequence of str
        Names in `DROPS`.
    progress, cache
        As for `measure`.

    Raises
    ------
    InputError
        If a name is unknown, or a class has no image left.
    """
    y, classes, _ = tidy_labels(raw.y, raw.ids, raw.label_names)
    subject = ExaminedDataset(raw.ids, y, classes, raw.split, None, measure(raw.X, progress, cache))
    here, left_out, conflicting = np.ones(len(raw.ids), bool), dict(raw.left_out), 0
    for name in check_drop(drop):
        if name.endswith("duplicates"):
            conflicting = conflicting or int(_conflicts(subject, here).sum())
        dropped_now = DROPS[name](subject, here) & here
        here &= ~dropped_now
        left_out[_COUNT + name] = [raw.ids[row] for row in np.flatnonzero(dropped_now).tolist()]
    _check_classes(y, classes, here, drop)
    counts = {name: len(rows) for name, rows in left_out.items() if name.startswith(_COUNT)}
    kept = np.flatnonzero(here)
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
    )


def dropped_note(counts: Mapping[str, int], names: Mapping[str, Sequence[str]] | None = None) -> list[str]:
    """Return the sentence on what was left out by `--drop`, by a dataset's counts; none if nothing was asked for.

    Parameters
    ----------
    counts : mapping of str to int
        `Dataset.counts`.
    names : mapping of str to sequence of str, optional
        `Dataset.left_out`, of which a few are named.
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
        f"Among the duplicates, {number(conflicting, 'image')} had copies under another label: one of each stays, with "
        "its own label; --drop conflicts leaves all of them out."
    ]


def _all_but_one(group_of: np.ndarray, split: np.ndarray | None, here: np.ndarray) -> np.ndarray:
    """Return which images have a better copy, (n,) of bool; `group_of` numbers each image's copies, (n,)."""
    rows = np.flatnonzero(here)
    if split is not None:
        place = {name: number for number, name in enumerate(_KEPT_FIRST)}
        rows = rows[np.argsort([place[name] for name in split[rows].tolist()], kind="stable")]
    _, first = np.unique(group_of[rows], return_index=True)
    chosen = here.copy()
    chosen[rows[first]] = False
    return chosen


def _check_classes(y: np.ndarray, classes: np.ndarray, here: np.ndarray, drop: Sequence[str]) -> None:
    held = y[here].any(axis=0) if y.ndim == 2 else np.isin(classes, y[here])
    if not held.all():
        raise InputError(
            f"Without {', '.join(drop)}, no image of {first_few(classes[~held])} is left: remove it, or drop less."
        )
