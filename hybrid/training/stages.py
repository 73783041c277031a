"""The stages of a training: of a pretrained backbone first the new output learns, then the upper layers too."""

from dataclasses import dataclass

from hybrid.errors import InputError


@dataclass(frozen=True)
class Stage:
    """Some epochs in a row with a learning rate of their own.

    Attributes
    ----------
    first : int
        Its first epoch, counted from 0.
    epochs : int
        At most.
    rate : float
        The highest learning rate.
    unfreeze : int or str
        Upper layers of a pretrained backbone that learn, as in `FineTuning`; 0 for none.
    """

    first: int
    epochs: int
    rate: float
    unfreeze: int | str = 0


@dataclass(frozen=True)
class FineTuning:
    """How a pretrained backbone learns: first the new output alone, then the upper layers with it, more slowly.

    Batch norm stays in inference mode, and as it is, throughout: the statistics of a few images are worse than those
    that it came with.

    Attributes
    ----------
    head_epochs : float, default=0.25
        Share of the epochs, the first ones, in which the output alone learns.
    unfreeze : int or str, default=20
        How many of the upper layers with weights learn after that; the name of the lowest of them; ``"all"``; 0 for
        none. Layers of batch norm do not count.
    unfreeze_rate : float, default=0.1
        The learning rate then, as a share of the one before.

    Raises
    ------
    InputError
        If a value is out of its range.
    """

    head_epochs: float = 0.25
    unfreeze: int | str = 20
    unfreeze_rate: float = 0.1

    def __post_init__(self):
        if not 0 <= self.head_epochs < 1:
            raise InputError(f"head_epochs={self.head_epochs} was given; expected a share from 0 to below 1.")
        if not 0 < self.unfreeze_rate <= 1:
            raise InputError(f"unfreeze_rate={self.unfreeze_rate} was given; expected a share above 0, at most 1.")
        if isinstance(self.unfreeze, int) and self.unfreeze < 0:
            raise InputError(f"unfreeze={self.unfreeze} was given; expected 0 or more, a layer's name or 'all'.")

    def stages(self, epochs: int, rate: float) -> tuple[Stage, ...]:
        """Return the stages of so many epochs, their first learning rate being `rate`."""
        if self.unfreeze == 0:
            return (Stage(0, epochs, rate),)
        head = round(self.head_epochs * epochs)
        upper = Stage(head, epochs - head, rate * self.unfreeze_rate, self.unfreeze)
        return (Stage(0, head, rate), upper) if head else (upper,)
