"""Compared images that are in train, too."""

from dataclasses import dataclass
from typing import Any

from hybrid.evaluation import Evaluation


@dataclass(frozen=True, eq=False)
class Leakage:
    """Compared images whose content is in train, too.

    Attributes
    ----------
    ids : tuple of str
        Of the images.
    n : int
        Number of the compared images, these among them.
    identity : str
        How they are the same; pixels are compared only where the images are still at hand, and those that were not
        measured before are less than 1 GiB.
    without : dict of str to Evaluation
        Of each model on the other compared images; empty if there are none, or no copies.
    """

    ids: tuple[str, ...]
    n: int
    identity: str
    without: dict[str, Evaluation]

    def sentence(self, split: str) -> str:
        """Return what there is to know before relying on the figures; "" if there are no copies."""
        if not self.ids:
            return ""
        are, them = ("is", "it") if len(self.ids) == 1 else ("are", "them")
        without = f"figures without {them} stand beside those with {them}." if self.without else "no others are left."
        return f"{len(self.ids)} of the {self.n} {split} images {are} in train, too, {self.identity}: {without}"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "images": len(self.ids),
            "ids": list(self.ids),
            "identity": self.identity,
            "without": {model: result.to_dict() for model, result in self.without.items()},
        }
