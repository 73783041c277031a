"""Show a fitted model, for `hybrid fit` and `hybrid train`. Only `hybrid compare` shows its scores on test."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hybrid.cli.output import print_evaluations, print_notes, shell_command

if TYPE_CHECKING:
    from hybrid.models.evaluate_and_save import FittedModel

_HELD_BACK = "test"


def shown_record(model: "FittedModel") -> dict[str, Any]:
    """Return the record of a model as JSON values, without its scores on test."""
    splits = {split: scores for split, scores in model.splits.items() if split != _HELD_BACK}
    return replace(model.record, splits=splits).to_json()


def print_scores(title: str, model: "FittedModel", each_class: bool = True) -> None:
    """Print a model's scores on train and validation."""
    splits = {split: result for split, result in model.splits.items() if split != _HELD_BACK}
    print_evaluations(title, splits, each_class)
    if "val" not in splits:
        print_notes(
            [
                "There is no validation split: these are scores on the training images, which are too optimistic; "
                "hybrid compare --cv 5 adds cross-validated scores."
            ]
        )


def where_scores_are(model: "FittedModel") -> str:
    """Return a hint at the commands that show the scores of a model on test."""
    if _HELD_BACK not in model.splits:
        return "hybrid compare --split val" if "val" in model.splits else "hybrid compare --split train"
    return (
        f"hybrid compare shows all models on test, {shell_command('hybrid', 'compare', model.name)} shows only this one"
    )
