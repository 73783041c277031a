"""Show a fitted model, for `hybrid fit` and `hybrid train`. Only `hybrid compare` shows its scores on test."""

from typing import TYPE_CHECKING

from hybrid.cli.output import print_evaluations, print_notes, shell_command

if TYPE_CHECKING:
    from hybrid.models.evaluate_and_save import FittedModel


def print_scores(title: str, model: "FittedModel", each_class: bool = True) -> None:
    """Print a model's scores on train and validation."""
    print_evaluations(title, model.splits, each_class)
    if "val" not in model.splits:
        print_notes(
            [
                "There is no validation split: these are scores on the training images, which are too optimistic; "
                "hybrid compare --cv 5 adds cross-validated scores."
            ]
        )


def where_scores_are(model: "FittedModel") -> str:
    """Return a hint at the commands that show the scores of a model on test."""
    if not model.record.sealed:
        return "hybrid compare --split val" if "val" in model.splits else "hybrid compare --split train"
    return (
        f"hybrid compare shows all models on test, {shell_command('hybrid', 'compare', model.name)} shows only this one"
    )
