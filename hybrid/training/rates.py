"""Learning rate and early stopping.

Both are functions of the step and of the validation losses so far. They have no state of their own that would have to
be saved to resume a training.
"""

import math
from collections.abc import Sequence

from hybrid.training.options import TrainingOptions

PLATEAU_FACTOR = 0.3
MIN_IMPROVEMENT = 1e-4  # a smaller decrease of the validation loss is no improvement for the plateau schedule


def learning_rate(options: TrainingOptions, step: int, steps: int, val_losses: Sequence[float]) -> float:
    """Return the learning rate of one training step.

    Parameters
    ----------
    options : TrainingOptions
    step : int
        Number of the step (0-based), counted over all epochs.
    steps : int
        Total number of steps.
    val_losses : sequence of float
        Validation losses of the finished epochs.

    Returns
    -------
    float
    """
    if options.schedule == "plateau":
        return options.rate * PLATEAU_FACTOR ** _plateaus(val_losses, options.plateaus_after)
    if options.schedule == "constant":
        return options.rate
    rise = max(round(options.warmup * steps), 1)
    if step < rise:
        return options.rate * (step + 1) / rise
    return options.rate * (1 + math.cos(math.pi * (step + 1 - rise) / (steps - rise + 1))) / 2


def is_over(options: TrainingOptions, val_losses: Sequence[float]) -> bool:
    """Return whether the validation loss has stalled for so many epochs that training stops."""
    wait = options.stops_after
    return wait is not None and len(val_losses) - best_epoch(val_losses) >= wait


def best_epoch(val_losses: Sequence[float]) -> int:
    """Return the first epoch (1-based) with the lowest validation loss, or 0 before the first epoch."""
    return list(val_losses).index(min(val_losses)) + 1 if val_losses else 0


def _plateaus(val_losses: Sequence[float], patience: int) -> int:
    """Return how often the loss stalled for `patience` epochs. Counting starts anew after each time."""
    plateaus, wait, best = 0, 0, math.inf
    for loss in val_losses:
        wait += 1
        if loss < best - MIN_IMPROVEMENT:
            best, wait = loss, 0
        elif wait >= patience:
            plateaus, wait = plateaus + 1, 0
    return plateaus
