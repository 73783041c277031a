"""Where an adapted model comes from: its parent, the method, and the images that it was adapted to."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from hybrid.evaluation.groups import GROUP, images_of_groups


@dataclass(frozen=True)
class AdaptedFrom:
    """The record of how a model was adapted to a new site, in its manifest and in its record in a workspace.

    Attributes
    ----------
    parent : str
        Name of the model that was adapted.
    parent_sha256 : str
        SHA-256 of the file ``manifest.json`` of the parent, which lists the digests of its other files.
    method : str
        ``"threshold"``, ``"intercept"``, ``"calibration"``, ``"refit"``, or ``"none"`` if nothing was changed.
    data : str
        Name of the dataset of the new site.
    images : int
        Number of labelled images that the model was adapted to.
    digests : tuple of str
        SHA-256 of these images.
    share : float or None
        For a refit, the share of the new images in the total weight.
    split : str or None
        The split of the dataset that was adapted to; None for a random draw.
    seed : int
        Seed of the draw.
    groups : int or None
        Number of groups, such as patients, that the images are of; None if no groups are known.
    group_name : str
        What a group is called in words.
    """

    parent: str
    parent_sha256: str
    method: str
    data: str
    images: int
    digests: tuple[str, ...] = ()
    share: float | None = None
    split: str | None = None
    seed: int = 0
    groups: int | None = None
    group_name: str = GROUP

    def sentence(self) -> str:
        """Return the origin of the model in words."""
        drawn = f"the split {self.split!r}" if self.split else f"drawn with seed {self.seed}"
        share = "" if self.share is None else f", whose share in the total weight is {self.share:.0%}"
        images = images_of_groups(self.images, self.groups, "labelled image", self.group_name)
        return f"adapted from {self.parent} by {self.method} with {images} of {self.data} ({drawn}{share})"

    def to_info(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        return asdict(self) | {"digests": list(self.digests)}

    @classmethod
    def from_info(cls, info: Any) -> Self | None:
        """Return the record that :meth:`to_info` wrote; None if it is missing, or anything else."""
        if not isinstance(info, dict):
            return None
        info = {"group_name": GROUP} | info  # models that were saved before names of groups were kept
        if set(info) != {field.name for field in fields(cls)}:
            return None
        texts = [info[name] for name in ("parent", "parent_sha256", "method", "data", "group_name")]
        numbers = [info[name] for name in ("images", "seed")]
        if not all(isinstance(text, str) for text in texts) or not all(type(value) is int for value in numbers):
            return None
        if not isinstance(info["digests"], list) or not all(isinstance(text, str) for text in info["digests"]):
            return None
        kinds = {"share": float, "split": str, "groups": int}
        if not all(info[name] is None or type(info[name]) is kind for name, kind in kinds.items()):
            return None
        return cls(**info | {"digests": tuple(info["digests"])})
