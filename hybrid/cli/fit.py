"""`hybrid fit`."""

from pathlib import Path
from typing import Any

import click

from hybrid.classifiers import HEADS
from hybrid.cli.options import json_option, seed_option, workspace_option
from hybrid.cli.output import loud_warnings, print_evaluations, print_json, warn
from hybrid.errors import InputError
from hybrid.workspace import Workspace


@click.command()
@click.argument("head", metavar="|".join(HEADS))
@click.option("--set", "set_name", default=None, help="Embedding set; default: the latest.")
@click.option("--tune", "tune", is_flag=True, help="Search the head's settings by cross-validation inside train.")
@click.option("--tune-on-val", is_flag=True, help="Search them on the validation split instead.")
@click.option(
    "--metric", default=None, help="What the search maximises. Default: ROC AUC; multi-label: average precision."
)
@click.option("--param", "params", multiple=True, metavar="KEY=VALUE", help="Parameter of the head, such as C=0.01.")
@click.option("--pca", default=None, type=float, help="Keep this many components, or this share of the variance.")
@click.option("--no-scale", is_flag=True, help="Do not standardise the embeddings.")
@click.option("--positive", default=None, help="Positive class of a binary task. Default: the last, sorted.")
@click.option("--name", default=None, help="Name of the model. Default: head and set.")
@seed_option
@workspace_option
@json_option
def fit(head: str, set_name: str | None, workspace: Path, as_json: bool, name: str | None, **given: Any) -> None:
    """Fit HEAD on train of an embedding set, evaluate it on every split, and save it.

    Writes models/NAME in the workspace: the model, metrics.json, and predictions.csv.
    """
    from hybrid.errors import unknown_name

    if head not in HEADS:
        raise unknown_name("head", head, HEADS)
    if given["metric"] and not (given["tune"] or given["tune_on_val"]):
        raise click.UsageError("--metric says what a search maximises: give --tune or --tune-on-val with it.")
    from hybrid.embedding_set import load_set
    from hybrid.fitting import HeadOptions, fit_head
    from hybrid.workspace import check_name

    place = Workspace(workspace)
    options = HeadOptions(
        params=dict(_param(text) for text in given["params"]),
        scale=not given["no_scale"],
        pca=_pca(given["pca"]),
        tune="val" if given["tune_on_val"] else "cv" if given["tune"] else None,
        metric=given["metric"],
        seed=given["seed"],
    )
    found = load_set(place, set_name)
    with loud_warnings():
        model = fit_head(found, head, options, place, positive=given["positive"], name=name and check_name(name))
    if as_json:
        print_json(model.record)
        return
    print_evaluations(f"{head} on {found.name} ({model.record['width']} features)", model.splits)
    for text in model.record["warnings"]:
        warn(f"WARNING: {text}")
    seconds = model.record["seconds"]
    if model.record["tuning"]:
        chosen = ", ".join(f"{key}={value}" for key, value in model.record["tuning"]["chosen"].items())
        click.echo(f"  · chosen of {model.record['tuning']['settings_tried']} settings: {chosen}")
    click.echo(f"  · fit {seconds['fit']:.2f} s, predict {seconds['predict']:.2f} s for {len(found)} images")
    click.echo(f"Saved {place.models / model.name}: hybrid compare, or hybrid predict {model.name} IMAGES…")


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
