"""The model of a learning curve: a fitted model of a workspace, the chosen one, or a head with its defaults."""

from collections.abc import Sequence
from dataclasses import replace

from hybrid.classifiers import HEADS
from hybrid.comparison.ordering import MAIN_METRICS, badness
from hybrid.comparison.refittable_model import RefittableModel, load_refittable
from hybrid.embeddings.embedding_set import load_set
from hybrid.embeddings.joined_set import join_sets
from hybrid.errors import InputError
from hybrid.models.options import HeadOptions
from hybrid.pipelines import make_head_pipeline
from hybrid.wording import first_few
from hybrid.workspace.fitted_models import load_records
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.workspace import Workspace


def refitted(
    workspace: Workspace, model: str | None, set_names: Sequence[str] = (), random_state: int = 0
) -> RefittableModel:
    """Return a model that can be fitted to shares of its training images.

    Parameters
    ----------
    workspace : Workspace
    model : str, optional
        Name of a fitted model or of a head. By default the only fitted model, or the one with the best score on
        validation by the main metric of the task.
    set_names : sequence of str, optional
        Embedding sets of a head. By default the latest set.
    random_state : int, default=0
        Seed of a head.

    Returns
    -------
    RefittableModel
        Its notes are those on a learning curve.

    Raises
    ------
    InputError
        If there is no such model, or it cannot be fitted again.
    """
    if model in HEADS and not (workspace.models / model).is_dir():
        joined = join_sets([load_set(workspace, name) for name in set_names] or [load_set(workspace)])
        pipeline = make_head_pipeline(model, **HeadOptions(seed=random_state).seeded(model))
        found = RefittableModel(f"{model}-{joined.name}", joined, pipeline)
    else:
        record = _best(workspace) if model is None else load_records(workspace, [model])[0]
        found = load_refittable(record, workspace)
    return replace(found, notes=tuple(_notes(found)))


def _best(workspace: Workspace) -> ModelRecord:
    """Return the only fitted model, or the one with the best score on validation."""
    records = load_records(workspace)
    if len(records) == 1:
        return records[0]
    if len({record.dataset_fingerprint for record in records}) > 1:
        raise InputError(
            f"The models of the workspace are those of several datasets: name one of {first_few(_names(records))}."
        )
    metric = MAIN_METRICS[records[0].task]
    scored = [record for record in records if "val" in record.splits]
    if not scored:
        raise InputError(f"No model has scores on validation: name one of {first_few(_names(records))}.")
    return min(scored, key=lambda record: badness(record.splits["val"].metrics[metric], metric))


def _names(records: Sequence[ModelRecord]) -> list[str]:
    return [record.name for record in records]


def _notes(model: RefittableModel) -> list[str]:
    """Return remarks on a learning curve of this model."""
    notes = [note for note in model.notes if "views" not in note]
    if model.embeddings.views is not None:
        notes.append(f"{model.name} is fitted and scored without views in this curve.")
    if model.images_in_training:
        notes.append(
            f"The network behind the features was trained or selected on {model.images_in_training} of these images, "
            "whatever their share here. The curve shows what more images bring to the head alone, and its scores are "
            "too optimistic."
        )
    return notes
