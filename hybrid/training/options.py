"""The options of a training and its results."""

import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hybrid.errors import InputError, renamed_parameters, unknown_name
from hybrid.extractors.images.augment import Augmentation
from hybrid.training.stages import FineTuning, Stage

if TYPE_CHECKING:
    import keras

OPTIMIZERS = {"adam": 1e-3, "adamw": 1e-3, "sgd": 1e-2}  # default learning rates
SCHEDULES = ("cosine", "plateau", "constant")
CLASS_WEIGHTS = ("balanced", "none")


@dataclass(frozen=True)
class TrainingOptions:
    """The options of a training.

    Attributes
    ----------
    epochs : int, default=40
        Maximum number of epochs.
    batch_size : int, default=64
        Number of images in each training step.
    optimizer : {"adam", "adamw", "sgd"}, default="adam"
        The optimizer. AdamW uses a weight decay of 0.01.
    learning_rate : float, optional
        The highest learning rate of the schedule. By default 0.001 for Adam and AdamW, and 0.01 for SGD.
    momentum : float, default=0.9
        Nesterov momentum of SGD. Momentum is not used if it is 0.
    schedule : {"cosine", "plateau", "constant"}, default="cosine"
        Schedule of the learning rate. "cosine" increases it during `warmup` and then decreases it to 0 along half a
        cosine (Loshchilov and Hutter, "SGDR", 2017). "plateau" multiplies it by 0.3 whenever the validation loss has
        not improved for `plateau_patience` epochs.
    warmup : float, default=0.05
        Share of all steps in which the cosine schedule increases the learning rate.
    patience : int, optional
        Number of epochs without a better validation loss after which training stops. By default 8, except that the
        cosine schedule never stops early, since its learning rate reaches 0 at the last epoch.
    plateau_patience : int, optional
        Number of epochs without a better validation loss after which the plateau schedule lowers the learning rate. By
        default half of `patience`.
    steps_per_epoch : int, optional
        Number of training steps in each epoch, on images that are drawn anew for each epoch. By default, and at most,
        as many as are needed for all images.
    class_weight : {"balanced", None}, default="balanced"
        Whether the losses of train and validation weight the classes inversely to their frequency, as in scikit-learn.
    label_smoothing : float, default=0.0
        Share of each target that is spread evenly over all classes, in the loss that is minimised.
    augment : tuple of str, default=("light",)
        Augmentation of the training images, in the format of `Augmentation.parse`. An empty tuple turns it off.
    clean_epochs : float, default=0.2
        Share of the epochs at the end of a cosine schedule in which the training images are not augmented. The last
        updates then use images like those that the network will be given later, which improves the calibration.
    borrow : bool, default=True
        Whether a tenth of a large train split moves to a validation split that has fewer than 100 images.
    per_label : bool, default=False
        Whether each label of a multi-label task has a separately trained network. The networks are then combined into
        one model.
    mixed_precision : bool, default=False
        Whether to compute in float16 on a GPU. Variables stay in float32.
    fine_tuning : FineTuning, optional
        Options for fine-tuning. Only pretrained backbones accept them; their default is ``FineTuning()``.
    random_state : int, default=0
        Seed of the initial weights, the order of the images, the augmentation and dropout.

    Raises
    ------
    InputError
        If a name is unknown or a value is out of range.

    Examples
    --------
    >>> TrainingOptions(epochs=5, optimizer="sgd").momentum
    0.9
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
    class_weight: str | None = "balanced"
    label_smoothing: float = 0.0
    augment: tuple[str, ...] = ("light",)
    clean_epochs: float = 0.2
    borrow: bool = True
    per_label: bool = False
    mixed_precision: bool = False
    fine_tuning: FineTuning | None = None
    random_state: int = 0

    def __post_init__(self):
        object.__setattr__(self, "augment", tuple(self.augment))
        if self.class_weight == "none":  # as the command line and recipes say it
            object.__setattr__(self, "class_weight", None)
        for kind, name, known in (
            ("optimizer", self.optimizer, OPTIMIZERS),
            ("schedule", self.schedule, SCHEDULES),
            ("class weight", self.class_weight or "none", CLASS_WEIGHTS),
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
    def seed(self) -> int:
        """Former name of ``random_state``."""
        warnings.warn("The attribute 'seed' is called 'random_state' now.", FutureWarning, stacklevel=2)
        return self.random_state

    def to_dict(self) -> dict[str, Any]:
        """Return the options as records and identities of trainings hold them, by the names of the command line."""
        options = asdict(self)
        return options | {"seed": options.pop("random_state"), "class_weight": self.class_weight or "none"}

    @property
    def rate(self) -> float:
        """The highest learning rate."""
        return OPTIMIZERS[self.optimizer] if self.learning_rate is None else self.learning_rate

    @property
    def stops_after(self) -> int | None:
        """Number of epochs without a better validation loss after which training stops, or None if it never does."""
        return 8 if self.patience is None and self.schedule != "cosine" else self.patience

    @property
    def plateaus_after(self) -> int:
        """Number of epochs without a better validation loss after which the plateau schedule lowers the rate."""
        return self.plateau_patience or max((self.stops_after or 8) // 2, 1)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of the training. Only fine-tuning has more than one."""
        whole = Stage(0, self.epochs, self.rate)
        return self.fine_tuning.stages(self.epochs, self.rate) if self.fine_tuning else (whole,)

    @property
    def augmentation(self) -> Augmentation | None:
        """The augmentation of the training images, or None if there is none."""
        augmentation = Augmentation.parse(self.augment)
        return augmentation if augmentation.operations else None

    def augments(self, epoch: int) -> bool:
        """Return whether the training images are augmented in an epoch (0-based)."""
        clean = round(self.clean_epochs * self.epochs) if self.schedule == "cosine" else 0
        return epoch < self.epochs - clean


TrainingOptions.__init__ = renamed_parameters(seed="random_state")(TrainingOptions.__init__)  # type: ignore[method-assign]


@dataclass(frozen=True)
class Epoch:
    """The report of one epoch.

    Attributes
    ----------
    number : int
        Number of the epoch (1-based).
    scores : dict of str to float
        Scores of the epoch by the keys of `TrainedNetwork.history`.
    seconds : float
        Duration of the epoch in seconds.
    waiting : float
        Share of the time of the training steps in which the network waited for images.
    left : float
        Estimated number of seconds until the last possible epoch is finished.
    label : str, default=""
        Label whose network is being trained, if each label has its own network.
    """

    number: int
    scores: dict[str, float]
    seconds: float
    waiting: float
    left: float
    label: str = ""


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network and the record of its training.

    Attributes
    ----------
    model : keras.Model
        The network with the weights of the best epoch. It takes pixels from 0 to 255 and is not compiled.
    last : keras.Model
        The network with the weights of the last epoch.
    history : dict of str to list of float
        One value per epoch of ``loss`` and ``val_loss`` (the cross-entropy, weighted according to
        `TrainingOptions.class_weight`, without regularization and label smoothing), ``accuracy``, ``val_accuracy`` and
        ``learning_rate`` (at the end of the epoch). If each label has its own network, a dict of such histories by
        label.
    best_epoch : int or dict of str to int
        The epoch (1-based) with the lowest ``val_loss``. If each label has its own network, a dict by label.
    seconds : float
        Duration of all epochs in seconds, including those before an interruption.
    waiting : float, default=0.0
        Share of the time of the training steps in which the network waited for images.
    resumed : int, default=0
        Number of epochs that had been finished when the training was resumed.
    processor : float or None, default=None
        Duration of all epochs in processor seconds; None if it is not known.
    """

    model: "keras.Model"
    last: "keras.Model"
    history: dict[str, Any]
    best_epoch: int | dict[str, int]
    seconds: float
    waiting: float = 0.0
    resumed: int = 0
    processor: float | None = None

    @property
    def last_epoch(self) -> int | dict[str, int]:
        """The last epoch (1-based). If each label has its own network, a dict by label."""
        if isinstance(self.best_epoch, dict):
            return {label: len(history["loss"]) for label, history in self.history.items()}
        return len(self.history["loss"])
