"""Whether a model is worth using: its net benefit and, at a named prevalence, its predictive values."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.evaluation import DecisionCurve, Metric, PredictiveValues


@dataclass(frozen=True, eq=False)
class Usefulness:
    """Whether acting on a model's predictions of one class or label is worth more than acting on all images or none.

    Attributes
    ----------
    model : str
        Name of the model.
    label : object
        The class or label.
    threshold : float
        The model's own threshold, as a probability at the prevalence of `at_threshold`; 0.5 for a class of several.
    at_threshold : DecisionCurve
        The net benefit at this threshold alone.
    values : PredictiveValues or None
        The predictive values; None unless a prevalence was named.
    """

    model: str
    label: Any
    threshold: float
    at_threshold: DecisionCurve
    values: PredictiveValues | None

    @property
    def net_benefit(self) -> Metric:
        """The net benefit at the model's own threshold, with its interval."""
        curve = self.at_threshold
        return Metric(float(curve.net_benefit[0]), _number(curve.low[0]), _number(curve.high[0]))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        curve = self.at_threshold
        names = ("net_benefit", "low", "high", "treat_all", "gain", "gain_low", "gain_high")
        at = {name: _number(getattr(curve, name)[0]) for name in names}
        head = {"model": self.model, "label": self.label, "prevalence": curve.prevalence, "named": curve.named}
        values = {} if self.values is None else {"ppv": self.values.ppv.to_dict(), "npv": self.values.npv.to_dict()}
        return head | {"threshold": self.threshold} | at | values


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
