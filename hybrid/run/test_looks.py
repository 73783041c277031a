"""Looks at test: what the history of a workspace says of earlier ones, and adding the present one to it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hybrid.comparison.compared_images import set_of
from hybrid.comparison.leaderboard import Leaderboard
from hybrid.comparison.test_history import read_history
from hybrid.errors import InputError
from hybrid.external.result import ExternalResult
from hybrid.run.named_models import aliases
from hybrid.workspace.fitted_models import read_predictions, unsealed, workspace_of
from hybrid.workspace.history import SHOWN, Event, History, image_digests
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.workspace import METRICS, Workspace


def with_history(leaderboard: Leaderboard) -> Leaderboard:
    """Return a leaderboard with the looks at test that the workspace recorded, and how it differs from the plan."""
    workspace = workspace_of(leaderboard.models[0])
    if workspace is None:
        return leaderboard
    names = {leaderboard.how, *(alias for alias, name in aliases(leaderboard) if name == leaderboard.how)}
    history = read_history(workspace, leaderboard.models, names, _test_images(leaderboard))
    differs: tuple[str, ...] = ()
    if history.plan:
        references = [alias for alias, name in aliases(leaderboard) if name == leaderboard.reference]
        differs = history.plan.differences(leaderboard.primary, names, references, leaderboard.tested.margin)
    return replace(leaderboard, history=history, remarks=(*leaderboard.remarks, *differs))


def add_look(leaderboards: Sequence[Leaderboard], to_save: Mapping[Path, ModelRecord], by: str) -> tuple[str, ...]:
    """Add a look at test to the history of each workspace, and save the scores. Return a note if this is impossible."""
    try:
        for leaderboard in leaderboards:
            models = (*leaderboard.models, *leaderboard.hidden)
            if workspace := workspace_of(models[0]):
                shown = {model.name: model.predictions_sha256 for model in models}
                look = Event(
                    SHOWN,
                    by=by,
                    dataset=leaderboard.dataset,
                    dataset_fingerprint=leaderboard.fingerprint,
                    models=shown,
                    test_images=_test_images(leaderboard),
                )
                History(workspace).add(look)
                for model in models:
                    if "test" in ModelRecord.read(model.folder / METRICS).sealed:
                        to_save[model.folder].write(model.folder / METRICS)
    except InputError as error:
        return (f"This look at test could not be added to the history of the workspace: {error}",)
    return ()


def _test_images(leaderboard: Leaderboard) -> tuple[str, ...]:
    """Return the digests of the test images of a leaderboard; empty if its embedding set no longer exists."""
    embedding_set = set_of(leaderboard)
    return () if embedding_set is None else image_digests(embedding_set.keys[embedding_set.split == "test"])


def add_external_look(results: Sequence[ExternalResult], by: str) -> tuple[str, ...]:
    """Add a look at test to the history of the workspaces whose test scores external validations are compared with.

    Scores that were sealed are saved. Return a note if this is impossible.
    """
    looks: dict[tuple[Path, str], dict[str, ExternalResult]] = {}
    for result in results:
        if result.own.of_test and result.own.record is not None:
            record = result.own.record
            looks.setdefault((record.folder.parent, record.dataset_fingerprint), {})[record.name] = result
    try:
        for (models, fingerprint), shown in looks.items():
            records = [result.own.record for result in shown.values() if result.own.record is not None]
            History(Workspace(models.parent)).add(
                Event(
                    SHOWN,
                    by=by,
                    dataset=records[0].dataset,
                    dataset_fingerprint=fingerprint,
                    models={record.name: record.predictions_sha256 for record in records},
                    test_images=next(iter(shown.values())).own.test_images(),
                )
            )
            for record, result in zip(records, shown.values(), strict=True):
                if "test" in record.sealed:
                    known = result.internal.evaluation if result.internal and result.compares_whole_split else None
                    unsealed(record, read_predictions(record), "test", known).write(record.folder / METRICS)
    except InputError as error:
        return (f"This look at test could not be added to the history of the workspace: {error}",)
    return ()
