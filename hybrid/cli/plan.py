"""`hybrid plan`."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from hybrid.cli import completion
from hybrid.cli.help import documented_command
from hybrid.cli.options import json_option, workspace_option
from hybrid.cli.output import plain, print_json, print_notes, print_table
from hybrid.evaluation.metrics import OVERALL, known_metric
from hybrid.wording import number
from hybrid.workspace.history import LOCKED, PLANNED, SHOWN, UNLOCKED, Event, History, Plan
from hybrid.workspace.workspace import Workspace

_BY = "hybrid plan"


@documented_command(
    ("Choose by ROC AUC, and keep test closed until then", "hybrid plan --metric roc_auc --lock-test"),
    ("Show the plan and all looks at test so far", "hybrid plan"),
    ("Allow scores on test again", "hybrid plan --unlock-test"),
)
@click.option(
    "--metric",
    default=None,
    shell_complete=completion.metrics,
    help="The primary metric. Default: depends on the task.",
)
@click.option(
    "--primary", multiple=True, metavar="METRIC", help="A further metric that may decide (repeatable). Default: none."
)
@click.option(
    "--choose",
    default=None,
    metavar="simplest|best|MODEL",
    help="How the model is chosen on validation, or the name of the model. Default: simplest.",
)
@click.option(
    "--reference",
    default=None,
    metavar="MODEL",
    shell_complete=completion.models,
    help="The model with which the others are compared.",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=None,
    help="The margin of a non-inferiority comparison.",
)
@click.option(
    "--lock-test/--unlock-test", "lock", default=None, help="Refuse to show scores on test, or allow it again."
)
@workspace_option
@json_option
def plan(
    metric: str | None,
    primary: tuple[str, ...],
    choose: str | None,
    reference: str | None,
    margin: float | None,
    lock: bool | None,
    workspace: Path,
    as_json: bool,
) -> None:
    """Decide on the primary metric and on the choice of the model before test is read.

    The plan is saved with its date, and hybrid compare follows it unless its options say otherwise. Every comparison
    then states whether the plan was made before test was first shown. Without options, the command shows the plan and
    all looks at test so far.
    """
    history = History(Workspace(workspace))
    metric = None if metric is None else known_metric(metric, OVERALL)
    primary = tuple(known_metric(name, OVERALL) for name in primary)
    if primary or (metric, choose, reference, margin) != (None,) * 4:
        made = Plan(metric, choose or "simplest", reference, margin, primary)
        history.add(Event(PLANNED, by=_BY, plan=made))
    if lock is not None and lock != history.is_locked:
        history.add(Event(LOCKED if lock else UNLOCKED, by=_BY))
    _show(history, as_json)


def _show(history: History, as_json: bool) -> None:
    events = history.events()
    looks = [event for event in events if event.what == SHOWN]
    last = max((index for index, event in enumerate(events) if event.what == PLANNED), default=None)
    made = None if last is None else events[last]
    if as_json:
        shown = {
            "plan": asdict(made.plan) | {"at": made.at, "digest": made.plan.digest} if made and made.plan else None
        }
        print_json(shown | {"locked": history.is_locked, "intact": history.is_intact, "events": [*map(_shown, events)]})
        return
    if made is None:
        click.echo("There is no plan. Make one before test is read, for example: hybrid plan --metric roc_auc")
    else:
        before = sum(event.what == SHOWN for event in events[:last])
        when = f"after {number(before, 'look')} at test" if before else "before any look at test"
        click.echo(plain(f"Plan {made.plan and made.plan.digest} of {made.at}, made {when}: {made.plan}"))
    if looks:
        rows = [[look.at, look.by, look.dataset, str(len(look.models))] for look in looks]
        print_table(f"looks at test: {len(looks)}", ["when", "by", "dataset", "models"], rows)
    else:
        click.echo("Test has not been shown.")
    notes = ["Scores on test are locked; hybrid plan --unlock-test allows them again."] if history.is_locked else []
    if not history.is_intact:
        notes.append("The history was changed after it was written; it may lack looks at test.")
    print_notes(notes)


def _shown(event: Event) -> dict[str, Any]:
    """Return an event as JSON values, with the number of its test images instead of their digests."""
    return asdict(event) | {"test_images": len(event.test_images)}
