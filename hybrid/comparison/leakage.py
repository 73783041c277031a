"""Leakage: compared images that are also in train."""

from dataclasses import dataclass
from typing import Any

from hybrid.evaluation import Evaluation


@dataclass(frozen=True, eq=False)
class Leakage:
    """Compared images that are also in train, and the scores without them.

    Attributes
    ----------
    ids : tuple of str
        Ids of the leaked images.
    n : int
        Number of all compared images.
    identity : str
        How images were compared: by the bytes of their files, or also by their pixels. Pixels are compared only if
        the files still exist, and if those not decoded before have less than 1 GiB in total.
    without : dict of str to Evaluation
        Scores of each model on the other compared images. Empty if no image, or every image, is leaked.
    """

    ids: tuple[str, ...]
    n: int
    identity: str
    without: dict[str, Evaluation]

    def sentence(self, split: str) -> str:
        """Return a warning for the reader of the scores; "" if no image is leaked."""
        if not self.ids:
            return ""
        are, them = ("is", "it") if len(self.ids) == 1 else ("are", "them")
        without = f"scores are given with and without {them}." if self.without else "no other images are left."
        return f"{len(self.ids)} of the {self.n} {split} images {are} also in train, {self.identity}: {without}"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "images": len(self.ids),
            "ids": list(self.ids),
            "identity": self.identity,
            "without": {model: result.to_dict() for model, result in self.without.items()},
        }
