"""The stages of fine-tuning: first only the new output is trained, then the upper layers of the backbone too."""

from dataclasses import dataclass

from hybrid.errors import InputError


@dataclass(frozen=True)
class Stage:
    """Consecutive epochs with their own learning rate.

    Attributes
    ----------
    first : int
        First epoch of the stage (0-based).
    epochs : int
        Maximum number of epochs.
    rate : float
        The highest learning rate.
    unfreeze : int or str, default=0
        Upper layers of a pretrained backbone that are trained, as in `FineTuning`.
    """

    first: int
    epochs: int
    rate: float
    unfreeze: int | str = 0


@dataclass(frozen=True)
class FineTuning:
    """The options for fine-tuning a pretrained backbone.

    At first only the new output is trained. Then the upper layers of the backbone are trained too, at a lower learning
    rate. Batch normalization always stays frozen and in inference mode, since the statistics of a small dataset are
    less accurate than those of the pretraining.

    Attributes
    ----------
    head_epochs : float, default=0.25
        Share of the epochs, at the beginning, in which only the new output is trained.
    unfreeze : int or str, default=20
        Upper layers that are trained after that: their number, the name of the lowest one, or ``"all"``. Only layers
        with weights count, without batch normalization. With 0 only the output is trained.
    unfreeze_rate : float, default=0.1
        Learning rate after that, as a multiple of `TrainingOptions.learning_rate`.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    head_epochs: float = 0.25
    unfreeze: int | str = 20
    unfreeze_rate: float = 0.1

    def __post_init__(self):
        if not 0 <= self.head_epochs < 1:
            raise InputError(f"head_epochs={self.head_epochs} was given; expected a share from 0 to below 1.")
        if not 0 < self.unfreeze_rate <= 1:
            raise InputError(f"unfreeze_rate={self.unfreeze_rate} was given; expected a share above 0 and at most 1.")
        if isinstance(self.unfreeze, int) and self.unfreeze < 0:
            raise InputError(f"unfreeze={self.unfreeze} was given; expected 0 or more, a layer's name or 'all'.")

    def stages(self, epochs: int, rate: float) -> tuple[Stage, ...]:
        """Return the stages of a training with a number of epochs and a highest learning rate."""
        if self.unfreeze == 0:
            return (Stage(0, epochs, rate),)
        head = round(self.head_epochs * epochs)
        upper = Stage(head, epochs - head, rate * self.unfreeze_rate, self.unfreeze)
        return (Stage(0, head, rate), upper) if head else (upper,)
