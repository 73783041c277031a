"""The spread of scores over training seeds, of models that differ only in the seed of their network."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import mean, stdev
from typing import Any

from hybrid.workspace.model_record import ModelRecord

_SEED = re.compile(r"-seed\d+(?=$|[-+])")


@dataclass(frozen=True)
class SeedSpread:
    """Mean and spread of a metric on one split, over models that differ only in the training seed.

    Attributes
    ----------
    name : str
        The common name of the models, without ``-seedN``.
    models : tuple of str
    split, metric : str
    mean, sd, lowest, highest : float
        `sd` is the sample standard deviation.
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
        """Return the spread as a phrase for the report."""
        return (
            f"{self.name}, trained with {len(self.models)} seeds: {self.metric} on {self.split} {self.mean:.3f} on "
            f"average, SD {self.sd:.3f}, from {self.lowest:.3f} to {self.highest:.3f}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self) | {"models": list(self.models)}


def same_but_seed(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the names of models that differ only in the seed of one network, keyed by their common name.

    Models without another that differs only in the seed are left out.

    Examples
    --------
    >>> same_but_seed(["svm-net-seed0-dots", "svm-net-seed1-dots", "svm-other-dots", "svm-other-seed0-dots"])
    {'svm-net-dots': ['svm-net-seed0-dots', 'svm-net-seed1-dots']}
    """
    by_common_name: dict[str, list[str]] = {}
    for name in names:
        if len(_SEED.findall(name)) == 1:
            by_common_name.setdefault(_SEED.sub("", name), []).append(name)
    return {common: several for common, several in by_common_name.items() if len(several) > 1}


def seed_spreads(models: Sequence[ModelRecord], splits: Sequence[str], metric: str) -> list[SeedSpread]:
    """Return the spread over seeds of each model that was trained with several, on each split that all of them have.

    Parameters
    ----------
    models : sequence of ModelRecord
    splits : sequence of str
    metric : str
    """
    by_name = {model.name: model.splits for model in models}
    spreads = []
    for common, names in same_but_seed(list(by_name)).items():
        for split in splits:
            scores = [by_name[name][split].metrics[metric].value for name in names if split in by_name[name]]
            values = [value for value in scores if value is not None]
            if len(values) == len(names):
                ends = min(values), max(values)
                spreads.append(SeedSpread(common, tuple(names), split, metric, mean(values), stdev(values), *ends))
    return spreads
