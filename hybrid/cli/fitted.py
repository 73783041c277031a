"""Show a fitted model, for `hybrid fit` and `hybrid train`. Only `hybrid compare` shows its scores on test."""

from typing import TYPE_CHECKING, Any

from hybrid.cli.output import print_evaluations, print_notes, shell_command

if TYPE_CHECKING:
    from hybrid.models.evaluate_and_save import FittedModel
    from hybrid.workspace.model_record import ModelRecord

_MOST_FREQUENCIES = 5


def print_scores(title: str, model: "FittedModel", each_class: bool = True) -> None:
    """Print a model's scores on train and validation."""
    from hybrid.workspace.validation_use import chosen_on_validation, validation_note

    def on_val(metric: str) -> str:
        return validation_note(chosen_on_validation(model.record, metric))

    print_evaluations(title, model.splits, each_class, on_val)
    if "val" not in model.splits:
        print_notes(
            [
                "There is no validation split: these are scores on the training images, which are too optimistic; "
                "hybrid compare --cv 5 adds cross-validated scores."
            ]
        )


def fitted_json(model: "FittedModel") -> dict[str, Any]:
    """Return the record of a model as JSON values, with what validation chose for it and earlier looks at test."""
    from hybrid.workspace.validation_use import affected_metrics, chosen_on_validation

    return model.record.to_json() | {
        "chosen_on_validation": list(chosen_on_validation(model.record)),
        "too_optimistic_on_validation": list(affected_metrics(model.record)),
        "looks": looks_before(model),
    }


def looks_before(model: "FittedModel") -> list[str]:
    """Return what the history of the workspace says about earlier looks at the model's test images."""
    from hybrid.comparison.test_history import said_at_fit
    from hybrid.workspace.fitted_models import workspace_of

    workspace = workspace_of(model.record)
    return said_at_fit(model.record, workspace) if workspace else []


def where_scores_are(model: "FittedModel") -> str:
    """Return a hint at the commands that show the scores of a model on test."""
    if not model.record.sealed:
        return "hybrid compare --split val" if "val" in model.splits else "hybrid compare --split train"
    return (
        f"hybrid compare shows all models on test, {shell_command('hybrid', 'compare', model.name)} shows only this one"
    )


def probability_notes(record: "ModelRecord") -> list[str]:
    """Return notes on the class frequencies that the probabilities refer to, and on the default threshold."""
    from hybrid.pipelines.threshold_rule import predicted_from

    if not record.frequencies:
        return []
    origin = "the given class frequencies" if record.prevalence is not None else "the class frequencies of train"
    names = list(record.frequencies)
    shown = [str(record.positive)] if record.task == "binary" else names[:_MOST_FREQUENCIES]
    shares = ", ".join(f"{name} {record.frequencies[name]:.1%}" for name in shown)
    more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) and record.task != "binary" else ""
    notes = [f"probabilities refer to {origin}: {shares}{more}"]
    default = record.default_threshold
    if record.threshold is None and isinstance(default, float) and abs(default - 0.5) > 1e-9:
        notes.append(f"{predicted_from(record.positive, default)}, which follows from the class weights")
    elif (
        record.threshold is None and (record.task == "multiclass" or isinstance(default, tuple)) and record.class_weight
    ):
        notes.append("labels: predicted with the class weights, so that a rare class needs a lower probability")
    return notes
