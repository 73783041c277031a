"""How a network is trained, and what comes out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid.errors import InputError, unknown_name
from hybrid.extractors.images.augment import Augmentation
from hybrid.training.stages import FineTuning, Stage

if TYPE_CHECKING:
    import keras

OPTIMIZERS = {"adam": 1e-3, "adamw": 1e-3, "sgd": 1e-2}  # with their default learning rates
SCHEDULES = ("cosine", "plateau", "constant")
CLASS_WEIGHTS = ("balanced", "none")


@dataclass(frozen=True)
class TrainingOptions:
    """How a network is trained.

    Attributes
    ----------
    epochs : int, default=40
        At most.
    batch_size : int, default=64
    optimizer : {"adam", "adamw", "sgd"}, default="adam"
        AdamW has a weight decay of 0.01.
    learning_rate : float, optional
        At its highest; 0.001 for Adam and AdamW, 0.01 for SGD, if not given.
    momentum : float, default=0.9
        Of SGD, Nesterov's; 0 for none.
    schedule : {"cosine", "plateau", "constant"}, default="cosine"
        Of the learning rate. Cosine: up over the first `warmup` of all steps, then down to 0 along half a cosine
        (Loshchilov and Hutter, "SGDR", 2017). Plateau: times 0.3 whenever the validation loss has not been at its best
        for `plateau_patience` epochs.
    warmup : float, default=0.05
        Share of all steps, for cosine.
    patience : int, optional
        Epochs without a better validation loss before training stops. If not given: never for cosine, which comes to
        rest by itself, and 8 for the others.
    plateau_patience : int, optional
        Epochs without a better validation loss before the plateau schedule lowers the rate; half of `patience` if not
        given.
    steps_per_epoch : int, optional
        Batches an epoch, of images drawn anew for each; all images if not given, or if there are fewer.
    class_weight : {"balanced", "none"}, default="balanced"
        Whether rare classes weigh more in the losses of train and validation, as in scikit-learn.
    label_smoothing : float, default=0.0
        Share of each target that is spread over all classes, in the loss that is minimised.
    augment : tuple of str, default=("light",)
        Operations on the images of train, as `Augmentation.parse` reads them; empty for none.
    clean_epochs : float, default=0.2
        Share of the epochs, the last ones of a cosine schedule, in which train is not augmented: the network comes to
        rest on images as it will meet them, and its probabilities fit them.
    borrow : bool, default=True
        Whether a validation split of less than 100 images gets a tenth of a large train split, which is then not
        fitted to.
    per_label : bool, default=False
        Of several labels: whether each gets a network of its own, trained apart; they are put side by side into one.
    mixed_precision : bool, default=False
        Whether to compute in float16 (variables stay float32): for a GPU.
    fine_tuning : FineTuning, optional
        How a pretrained backbone learns; not for other networks.
    seed : int, default=0
        Of the weights, the order of the images, augmentation and dropout.

    Raises
    ------
    InputError
        If a value is out of its range.
    """

    epochs: int = 40
    batch_size: int = 64
    optimizer: str = "adam"
    learning_rate: float | None = None
    momentum: float = 0.9
    schedule: str = "cosine"
    warmup: float = 0.05
    patience: int | None = None
    plateau_patience: int | None = None
    steps_per_epoch: int | None = None
    class_weight: str = "balanced"
    label_smoothing: float = 0.0
    augment: tuple[str, ...] = ("light",)
    clean_epochs: float = 0.2
    borrow: bool = True
    per_label: bool = False
    mixed_precision: bool = False
    fine_tuning: FineTuning | None = None
    seed: int = 0

    def __post_init__(self):
        object.__setattr__(self, "augment", tuple(self.augment))
        for kind, name, known in (
            ("optimizer", self.optimizer, OPTIMIZERS),
            ("schedule", self.schedule, SCHEDULES),
            ("class weight", self.class_weight, CLASS_WEIGHTS),
        ):
            if name not in known:
                raise unknown_name(kind, name, known)
        for name in ("epochs", "batch_size", "patience", "plateau_patience", "steps_per_epoch"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise InputError(f"{name}={value} was given; expected a whole number of 1 or more.")
        if not self.rate > 0:
            raise InputError(f"learning_rate={self.rate} was given; expected a number above 0, such as 0.001.")
        for name in ("momentum", "label_smoothing", "warmup", "clean_epochs"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)} was given; expected a share from 0 to below 1.")
        Augmentation.parse(self.augment)

    @property
    def rate(self) -> float:
        """The highest learning rate."""
        return OPTIMIZERS[self.optimizer] if self.learning_rate is None else self.learning_rate

    @property
    def stops_after(self) -> int | None:
        """Epochs without a better validation loss before training stops, None for never."""
        return 8 if self.patience is None and self.schedule != "cosine" else self.patience

    @property
    def plateaus_after(self) -> int:
        """Epochs without a better validation loss before the plateau schedule lowers the rate."""
        return self.plateau_patience or max((self.stops_after or 8) // 2, 1)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of the training: one, but for a pretrained backbone."""
        one = Stage(0, self.epochs, self.rate)
        return self.fine_tuning.stages(self.epochs, self.rate) if self.fine_tuning else (one,)

    @property
    def augmentation(self) -> Augmentation | None:
        """What is done to the images of train, None for nothing."""
        found = Augmentation.parse(self.augment)
        return found if found.operations else None

    def augments(self, epoch: int) -> bool:
        """Whether the images of train are augmented in an epoch, counted from 0."""
        clean = round(self.clean_epochs * self.epochs) if self.schedule == "cosine" else 0
        return epoch < self.epochs - clean


@dataclass(frozen=True)
class Epoch:
    """What is reported after each epoch.

    Attributes
    ----------
    number : int
        Counted from 1.
    scores : dict of str to float
        The epoch's line of `TrainedNetwork.history`.
    seconds : float
        That it took.
    waiting : float
        Share of its steps' time in which the network waited for images.
    left : float
        Seconds that the training will take at most from here.
    label : str, default=""
        Whose network it is, where each label has one.
    """

    number: int
    scores: dict[str, float]
    seconds: float
    waiting: float
    left: float
    label: str = ""


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with the record of its training.

    Attributes
    ----------
    model : keras.Model
        With the weights of its best epoch. It takes pixels from 0 to 255; not compiled.
    last : keras.Model
        With the weights of its last epoch.
    history : dict
        An epoch: ``loss`` and ``val_loss`` (cross-entropy, weighted by class if asked for, without penalties and label
        smoothing), ``accuracy`` and ``val_accuracy``, and ``learning_rate`` at its end. Of a network for each label, a
        history for each.
    best_epoch : int or dict of str to int
        That of the lowest ``val_loss``, counted from 1; of each label, where each has a network.
    seconds : float
        Of all epochs, those before an interruption included.
    waiting : float
        Share of the time of the training steps in which the network waited for images.
    resumed : int
        Epochs that an interrupted training had done before; 0 for none.
    """

    model: "keras.Model"
    last: "keras.Model"
    history: dict[str, Any]
    best_epoch: int | dict[str, int]
    seconds: float
    waiting: float = 0.0
    resumed: int = 0

    @property
    def last_epoch(self) -> int | dict[str, int]:
        """Counted from 1; of each label, where each has a network."""
        if isinstance(self.best_epoch, dict):
            return {label: len(one["loss"]) for label, one in self.history.items()}
        return len(self.history["loss"])
