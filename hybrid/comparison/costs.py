"""What models cost, and the measure in which this is told: processor seconds, or seconds by the wall clock."""

from collections.abc import Sequence

from hybrid.wording import and_more
from hybrid.workspace.model_record import ModelRecord, Seconds

PARTS = ("train", "extract", "fit", "predict")
COST_TITLES = {
    "processor": "processor seconds to train, extract, fit and predict",
    "seconds": "wall-clock seconds to train, extract, fit and predict",
    "parameters": "parameters of the networks",
    "bytes": "size on disk, bytes",
}
_MOST_NAMES = 3


def time_measure(models: Sequence[ModelRecord]) -> str:
    """Return the measure that all models have: ``"processor"``, otherwise ``"seconds"`` by the wall clock."""
    return "processor" if all(model.processor and model.processor.total is not None for model in models) else "seconds"


def times_of(model: ModelRecord, measure: str) -> Seconds:
    """Return the times of a model in a measure. All are unknown if an earlier version recorded the model without it."""
    if measure == "seconds":
        return model.seconds
    return model.processor or Seconds(train=None, measure="processor")


def cost_of(model: ModelRecord, cost: str) -> float | None:
    """Return one of the costs in `COST_TITLES`; None if it is not known."""
    return times_of(model, cost).total if cost in ("processor", "seconds") else getattr(model, cost)


def cost_notes(models: Sequence[ModelRecord], names: Sequence[str] = ()) -> list[str]:
    """Return sentences on models whose times were measured in another way than those of the others.

    Parameters
    ----------
    models : sequence of ModelRecord
    names : sequence of str, optional
        The names of the models in the sentences. By default their own.
    """
    named = list(zip(names or [model.name for model in models], models, strict=True))
    earlier = [name for name, model in named if model.processor is None]
    runs = [name for name, model in named if model.seconds.measure == "runs" and model.seconds.extract is not None]
    shared = [name for name, model in named if model.cuts > 1]
    notes = {
        "an earlier version of hybrid recorded wall-clock seconds only.": earlier,
        "extract is an average over whole runs of an earlier version of hybrid, with loading the network.": runs,
        "one pass computed the features of several layers. Each layer costs reading and decoding the images, and the "
        "network up to it by multiply-adds; layers of one model that came from one pass are counted once.": shared,
    }
    return [f"{and_more(which, _MOST_NAMES)}: {text}" for text, which in notes.items() if which]
