"""Leaderboards: the tables of a comparison, one for each set of images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from hybrid.comparison.cv_result import CrossValidation
from hybrid.comparison.leaderboard import Leaderboard
from hybrid.workspace.private_paths import without_places

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 2


@dataclass(frozen=True, eq=False)
class Leaderboards:
    """Models side by side, in one table for each set of images.

    Attributes
    ----------
    split : str
        The split that was compared.
    groups : tuple of Leaderboard
        One for each set of images; models are ordered only within a group.
    notes : tuple of str
        What was left out.
    title : str
    recipe : str
        Text of the recipe that made it; "" if none did.
    """

    split: str
    groups: tuple[Leaderboard, ...]
    notes: tuple[str, ...] = ()
    title: str = ""
    recipe: str = ""

    @property
    def chosen(self) -> tuple[str | None, ...]:
        """Name of the model that validation chooses in each group; None where it cannot."""
        return tuple(group.chosen for group in self.groups)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One flat dict a model, group after group; ``rank`` starts anew in each."""
        return [row for group in self.groups for row in group.rows]

    @property
    def pairs(self) -> list[dict[str, Any]]:
        """One flat dict a pair of models and metric, group after group."""
        return [
            {"dataset": group.dataset, "dataset_fingerprint": group.fingerprint}
            | test.to_dict()
            | {"distinguishable": test.distinguishable}
            for group in self.groups
            for test in group.pairs
        ]

    def cross_validated(self, results: Sequence[CrossValidation]) -> Self:
        """Return the comparison with the cross-validation of its models, beside what the compared split says."""
        groups = [replace(group, crossed=next(filter(group.is_crossed_by, results), None)) for group in self.groups]
        return replace(self, groups=tuple(groups))

    def table(self) -> "pd.DataFrame":
        """Return :attr:`rows` as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, per-class scores, confusion matrices and paired tests too, as JSON values."""
        head = {"schema": SCHEMA, "title": self.title, "split": self.split}
        notes = [without_places(text) for text in self.notes]
        return head | {"notes": notes, "groups": [group.to_dict() for group in self.groups]}
