"""The spread over training seeds: models that are the same but for the seed of the network behind them."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import mean, stdev
from typing import Any

from hybrid.workspace.model_record import ModelRecord

_SEED = re.compile(r"-seed\d+(?=$|[-+])")


@dataclass(frozen=True)
class SeedSpread:
    """One metric of models that differ in the seed alone, on one split.

    Attributes
    ----------
    name : str
        What the models' names have in common: all but ``-seedN``.
    models : tuple of str
    split, metric : str
    mean, sd, lowest, highest : float
        `sd` is the sample's standard deviation.
    """

    name: str
    models: tuple[str, ...]
    split: str
    metric: str
    mean: float
    sd: float
    lowest: float
    highest: float

    def sentence(self) -> str:
        """Return it in words."""
        return (
            f"{self.name}, trained with {len(self.models)} seeds: {self.metric} on {self.split} {self.mean:.3f} on "
            f"average, SD {self.sd:.3f}, from {self.lowest:.3f} to {self.highest:.3f}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self) | {"models": list(self.models)}


def same_but_seed(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the models that differ in the seed of one network alone, two or more, by what they have in common.

    Examples
    --------
    >>> same_but_seed(["svm-net-seed0-dots", "svm-net-seed1-dots", "svm-other-dots", "svm-other-seed0-dots"])
    {'svm-net-dots': ['svm-net-seed0-dots', 'svm-net-seed1-dots']}
    """
    found: dict[str, list[str]] = {}
    for name in names:
        if len(_SEED.findall(name)) == 1:
            found.setdefault(_SEED.sub("", name), []).append(name)
    return {shared: several for shared, several in found.items() if len(several) > 1}


def seed_spreads(models: Sequence[ModelRecord], splits: Sequence[str], metric: str) -> list[SeedSpread]:
    """Return the spread over seeds of each model that was made with several, on each split that all of them have.

    Parameters
    ----------
    models : sequence of ModelRecord
    splits : sequence of str
    metric : str
    """
    by_name = {model.name: model.splits for model in models}
    found = []
    for shared, names in same_but_seed(list(by_name)).items():
        for split in splits:
            scores = [by_name[name][split].metrics[metric].value for name in names if split in by_name[name]]
            values = [value for value in scores if value is not None]
            if len(values) == len(names):
                ends = min(values), max(values)
                found.append(SeedSpread(shared, tuple(names), split, metric, mean(values), stdev(values), *ends))
    return found
