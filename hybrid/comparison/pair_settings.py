"""Which differences of models are tested: the pairs of models and the metrics, fixed before test is read."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.metrics import overall_name
from hybrid.evaluation.paired_evaluation import PAIRS, check_margin
from hybrid.wording import joined
from hybrid.workspace.history import Plan


@dataclass(frozen=True)
class PairSettings:
    """Which differences of models are tested.

    Attributes
    ----------
    pairs : {"reference", "all"}, default="reference"
        Whether each model is compared with a reference only, or all pairs are tested.
    references : tuple of str, default=()
        Names of models that are references, at most one for each set of images. By default it is the chosen model.
    primary : tuple of str, default=()
        Metrics of which any may decide, so that Holm's correction is for the tests of all of them. The metric by which
        models are ordered and chosen is always primary.
    margin : float, optional
        The margin of a non-inferiority test of each model against the reference, in the primary metrics.
    """

    pairs: str = "reference"
    references: tuple[str, ...] = ()
    primary: tuple[str, ...] = ()
    margin: float | None = None

    @classmethod
    def of(
        cls,
        reference: str | Sequence[str] | None = None,
        pairs: str | None = None,
        primary: str | Sequence[str] = (),
        margin: float | None = None,
    ) -> Self:
        """Return checked settings.

        Raises
        ------
        InputError
            If `pairs` has another value, if all pairs and a reference or a margin are given, or if the margin is not
            a number above 0.
        """
        if pairs is not None and pairs not in PAIRS:
            raise unknown_name("choice of pairs", pairs, PAIRS)
        references = (reference,) if isinstance(reference, str) else tuple(reference or ())
        if references and pairs == "all":
            raise InputError(
                f"A reference, {joined(references)}, and all pairs were given: leave out one of them, because either "
                "each model is compared with the reference, or each with every other."
            )
        names = tuple(dict.fromkeys(map(overall_name, [primary] if isinstance(primary, str) else primary)))
        if margin is not None and pairs == "all":
            raise InputError(
                f"A margin, {margin:g}, and all pairs were given: leave out one of them, because whether a model is "
                "not inferior is a question about it and a reference."
            )
        check_margin(margin)
        return cls(pairs or "reference", references, names, margin)

    def for_metrics(self, ordering: str, known: Container[str]) -> tuple[Self, tuple[str, ...]]:
        """Return the settings with the primary metrics that a task has, and a remark on those it lacks.

        Parameters
        ----------
        ordering : str
            The metric by which models are ordered and chosen, which is the first primary one.
        known : container of str
            The metrics of the task.
        """
        missing = [name for name in self.primary if name not in known]
        primary = tuple(name for name in dict.fromkeys([ordering, *self.primary]) if name in known)
        remarks = (f"Not tested, because this task has no such metric: {', '.join(missing)}.",) if missing else ()
        return replace(self, primary=primary), remarks

    def with_planned(self, plan: Plan) -> Self:
        """Return the settings with what a plan says wherever nothing else was asked for."""
        changed = replace(self, primary=self.primary or plan.primary)
        if self.pairs == "all":
            return changed
        references = self.references or tuple(filter(None, [plan.reference]))
        return replace(changed, references=references, margin=plan.margin if self.margin is None else self.margin)

    def sentence(self, reference: str | None = None) -> str:
        """Return what is tested as a sentence without its end; `reference` is the model, by default the chosen one.

        Examples
        --------
        >>> PairSettings(primary=("roc_auc",)).sentence()
        'Primary metric: roc_auc; each model is compared with the one that validation chooses'
        >>> PairSettings("all", primary=("roc_auc", "f1")).sentence()
        "Primary metrics: roc_auc and f1, with Holm's correction across both; all pairs of models are compared"
        """
        several = len(self.primary) > 1
        across = f", with Holm's correction across {'both' if len(self.primary) == 2 else 'all'}" if several else ""
        metrics = f"Primary metric{'s' if several else ''}: {joined(self.primary)}{across}"
        if self.pairs == "all":
            return f"{metrics}; all pairs of models are compared"
        margin = "" if self.margin is None else f"; non-inferiority is tested with a margin of {self.margin:g}"
        if self.references:
            return (
                f"{metrics}; each model is compared with the reference {reference or joined(self.references)}{margin}"
            )
        chosen = f"{reference}, the chosen model" if reference else "the one that validation chooses"
        return f"{metrics}; each model is compared with {chosen}{margin}"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"pairs": self.pairs, "references": list(self.references), "primary": list(self.primary),
                "margin": self.margin}  # fmt: skip


DEFAULT_PAIRS = PairSettings()  # each model and the chosen one, by the metric by which it was chosen
