"""What `hybrid fit` and `hybrid train` show of a model: its scores on test are for `hybrid compare` alone."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hybrid.cli.output import print_evaluations, print_notes

if TYPE_CHECKING:
    from hybrid.models.evaluate_and_save import FittedModel

_HELD_BACK = "test"


def shown_record(model: "FittedModel") -> dict[str, Any]:
    """Return a model's record, as JSON values, without its scores on test."""
    splits = {split: scores for split, scores in model.splits.items() if split != _HELD_BACK}
    return replace(model.record, splits=splits).to_json()


def print_scores(title: str, model: "FittedModel", each_class: bool = True) -> None:
    """Print a model's scores on train and validation."""
    splits = {split: result for split, result in model.splits.items() if split != _HELD_BACK}
    print_evaluations(title, splits, each_class)
    if "val" not in splits:
        print_notes(
            [
                "There is no validation split: these are scores on the images that were fitted to, which flatter; "
                "hybrid compare --cv 5 adds cross-validated ones."
            ]
        )


def where_scores_are(model: "FittedModel") -> str:
    """Return the commands that show a model's scores on test, beside the others' and alone."""
    if _HELD_BACK not in model.splits:
        return "hybrid compare --split val" if "val" in model.splits else "hybrid compare --split train"
    return f"hybrid compare sets it beside the others on test, hybrid compare {model.name} shows it alone"
