"""The thresholds at which a model predicts its classes or labels."""

from hybrid.workspace.model_record import ModelRecord


def own_thresholds(model: ModelRecord, k: int) -> list[float]:
    """Return a model's thresholds, one for each of k labels; the defaults if none was chosen."""
    chosen = model.default_threshold if model.threshold is None else model.threshold
    given = 0.5 if chosen is None else chosen
    return list(given) if isinstance(given, tuple) else [float(given)] * k
