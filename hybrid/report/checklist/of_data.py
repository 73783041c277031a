"""Answers to the items on data and partitions. Each takes a `Run` and returns sentences; none if no record tells."""

from itertools import islice

from hybrid.datasets.parts.groups import groups_of_splits
from hybrid.evaluation.groups import images_of_groups
from hybrid.report.checklist.run import Run
from hybrid.report.elements.words import interval, listed, metric_name
from hybrid.report.parts.answer import SPLITS
from hybrid.wording import joined, number
from hybrid.workspace.private_paths import place_name

_DECODING = {"size", "channels", "interpolation", "preprocessing"}  # keys of an extractor's identity
_SPLIT_WORDS = ("split", "validation", " train")


def sources(run: Run) -> list[str]:
    """Name and source of the dataset, and the fingerprint that identifies it."""
    board, record = run.leaderboard, run.dataset
    source = f", from {place_name(record.source)}" if record and record.source else ""
    return [f"The dataset is {board.dataset}{source}; fingerprint of images, labels and splits {board.fingerprint}."]


def preprocessing(run: Run) -> list[str]:
    """How images are decoded and scaled, for each extractor."""
    sentences = []
    for one in run.sets:
        fields = one.identity.fields
        if not fields.keys() >= _DECODING:
            continue
        height, width = one.identity.size
        channels = "grey" if fields.get("channels") == 1 else "RGB"
        sentences.append(
            f"Images are decoded to 8 bits, {channels}, resized to {height}×{width} pixels "
            f"({fields.get('interpolation')}, antialiased), and scaled inside the network "
            f"(preprocessing {fields.get('preprocessing')})."
        )
    return list(dict.fromkeys(sentences))


def subsets(run: Run) -> list[str]:
    """Which findings were left out before the split."""
    drop = ((run.dataset.arguments or {}).get("drop") or []) if run.dataset else []
    names = joined([str(one) for one in drop])
    return [f"Images with these findings were left out before the split: {names}."] if drop else []


def unreadable(run: Run) -> list[str]:
    """How many images could not be decoded."""
    known = sum(len(one.record.skipped) for one in run.sets[:1]) if run.sets else run.model.skipped
    if not known and not run.sets:
        return []
    if not known:
        return ["All images could be decoded."]
    return [f"{number(known, 'image')} could not be decoded and {'was' if known == 1 else 'were'} left out."]


def partitions(run: Run) -> list[str]:
    """How the splits came about, and how many images each has."""
    notes = run.dataset.notes if run.dataset else ()
    said = [note for note in notes if any(word in note.lower() for word in _SPLIT_WORDS)]
    split = run.leaderboard.saved[run.number].split
    counts = [f"{SPLITS[name]} {int((split == name).sum())}" for name in SPLITS if (split == name).any()]
    return [*said, f"Images: {listed(counts)}."]


def disjoint(run: Run) -> list[str]:
    """Whether patients or copies of images are in two splits."""
    known = (
        groups_of_splits(one.groups, one.split, one.record.dataset.group_name)
        for one in run.sets
        if one.groups is not None
    )
    said = list(islice(known, 1))
    leaked = run.leaderboard.leakage
    if leaked is not None:
        split = SPLITS[run.leaderboard.split]
        said.append(
            leaked.sentence(split) or f"None of the {leaked.n} {split} images is also in train, {leaked.identity}."
        )
    return said


def test_size(run: Run) -> list[str]:
    """The number of compared images and the precision that it gives; how it was determined is for the author."""
    result, name = run.result, run.leaderboard.metric
    images = images_of_groups(result.n, result.n_groups, f"{SPLITS[run.leaderboard.split]} image", result.group_name)
    bounds = interval(result.metrics[name])
    precision = f"; the {result.level:.0%} interval of the {metric_name(name)} is {bounds}" if bounds else ""
    unknown = "No calculation of the number is recorded: the author adds how it was determined."
    return [f"There are {images}{precision}. {unknown}"]


def included(run: Run) -> list[str]:
    """How many images, and groups such as patients, were used, and how many were left out."""
    saved = run.leaderboard.saved[run.number]
    groups = None if saved.groups is None else len(set(saved.groups.tolist()))
    return [f"{images_of_groups(len(saved.split), groups, group=run.model.group_name)} were used.", *unreadable(run)]


def characteristics(run: Run) -> list[str]:
    """How many images of each class, or with each label, each split has."""
    saved = run.leaderboard.saved[run.number]
    truth = saved.y.astype(bool) if saved.y.ndim == 2 else saved.y[:, None] == saved.classes[None, :]
    said = []
    for name in SPLITS:
        rows = saved.split == name
        if rows.any():
            counts = [f"{label} {int(n)}" for label, n in zip(saved.classes.tolist(), truth[rows].sum(0), strict=True)]
            said.append(f"{SPLITS[name].capitalize()}: {listed(counts, 20)}.")
    return [*said, "Demographic and clinical characteristics are for the author, as far as no subgroups are shown."]
