"""Learning rate and stopping, each a function of the step and of the validation losses so far: nothing to resume."""

import math
from collections.abc import Sequence

from hybrid.training.options import TrainingOptions

PLATEAU_FACTOR = 0.3
LEAST_GAIN = 1e-4  # of the validation loss: less is no gain to the plateau schedule


def learning_rate(options: TrainingOptions, step: int, steps: int, val_losses: Sequence[float]) -> float:
    """Return the learning rate of a step, counted from 0 over all epochs, of `steps` in all."""
    if options.schedule == "plateau":
        return options.rate * PLATEAU_FACTOR ** _plateaus(val_losses, options.plateaus_after)
    if options.schedule == "constant":
        return options.rate
    rise = max(round(options.warmup * steps), 1)
    if step < rise:
        return options.rate * (step + 1) / rise
    return options.rate * (1 + math.cos(math.pi * (step + 1 - rise) / (steps - rise + 1))) / 2


def is_over(options: TrainingOptions, val_losses: Sequence[float]) -> bool:
    """Whether the validation loss has stalled for as long as the options allow."""
    wait = options.stops_after
    return wait is not None and len(val_losses) - best_epoch(val_losses) >= wait


def best_epoch(val_losses: Sequence[float]) -> int:
    """Return the first epoch, counted from 1, of the lowest validation loss; 0 if there is none yet."""
    return list(val_losses).index(min(val_losses)) + 1 if val_losses else 0


def _plateaus(val_losses: Sequence[float], patience: int) -> int:
    """Return how often the loss stalled for `patience` epochs, the count begun anew after each time."""
    found, wait, best = 0, 0, math.inf
    for loss in val_losses:
        wait += 1
        if loss < best - LEAST_GAIN:
            best, wait = loss, 0
        elif wait >= patience:
            found, wait = found + 1, 0
    return found
