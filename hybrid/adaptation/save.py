"""Save an adapted model, with its parent named in its manifest and, in a workspace, in its record."""

from dataclasses import dataclass
from pathlib import Path

from hybrid.adaptation.methods import AdaptedModel
from hybrid.adaptation.origin import Origin
from hybrid.errors import InputError
from hybrid.external import NewData
from hybrid.models.evaluate_and_save import evaluate_and_save
from hybrid.pipelines import save_model
from hybrid.pipelines.build import extractors_of
from hybrid.pipelines.saved.adapted_from import AdaptedFrom
from hybrid.pipelines.saved.manifest import model_info
from hybrid.pipelines.threshold_rule import threshold_rule
from hybrid.progress import Spent
from hybrid.workspace.workspace import Workspace


@dataclass(frozen=True)
class SavedModel:
    """Name and folder of a saved model, and remarks on it."""

    name: str
    folder: Path
    notes: tuple[str, ...] = ()


def save_adapted(
    adapted: AdaptedModel, data: NewData, origin: Origin, ancestry: AdaptedFrom, name: str, place: Workspace
) -> SavedModel:
    """Save an adapted model in a workspace.

    If the embedding sets of its parent are there, the model also gets a record with its scores on the images of its
    parent, so that a comparison shows what adapting costs there.

    Parameters
    ----------
    adapted : AdaptedModel
    data : NewData
        The new site, with the parent.
    origin : Origin
        What is known of the parent.
    ancestry : AdaptedFrom
    name : str
        Name of the adapted model.
    place : Workspace

    Returns
    -------
    SavedModel

    Raises
    ------
    InputError
        If the parent has this name, or the model cannot be saved.
    """
    if name == data.name:
        raise InputError(f"The adapted model cannot have the name of its parent, {name!r}: give another one.")
    head = adapted.pipeline[-1]
    record = origin.record
    if record is not None and origin.embeddings is not None and not origin.embeddings.averages:
        fitted = evaluate_and_save(
            adapted.pipeline,
            origin.embeddings.embeddings(),
            origin.embeddings,
            place,
            name,
            record.positive,
            head=record.head,
            fit=Spent(0.0, 0.0),
            params=record.params,
            scale=record.scale,
            pca=record.pca,
            class_weight=record.class_weight,
            members=record.members,
            weights=record.weights,
            seed=ancestry.seed,
            aim=getattr(head, "aim", None),
            calibration=record.calibration,
            adapted=ancestry,
        )
        if fitted.unsaved:
            raise InputError(fitted.unsaved)
        return SavedModel(name, fitted.record.folder / "model")
    labels = [str(label) for label in data.classes.tolist()]
    rule = threshold_rule(head, labels, data.task == "multilabel")
    info = model_info(
        name, data.manifest.dataset, data.manifest.head, labels, None, getattr(head, "aim", None), rule, ancestry
    )
    folder = save_model(
        adapted.pipeline, place.models / name / "model", extractor=extractors_of(data.model.pipeline[0]), info=info
    )
    note = (
        f"{name} has no record in the workspace, because the embedding sets of its parent are not there "
        f"({origin.missing}): hybrid compare does not list it, and hybrid predict takes its folder."
    )
    return SavedModel(name, folder, (note,))
