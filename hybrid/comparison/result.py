"""The result of a comparison: one leaderboard for each set of images."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from hybrid.comparison.cross_validation_result import CrossValidation
from hybrid.comparison.leaderboard import Leaderboard
from hybrid.workspace.private_paths import without_places

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 3


@dataclass(frozen=True, eq=False)
class ComparisonResult:
    """The result of a comparison of models: one leaderboard for each set of images.

    Attributes
    ----------
    split : str
        The split on which the models were compared.
    leaderboards : tuple of Leaderboard
        One for each set of images. Models are ranked only within a leaderboard.
    notes : tuple of str
        Remarks, such as on models that were left out.
    title : str
        Title of the report.
    recipe : str
        Text of the recipe of the comparison; empty if there was none.
    """

    split: str
    leaderboards: tuple[Leaderboard, ...]
    notes: tuple[str, ...] = ()
    title: str = ""
    recipe: str = ""

    def __repr__(self) -> str:
        return "\n".join([f"{type(self).__name__} on {self.split}", *map(str, self.leaderboards)])

    @property
    def groups(self) -> tuple[Leaderboard, ...]:
        """The former name of `leaderboards`."""
        text = "The attribute 'groups' is called 'leaderboards' now; the former name will be removed."
        warnings.warn(text, FutureWarning, stacklevel=2)
        return self.leaderboards

    @property
    def chosen(self) -> tuple[str | None, ...]:
        """Name of the chosen model of each leaderboard; None if it has none."""
        return tuple(leaderboard.chosen for leaderboard in self.leaderboards)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One flat dict per model, leaderboard by leaderboard. ``rank`` begins at 1 in each leaderboard."""
        return [row for leaderboard in self.leaderboards for row in leaderboard.rows]

    @property
    def pairs(self) -> list[dict[str, Any]]:
        """One flat dict per pair of models and metric, leaderboard by leaderboard."""
        return [
            {"dataset": leaderboard.dataset, "dataset_fingerprint": leaderboard.fingerprint}
            | test.to_dict()
            | {"distinguishable": test.distinguishable, "primary": test.metric in leaderboard.primary}
            for leaderboard in self.leaderboards
            for test in leaderboard.pairs
        ]

    def cross_validated(self, results: Sequence[CrossValidation]) -> Self:
        """Return a copy of the comparison that also has the cross-validation of its models."""
        leaderboards = [
            replace(leaderboard, crossed=_with_reference(leaderboard, results)) for leaderboard in self.leaderboards
        ]
        return replace(self, leaderboards=tuple(leaderboards))

    def table(self) -> "pd.DataFrame":
        """Return :attr:`rows` as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values, including per-class scores, confusion matrices and paired tests."""
        head = {"schema": SCHEMA, "title": self.title, "split": self.split}
        notes = [without_places(text) for text in self.notes]
        return head | {"notes": notes, "groups": [leaderboard.to_dict() for leaderboard in self.leaderboards]}


def _with_reference(leaderboard: Leaderboard, results: Sequence[CrossValidation]) -> CrossValidation | None:
    """Return the cross-validation of a leaderboard's models, in which each is compared with the same reference."""
    crossed = next(filter(leaderboard.is_crossed_by, results), None)
    return crossed and replace(crossed, reference=leaderboard.reference)
