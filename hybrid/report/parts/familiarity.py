"""How many images of the compared split are unfamiliar to the chosen model, and which most."""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybrid.errors import InputError
from hybrid.pipelines import load_reference
from hybrid.report.elements.inputs import ReportInputs
from hybrid.report.elements.words import plural
from hybrid.report.parts.answer import SPLITS
from hybrid.report.parts.data import features_of

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard


@dataclass(frozen=True, eq=False)
class Familiarity:
    """How typical the compared images are of the training images of a model.

    Attributes
    ----------
    sentence : str
        How many images are unfamiliar to the model.
    typicality : dict of str to float
        The typicality of each image, by its id.
    unfamiliar : list of str
        Ids of the unfamiliar images, the least typical first.
    """

    sentence: str
    typicality: dict[str, float]
    unfamiliar: list[str]


def familiarity(leaderboard: "Leaderboard", report_inputs: ReportInputs, shown: int) -> Familiarity | None:
    """Return how typical the compared images are; None if the model keeps no reference or its set is gone."""
    model, part = leaderboard.models[shown], leaderboard.predictions[shown]
    sets = report_inputs.sets_of(model)
    if len(sets) != len(model.sets):
        return None
    with suppress(InputError):
        reference = load_reference(model.folder / "model")
        X = np.concatenate([features_of(one, part.ids) for one in sets], axis=1)
        typicality = reference.typicality(X)
        flags, n = reference.is_unfamiliar(typicality), len(part)
        order = [row for row in np.argsort(typicality, kind="stable").tolist() if flags[row]]
        images = f"{SPLITS[leaderboard.split]} image"
        sentence = (
            f"{leaderboard.labels[shown]} finds {len(order):,} of {plural(n, images)} unfamiliar "
            f"({len(order) / n:.1%}); of images like those that it learnt from, about {reference.level:.1%} would be."
        )
        return Familiarity(
            sentence,
            dict(zip(part.ids.tolist(), typicality.tolist(), strict=True)),
            [str(part.ids[row]) for row in order],
        )
    return None
