"""`hybrid fit`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.classifiers import DEFAULT_HEADS, HEADS
from hybrid.cli import completion
from hybrid.cli.fitted import fitted_json, looks_before, print_scores, probability_notes, where_scores_are
from hybrid.cli.help import documented_command, in_group
from hybrid.cli.options import (
    heads_cluster_option,
    json_option,
    on_cluster,
    parse_prevalence,
    seed_option,
    workspace_option,
)
from hybrid.cli.output import loud_warnings, print_json, print_line, print_notes, shell_command, warn
from hybrid.errors import InputError
from hybrid.workspace.workspace import Workspace

if TYPE_CHECKING:
    from hybrid.models.evaluate_and_save import FittedModel
    from hybrid.models.options import HeadOptions
    from hybrid.workspace.model_record import ModelRecord, Tuning

KINDS = (*HEADS, "ensemble")

_SETTINGS = (
    click.option(
        "--set",
        "set_names",
        multiple=True,
        metavar="NAME",
        shell_complete=completion.sets,
        help="Embedding set. Several sets of one dataset (repeatable) are concatenated. Default: the latest set.",
    ),
    click.option(
        "--param", "params", multiple=True, metavar="KEY=VALUE", help="Parameter of the head, such as C=0.01."
    ),
    click.option(
        "--pca", default=None, type=float, help="Number of principal components to keep, or the share of the variance."
    ),
    click.option("--no-scale", is_flag=True, help="Do not standardise the embeddings."),
    click.option(
        "--class-weight",
        type=click.Choice(["balanced", "none"]),
        default=None,
        help="balanced: all classes have the same total weight, which is better if their shares in new images differ. "
        "none: all images have the same weight. Default: balanced.",
    ),
    click.option(
        "--positive", default=None, help="Positive class of a binary task. Default: the last of the sorted classes."
    ),
    click.option("--name", default=None, help="Name of the model. Default: made from the head and the sets."),
)
_SEARCH = (
    click.option("--tune", "tune", is_flag=True, help="Search the head's settings by cross-validation inside train."),
    click.option("--tune-on-val", is_flag=True, help="Search the head's settings on the validation split."),
    click.option(
        "--metric",
        default=None,
        shell_complete=completion.metrics,
        help="Metric that the search maximises. Default: ROC AUC, or average precision for multi-label data.",
    ),
    click.option(
        "--cv",
        default="5",
        show_default=True,
        metavar="FOLDS[xREPEATS]",
        help="Folds and repeats of the cross-validation inside train, such as 5x2.",
    ),
    heads_cluster_option,
)
_LABELS = (
    click.option(
        "--aim",
        default=None,
        metavar="AIM",
        help="Objective of the threshold: accuracy, balanced (accuracy), f1, recall=LEVEL (or sensitivity=LEVEL), or "
        "specificity=LEVEL; recall=0.98@0.95 reaches the level on new images with a confidence of 0.95, or says how "
        "many images that needs. The threshold is chosen on validation, or by cross-validation inside train if "
        "validation is missing or small. Default: what follows from the class weights; with balanced ones, the "
        "frequency of the class in train.",
    ),
    click.option(
        "--calibrate",
        "calibration",
        is_flag=False,
        flag_value="auto",
        default=None,
        metavar="[METHOD]",
        help="Calibrate the probabilities, on the same images as for --aim: sigmoid, isotonic, temperature, or auto, "
        "which depends on the task.",
    ),
    click.option(
        "--prevalence",
        default=None,
        metavar="SHARE|SHARES",
        help="Class frequencies that the probabilities refer to, such as 0.02 for the positive class, or "
        "a=0.1,b=0.2,c=0.7. Predicted labels do not change. Default: those of the training data.",
    ),
)
_ENSEMBLE = (
    click.option(
        "--heads",
        default=None,
        metavar="HEADS",
        help="For an ensemble: heads that are fitted on each embedding set, separated by commas. Default: "
        "svm,forest,xgboost,softmax.",
    ),
    click.option(
        "--member",
        "models",
        multiple=True,
        metavar="MODEL",
        shell_complete=completion.models,
        help="For an ensemble: a fitted model that becomes a member (repeatable).",
    ),
    click.option(
        "--weights",
        type=click.Choice(["equal", "val", "cv"]),
        default=None,
        help="For an ensemble: weights of the members. val and cv choose them on validation or by cross-validation "
        "inside train, and shrink them towards equal weights. Default: equal, which is best for images that "
        "differ from these.",
    ),
)


@documented_command(
    ("A linear SVM on the latest embedding set", "hybrid fit svm"),
    ("Search the settings of a random forest", "hybrid fit forest --tune"),
    ("Calibrated probabilities; find 98% of the positives", "hybrid fit softmax --calibrate --aim recall=0.98"),
    ("One head on two embedding sets, side by side", "hybrid fit svm --set A --set B"),
    ("The average of four heads", "hybrid fit ensemble --heads svm,forest,xgboost,softmax"),
)
@click.argument("head", shell_complete=completion.heads)
@in_group("Features and settings", *_SETTINGS)
@in_group("Search and cross-validation", *_SEARCH)
@in_group("Probabilities and labels", *_LABELS)
@in_group("Ensemble", *_ENSEMBLE)
@seed_option
@workspace_option
@json_option
def fit(head: str, workspace: Path, as_json: bool, name: str | None, **given: Any) -> None:
    """Fit HEAD on the train split of one or more embedding sets, evaluate it, and save it.

    HEAD is svm, forest, xgboost, softmax, logistic, knn (`hybrid heads` describes them) or ensemble.
    An ensemble averages the probabilities of several heads, fitted on each set, and of fitted models. The command
    writes the model, metrics.json and predictions.csv to models/NAME in the workspace. It shows scores on train and
    validation, by which you can choose; `hybrid compare` shows scores on test. A footnote says what the validation
    images also chose, such as the threshold: scores that depend on it are too good there.
    """
    from hybrid.errors import unknown_name

    if head not in KINDS:
        raise unknown_name("head", head, KINDS)
    if head != "ensemble" and (given["heads"] or given["models"] or given["weights"]):
        raise click.UsageError("--heads, --member and --weights apply to an ensemble only: hybrid fit ensemble.")
    if given["cluster"] and not (given["tune"] or given["tune_on_val"]):
        raise click.UsageError("--cluster divides a search: give --tune or --tune-on-val with it.")
    if given["metric"] and not (given["tune"] or given["tune_on_val"]):
        raise click.UsageError("--metric applies to a search only: give --tune or --tune-on-val with it.")
    from hybrid.embeddings.set_names import joined_name
    from hybrid.models.options import HeadOptions
    from hybrid.pipelines.folds import parse_folds
    from hybrid.workspace.workspace import check_name

    place = Workspace(workspace)
    folds, repeats = parse_folds(given["cv"])
    options = HeadOptions(
        params=_params(given["params"], given["class_weight"]),
        scale=not given["no_scale"],
        pca=_pca(given["pca"]),
        tune="val" if given["tune_on_val"] else "cv" if given["tune"] else None,
        metric=given["metric"],
        aim=given["aim"],
        calibration=given["calibration"],
        prevalence=parse_prevalence(given["prevalence"]),
        folds=folds,
        repeats=repeats,
        seed=given["seed"],
    )
    with on_cluster(given["cluster"]), loud_warnings():
        model = _fit(head, place, options, name and check_name(name), given)
    if as_json:
        print_json(fitted_json(model))
        return
    record = model.record
    print_scores(f"{head} on {joined_name(record.sets)} ({record.width} features)", model)
    for text in record.warnings:
        warn(f"WARNING: {text}")
    if record.tuning:
        click.echo(f"  · {_tuning(record.tuning)}")
    print_notes(list(dict.fromkeys([*model.notes, *_protocol(record), *looks_before(model)])))
    click.echo(f"  · {_times(record)} for {model.images} images")
    predict = shell_command("hybrid", "predict", model.name)
    print_line(f"Saved {place.models / model.name}: {where_scores_are(model)}; {predict} IMAGES…")


def _fit(head: str, place: Workspace, options: "HeadOptions", name: str | None, given: dict[str, Any]) -> "FittedModel":
    from hybrid.embeddings.embedding_set import load_set

    names, models, heads = given["set_names"], given["models"], given["heads"]
    latest = not names and (heads is not None or not models)
    sets = [load_set(place)] if latest else [load_set(place, one) for one in names]
    if head == "ensemble":
        from hybrid.models.ensemble import fit_ensemble

        return fit_ensemble(
            sets,
            place,
            heads=DEFAULT_HEADS if heads is None else [one.strip() for one in heads.split(",")],
            models=models,
            weights=given["weights"] or "equal",
            options=options,
            positive=given["positive"],
            name=name,
        )
    from hybrid.models.fit import fit_head

    return fit_head(sets, head, options, place, positive=given["positive"], name=name)


def _times(record: "ModelRecord") -> str:
    """Return the times for fitting and predicting, by the wall clock and in processor seconds."""
    wall, processor = record.seconds, record.processor
    pairs = {"fit": (wall.fit, processor and processor.fit), "predict": (wall.predict, processor and processor.predict)}
    shown = {part: ["–" if one is None else f"{one:.2f} s" for one in pair] for part, pair in pairs.items()}
    return ", ".join(f"{part} {clock} ({busy} of processor time)" for part, (clock, busy) in shown.items())


def _tuning(tuning: "Tuning") -> str:
    """Return a sentence about the settings that a search chose, and their score."""
    chosen = ", ".join(f"{key}={value}" for key, value in tuning.chosen.items())
    rows = "on validation" if tuning.on == "val" else "by cross-validation inside train"
    return f"chosen of {tuning.settings_tried} settings: {chosen} ({tuning.metric} {tuning.score:.4f} {rows})"


def _protocol(record: "ModelRecord") -> list[str]:
    """Return notes about class weights, members, calibration and threshold."""
    from hybrid.pipelines.threshold_rule import predicted_from, shown_threshold

    weight = record.class_weight
    weighted = {"balanced": "all count as much (balanced)", None: "as the data are"}
    notes = [f"classes: {f'weighted by {weight}' if isinstance(weight, dict) else weighted[weight]}"]
    if record.head == "ensemble":
        shown = [f"{one.name} {one.weight:.3f}" for one in record.members]
        notes.append(f"weights ({record.weights or 'equal'}): {', '.join(shown)}")
    if record.calibration:
        notes.append(f"probabilities calibrated: {record.calibration}")
    notes += probability_notes(record)
    if isinstance(record.threshold, tuple):
        values = zip(record.classes, record.threshold, strict=True)
        thresholds = ", ".join(f"{label} {shown_threshold(value)}" for label, value in values)
        notes.append(
            f"labels are predicted from these probabilities on: {thresholds} (the thresholds for {record.aim})"
        )
    elif record.threshold is not None:
        notes.append(f"{predicted_from(record.positive, record.threshold)} (the threshold for {record.aim})")
    return [*notes, *(record.adjustment.notes if record.adjustment else ())]


def _params(given: tuple[str, ...], class_weight: str | None) -> dict[str, Any]:
    """Return the parameters of the head from --param and --class-weight."""
    params = dict(_param(text) for text in given)
    if class_weight is None:
        return params
    if "class_weight" in params:
        raise InputError("The class weight was given twice, by --class-weight and by --param: leave one of them out.")
    return params | {"class_weight": None if class_weight == "none" else class_weight}


def _param(text: str) -> tuple[str, Any]:
    import ast

    key, equals, value = text.partition("=")
    if not equals or not key.strip().isidentifier():
        raise InputError(f"--param {text!r} was given; expected KEY=VALUE, such as C=0.01.")
    try:
        return key.strip(), ast.literal_eval(value.strip())
    except (ValueError, SyntaxError):
        return key.strip(), value.strip()


def _pca(value: float | None) -> int | float | None:
    return int(value) if value is not None and value >= 1 else value
