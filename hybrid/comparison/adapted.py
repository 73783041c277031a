"""Notes on models in a comparison that were adapted to images of another site."""

from collections.abc import Iterable

from hybrid.workspace.model_record import ModelRecord


def adapted_notes(models: Iterable[ModelRecord]) -> list[str]:
    """Return a sentence for each adapted model: which other images it used, and what the comparison says of it."""
    return [
        f"{model.name} was {model.adapted.sentence()}. It has used other images than the other models, and these are "
        "not images of that site: the scores say what adapting costs or gains here, and not there."
        for model in models
        if model.adapted is not None
    ]
