"""What a dataset is made of: sizes and modes of its images, labels an image, how unequal the classes are."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.datasets.quality.measure import Measures
from hybrid.wording import and_more

if TYPE_CHECKING:
    from hybrid.datasets import Dataset


def describe_images(measures: Measures) -> dict[str, Any]:
    """Return how many images there are of each size and mode, the most frequent first, as JSON values."""
    rows = measures.rows[measures.readable]
    sizes = Counter(zip(rows["width"].tolist(), rows["height"].tolist(), strict=True))
    modes = Counter(mode.decode() for mode in rows["mode"].tolist())
    return {
        "sizes": [{"width": w, "height": h, "images": n} for (w, h), n in sizes.most_common()],
        "modes": dict(modes.most_common()),
    }


def describe_labels(dataset: "Dataset") -> dict[str, Any]:
    """Return how unequal the classes are and, for several labels, how many images have none, one, two …, by split.

    ``imbalance`` is the number of images of the most frequent class over that of each, in the whole dataset.

    References
    ----------
    Charte, Rivera, del Jesus, Herrera. Addressing imbalance in multilabel classification. Neurocomputing 163, 2015.
    """
    totals = {str(label): 0 for label in dataset.classes}
    for counts in dataset.counts_by_split().values():
        for label, count in counts.items():
            totals[label] += count
    most = max(totals.values())
    found: dict[str, Any] = {"imbalance": {label: most / n if n else None for label, n in totals.items()}}
    if dataset.y.ndim == 2:
        found["labels_an_image"] = {
            split: dict(enumerate(np.bincount(dataset.part(split).y.sum(axis=1, dtype=np.intp)).tolist()))
            for split in dataset.counts_by_split()
        }
    return found


def in_words(found: dict[str, Any]) -> list[str]:
    """Return sentences on what `describe_images` and `describe_labels` found together."""
    sizes = [f"{one['width']}×{one['height']} ({one['images']:,})" for one in found["sizes"]]
    notes = []
    if sizes:
        modes = ", ".join(f"{mode} ({count:,})" for mode, count in found["modes"].items())
        notes.append(f"Sizes: {and_more(sizes, 4)}. Modes: {modes}.")
    for split, counts in found.get("labels_an_image", {}).items():
        parts = [f"{count:,} with {number or 'none'}" for number, count in counts.items() if count]
        notes.append(f"Labels an image, {split}: {', '.join(parts)}.")
    ratio = {label: value for label, value in found["imbalance"].items() if value}
    rarest = max(ratio, key=lambda label: ratio[label])
    notes.append(f"The most frequent label is on {ratio[rarest]:.1f} times as many images as the rarest, {rarest!r}.")
    return notes
