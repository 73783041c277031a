"""Specifications of pretrained backbones to fine-tune, which `new_output` builds with a new output layer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hybrid.errors import InputError, unknown_name
from hybrid.extractors.backbones.custom import Architecture, Shape
from hybrid.extractors.backbones.network_files import network_digest
from hybrid.extractors.backbones.parameters import resolve_weights
from hybrid.extractors.backbones.table import BackboneSpec, parse_backbone
from hybrid.extractors.runtimes.keras_import import import_keras

if TYPE_CHECKING:
    import keras

_OPTIONS = {"dropout": 0.2, "l2": 0.0}  # of the new output


@dataclass(frozen=True)
class Pretrained:
    """The specification of a pretrained backbone to fine-tune, with the interface of `Architecture`.

    Parameters
    ----------
    name : str
        The backbone as users write it, such as ``"mobilenet:alpha=0.25"``.
    weights : str, default="auto"
        ``"imagenet"``, ``"random"`` or a weights file. ``"auto"`` is ``"imagenet"``.
    given : mapping, optional
        Options of the new output: the ``dropout`` rate before it (default 0.2) and its ``l2`` penalty (default 0).

    Raises
    ------
    InputError
        If an option is unknown or out of range.

    Examples
    --------
    >>> Pretrained("mobilenet:alpha=0.25").input_shape(160)
    (160, 160, 3)
    """

    name: str
    weights: str = "auto"
    given: Mapping[str, float] = field(default_factory=dict)
    description: ClassVar[None] = None

    def __post_init__(self):
        for option in self.given:
            if option not in _OPTIONS:
                raise unknown_name(f"option of {self.name}", option, _OPTIONS)
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout={self.dropout} was given for {self.name}; expected a rate from 0 to below 1.")
        if not self.l2 >= 0:
            raise InputError(f"l2={self.l2} was given for {self.name}; expected a penalty of 0 or more.")

    @property
    def spec(self) -> BackboneSpec:
        """The parsed name of the backbone."""
        return parse_backbone(self.name)

    @property
    def dropout(self) -> float:
        """Dropout rate before the new output."""
        return self.given.get("dropout", _OPTIONS["dropout"])

    @property
    def l2(self) -> float:
        """L2 penalty on the kernel of the new output."""
        return self.given.get("l2", _OPTIONS["l2"])

    @property
    def label(self) -> str:
        """The backbone as users write it, including its options."""
        return self.spec.name

    @property
    def options(self) -> dict[str, Any]:
        """Everything else that the trained weights depend on, as JSON values; a weights file is given by its digest."""
        weights = resolve_weights(self.weights, self.spec)
        if weights not in ("imagenet", "random"):
            weights = network_digest(Path(weights))
        return {"weights": weights, "dropout": self.dropout, "l2": self.l2}

    def input_shape(self, size: int | tuple[int, int] | None) -> Shape:
        """Return height, width and channels of the input. Without a size, it is the backbone's default."""
        assert self.spec.row is not None
        size = size or self.spec.row.size
        height, width = (size, size) if isinstance(size, int) else size
        return height, width, 3

    def lines(self, input_shape: Shape) -> tuple[str, ...]:
        """Return the lines that describe the network."""
        weights = f"weights {self.options['weights']}"
        return f"backbone {self.label}", weights, "globalpool", f"dropout {self.dropout}", f"output, l2 {self.l2}"

    def check_files(self) -> None:
        """Check the weights file, if there is one, without importing Keras.

        Raises
        ------
        InputError
            If there is no such file, or it is damaged, or of another kind.
        """
        weights = resolve_weights(self.weights, self.spec)
        if weights not in ("imagenet", "random"):
            from hybrid.extractors.backbones.weights_file import check_weights_file  # imports h5py
            from hybrid.extractors.backbones.weights_fit import check_weights_fit

            check_weights_file(Path(weights))
            check_weights_fit(self.spec, Path(weights))

    def build(self, input_shape: Shape, n_outputs: int, multilabel: bool = False) -> "keras.Model":
        """Build the network with an untrained output, without compiling it.

        The parameters are those of `hybrid.extractors.backbones.new_output.build_pretrained`.

        Raises
        ------
        InputError
            If the backbone cannot be built for this input, or its weights are not available or do not fit.
        """
        self.check_files()
        import_keras()
        from hybrid.extractors.backbones.new_output import build_pretrained

        return build_pretrained(
            self.spec,
            resolve_weights(self.weights, self.spec),
            input_shape,
            n_outputs,
            multilabel,
            dropout=self.dropout,
            l2=self.l2,
        )


Trainable = Architecture | Pretrained


def parse_trainable(text: str, weights: str = "auto", options: Mapping[str, float] | None = None) -> Trainable:
    """Return the specification of a network to train: a custom network, or a pretrained backbone to fine-tune.

    Parameters
    ----------
    text : str
        The network as users write it, such as ``"resnet_small:width=16"`` or ``"mobilenet:alpha=0.25"``.
    weights : str, default="auto"
        Weights of a pretrained backbone.
    options : mapping, optional
        The options ``dropout`` and ``l2``. By default those of the network.

    Raises
    ------
    InputError
        If there is no such network, an option is out of range, or weights are given for a custom network.
    """
    spec = parse_backbone(text)
    if spec.row is None:
        raise InputError(f"{text!r} cannot be trained further; give the name of a custom or a pretrained backbone.")
    if spec.row.kind == "pretrained":
        return Pretrained(text, weights, options or {})
    if weights != "auto":
        raise InputError(f"weights={weights!r} was given for {spec.name}, which is trained from scratch: leave it out.")
    architecture = Architecture.parse(text)
    return Architecture(architecture.name, architecture.description, {**architecture.options, **(options or {})})
