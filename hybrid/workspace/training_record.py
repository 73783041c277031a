"""The record of the training of a network."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from hybrid.workspace.records import Record

Curves = dict[str, tuple[float, ...]]


@dataclass(frozen=True, kw_only=True)
class TrainingRecord(Record):
    """The record of the training of a network.

    Attributes
    ----------
    arch : str
        Architecture as users write it, such as ``"resnet_small:width=16"``.
    description : tuple of str
        The layers, one line each.
    created : str
        Date and time in ISO format.
    dataset : dict
        Name, source and notes of the data.
    input_shape : tuple of int
    classes : tuple
    parameters : int or None
    options : dict
        Fields of the `TrainingOptions`.
    best_epoch : int or dict of str to int
        The best epoch (1-based). If each label has its own network, the best epoch of each label.
    seconds : float
        Duration of all epochs by the wall clock.
    processor : float or None
        The same in processor seconds; None if this is not known, as for records of schema 1 to 3.
    waiting : float
        Share of the training steps' time in which the network waited for images.
    history : dict
        Loss, accuracy and learning rate after each epoch. If each label has its own network, one such dict per label.
    """

    SCHEMA: ClassVar[int] = 4
    SEALED_SINCE: ClassVar[int] = 3
    REMEDY: ClassVar[str] = "Delete the network's folder and train it again."

    arch: str = ""
    description: tuple[str, ...] = ()
    created: str = ""
    dataset: dict[str, Any] = field(default_factory=dict)
    input_shape: tuple[int, ...] = ()
    classes: tuple[str | int | float | bool, ...] = ()
    parameters: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    best_epoch: int | dict[str, int]
    seconds: float
    processor: float | None = None
    waiting: float = 0.0
    history: Curves | dict[str, Curves]

    @property
    def class_weight(self) -> str | None:
        """The class weights of the training: "balanced" or None."""
        return "balanced" if self.options.get("class_weight") == "balanced" else None

    @property
    def seed(self) -> int | None:
        """The seed of the training; None if it is not recorded."""
        seed = self.options.get("random_state", self.options.get("seed"))
        return seed if isinstance(seed, int) else None

    @property
    def per_label(self) -> bool:
        """Whether each label has a network of its own."""
        return isinstance(self.best_epoch, dict)
