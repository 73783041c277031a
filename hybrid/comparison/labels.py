"""The short names of models in tables, legends and pictures."""

from collections.abc import Sequence

from hybrid.wording import short_names

LAST = "-last"  # suffix of the name of a network with the weights of the last epoch


def shared_suffix(names: Sequence[str]) -> str:
    """Return the common suffix of all names, which begins with a hyphen and precedes any `-last`."""
    if len(names) < 2:
        return ""
    stems = [name.removesuffix(LAST) for name in names]
    ends = [stems[0][start:] for start, letter in enumerate(stems[0]) if letter == "-" and start]
    return next((end for end in ends if all(stem.endswith(end) and stem != end for stem in stems)), "")


def model_labels(names: Sequence[str], suffix: str) -> dict[str, str]:
    """Return the short name of each model: its name without a suffix that all share, and shortened if it is long.

    Examples
    --------
    >>> model_labels(["svm-dots-resnet50", "network-dots-resnet50-last"], "-dots-resnet50")
    {'svm-dots-resnet50': 'svm', 'network-dots-resnet50-last': 'network-last'}
    """
    return dict(zip(names, short_names([_without(name, suffix) for name in names]), strict=True))


def _without(name: str, suffix: str) -> str:
    stem = name.removesuffix(LAST)
    return stem.removesuffix(suffix) + name[len(stem) :]


def label_notes(labels: dict[str, str], suffix: str) -> list[str]:
    """Return sentences that say what the short names leave out."""
    notes = []
    if suffix:
        before = " before “last”" if any(name.endswith(LAST) for name in labels) else ""
        notes.append(f"All names end with “{suffix.strip('-')}”{before}, which the tables and figures omit.")
    if cut := [f"{label} is {name}" for name, label in labels.items() if "…" in label]:
        notes.append(f"Long names are shortened: {'; '.join(cut)}.")
    return notes
