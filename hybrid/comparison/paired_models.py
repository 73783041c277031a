"""What is computed from the predictions of several models on the same images: tests, and the luck of the best."""

from collections.abc import Sequence
from typing import Any

from hybrid.evaluation import PairedEvaluation, PairedTest, compare_models
from hybrid.evaluation.optimism import optimism_of_best
from hybrid.workspace.predictions import Predictions, known_groups


def paired_tests(
    names: list[str],
    parts: tuple[Predictions, ...],
    positive: Any,
    metrics: tuple[str, ...],
    pairs_tested: dict[str, Any],
) -> list[PairedTest]:
    """Return tests of models on the same images; an empty list for a single model."""
    if len(names) < 2:
        return []
    return compare_models(
        parts[0].y,
        {name: part.proba for name, part in zip(names, parts, strict=True)},
        parts[0].classes.tolist(),
        y_pred={name: part.predicted for name, part in zip(names, parts, strict=True)},
        pos_label=positive,
        groups=known_groups(parts),
        metrics=metrics,
        **pairs_tested,
    )


def optimism(
    names: Sequence[str], parts: Sequence[Predictions], positive: Any, metric: str, fixed_classes: bool = True
) -> float | None:
    """Return by how much the best score of models is too good on average, because it is the best."""
    first = parts[0]
    models = PairedEvaluation(
        first.y,
        {name: part.proba for name, part in zip(names, parts, strict=True)},
        first.classes.tolist(),
        y_pred={name: part.predicted for name, part in zip(names, parts, strict=True)},
        pos_label=positive,
        groups=known_groups(parts),
        n_boot=500,
        fixed_classes=fixed_classes,
    )
    return optimism_of_best(models, metric)
