"""What a run did, and what it found in the workspace and the store."""

from dataclasses import dataclass, field
from typing import Any

from hybrid.workspace.private_paths import without_places
from hybrid.workspace.set_record import SetRecord


@dataclass
class Work:
    """The steps of a run: which were done now, and which had been done before.

    Attributes
    ----------
    sets : list of dict
        The embedding sets, each with the numbers of embeddings that were computed in this run (``new``) and found in
        the store (``cached``), the skipped images, and the notes on the dataset, such as on images that no row names.
    trained, trained_before, fitted, fitted_before : list of str
        Names of networks and models.
    """

    sets: list[dict[str, Any]] = field(default_factory=list)
    trained: list[str] = field(default_factory=list)
    trained_before: list[str] = field(default_factory=list)
    fitted: list[str] = field(default_factory=list)
    fitted_before: list[str] = field(default_factory=list)

    def add_set(self, name: str, record: SetRecord) -> None:
        """Add an embedding set with the record of its extraction in this run."""
        skipped = {image.id: image.reason for image in record.skipped}
        counts = {"images": record.images, "new": record.new, "cached": record.cached}
        notes = [without_places(note) for note in record.dataset.notes]
        self.sets.append({"set": name, "dataset": record.dataset.name, **counts, "skipped": skipped, "notes": notes})

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "sets": self.sets,
            "networks": {"trained": self.trained, "reused": self.trained_before},
            "models": {"fitted": self.fitted, "reused": self.fitted_before},
        }
