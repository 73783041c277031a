"""The custom networks and their options. `hybrid.extractors.backbones.description` explains the layer descriptions.

To add a network, add an entry to :data:`NETWORKS` and a row to `hybrid.extractors.backbones.table`.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hybrid.errors import InputError, unknown_name
from hybrid.extractors.backbones.description import RESIDUAL_PARTS, layer_names, parse_description, with_dropout
from hybrid.extractors.backbones.table import parse_backbone
from hybrid.extractors.runtimes.keras_import import import_keras

if TYPE_CHECKING:
    import keras

Shape = tuple[int, int, int]

_OPTIONS = {  # options of every network: a check of the value, and the expected value for error messages
    "dropout": (lambda value: _is_number(value) and 0 <= value < 1, "a rate from 0 to below 1"),
    "l2": (lambda value: _is_number(value) and value >= 0, "a penalty of 0 or more"),
    "standardize": (lambda value: isinstance(value, bool), "true or false"),
}
_MOST = {"width": 4096, "blocks": 100}  # larger numbers would need very much memory or time


@dataclass(frozen=True)
class Architecture:
    """The specification of a custom network: one of the table, or the user's own description.

    Parameters
    ----------
    name : str
        A key of :data:`NETWORKS`, or any name for the user's own network.
    description : sequence of str, optional
        The lines that describe the user's own network. By default the network is looked up by its name.
    options : mapping, optional
        ``dropout`` and ``l2`` as for `layers.build_described`; ``standardize`` to scale each image to mean 0 and
        standard deviation 1 first, which is useful if brightness and contrast carry no information; and the parameters
        of the network's function in :data:`NETWORKS`, if it is one.

    Raises
    ------
    InputError
        If a line does not follow the grammar, or an option is unknown or out of range.

    Examples
    --------
    >>> Architecture.parse("resnet_small:width=16").options
    {'width': 16}
    >>> Architecture("mine", ["conv 32", "globalpool"]).lines((28, 28, 1))
    ('conv 32', 'globalpool')
    """

    name: str
    description: Sequence[str] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        if self.description is not None:
            parse_description(self.description)
        elif self.name not in NETWORKS:
            raise unknown_name(
                "custom backbone", self.name, NETWORKS, "A pretrained backbone has a fixed architecture."
            )
        for option, value in self.options.items():
            self._check(option, value)

    @classmethod
    def parse(cls, text: str) -> "Architecture":
        """Return the custom network that users write as, for example, ``"convnet_bn:dropout=0.3,l2=0.001"``."""
        spec = parse_backbone(text)
        return cls(spec.name if spec.row is None else spec.row.name, None, spec.options)

    @property
    def label(self) -> str:
        """The network as users write it, including its options."""
        options = ",".join(f"{key}={value}" for key, value in sorted(self.options.items()))
        return self.name + (f":{options}" if options else "")

    def lines(self, input_shape: Shape) -> tuple[str, ...]:
        """Return the lines of the network's description for images of shape (height, width, channels)."""
        described = NETWORKS[self.name] if self.description is None else self.description
        if callable(described):
            own_options = {key: value for key, value in self.options.items() if key not in _OPTIONS}
            described = described(input_shape, **own_options)
        return (*(["standardize"] if self.options.get("standardize") else []), *described)

    def layer_names(self, input_shape: Shape) -> list[str]:
        """Return the names of the network's layers, and of some that only other sizes or options add."""
        described = parse_description(self.lines(input_shape))
        if "dropout" in self.options:
            described = with_dropout(described, self.options["dropout"])
        *hidden, _ = described
        names = ["pixels", "rescaling", "probabilities"]
        for layer, name in zip(hidden, layer_names(hidden), strict=True):
            names += [name, *(f"{name}_{part}" for part in RESIDUAL_PARTS if layer.kind == "residual")]
        return names

    def build(self, input_shape: Shape, n_outputs: int, multilabel: bool = False) -> "keras.Model":
        """Build the network without compiling it; parameters and errors are those of `layers.build_described`."""
        import_keras()
        from hybrid.extractors.backbones.layers import build_described

        common = {key: value for key, value in self.options.items() if key in ("dropout", "l2")}
        return build_described(self.lines(input_shape), input_shape, n_outputs, multilabel, name=self.name, **common)

    def _check(self, option: str, value: Any) -> None:
        describe = NETWORKS[self.name] if self.description is None else None
        parameters = list(inspect.signature(describe).parameters)[1:] if callable(describe) else []
        if option not in (*_OPTIONS, *parameters):
            raise unknown_name(f"option of {self.name}", option, [*_OPTIONS, *parameters])
        most = _MOST.get(option, 1000)
        is_valid, expected = _OPTIONS.get(
            option, (lambda value: _is_count(value) and value <= most, f"a whole number from 1 to {most:,}")
        )
        if not is_valid(value):
            raise InputError(f"{option}={value} was given for {self.name}; expected {expected}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def resnet_small(input_shape: Shape, width: int = 32, blocks: int = 1) -> list[str]:
    """Return the description of a residual network for images of 8 to 96 pixels.

    It has three stages with `width`, 2 `width` and 4 `width` filters. For images of 48 pixels or more, the first
    convolution has stride 2.

    Parameters
    ----------
    input_shape : (int, int, int)
        Height, width and channels of the images.
    width : int, default=32
        Number of filters of the first stage.
    blocks : int, default=1
        Number of residual blocks in each stage.
    """
    first = 2 if min(input_shape[:2]) >= 48 else 1
    lines = [f"conv {width} 3 same stride {first} linear nobias"]
    for stage in range(3):
        for block in range(blocks):
            lines.append(f"residual {width * 2**stage} stride {2 if stage and not block else 1}")
    return [*lines, "norm", "activation relu", "globalpool", "dropout 0.2"]


def _pair(filters: int) -> tuple[str, ...]:
    return (f"conv {filters} 3 same", f"conv {filters} 3 same", "pool 2")


def _double(filters: int) -> tuple[str, ...]:
    return (f"conv {filters} 3 same", f"conv {filters} 3", "pool 2", "dropout 0.25")


def _pooled(filters: int) -> tuple[str, ...]:
    return (f"conv {filters} 3 same", "pool 2", "norm")


NETWORKS: dict[str, Sequence[str] | Callable[..., list[str]]] = {
    "resnet_small": resnet_small,
    # published networks for the 28×28 images of MedMNIST
    "convnet_small": ("conv 32 3", "pool 2", "conv 32 3", "pool 2", "flatten"),
    "dense_128_64": ("flatten", "dense 128", "dropout 0.3", "dense 64", "dropout 0.3", "output sigmoid"),
    "convnet_bn": (
        *("conv 32 3", "norm", "pool 2", "dropout 0.3"),
        *("conv 64 3", "norm", "pool 2", "dropout 0.4"),
        *("flatten", "dense 128", "dropout 0.5", "output sigmoid"),
    ),
    "convnet_bn_deep": (
        *("conv 32 3", "norm", "pool 2", "dropout 0.3"),
        *("conv 64 3", "norm", "pool 2", "dropout 0.4"),
        *("conv 128 3", "norm", "pool 2", "dropout 0.5"),
        *("flatten", "dense 256", "dropout 0.5"),
    ),
    # published networks for 64×64 scans with three labels each
    "convnet_wide": ("conv 256 3", "pool 3", "flatten", "dense 256"),
    "convnet_strided": (
        *("conv 25 3 same", "pool 2", "conv 50 3 same stride 2", "pool 2", "norm"),
        *("conv 70 3 same stride 2", "pool 2", "norm", "flatten", "dense 100", "dense 100", "dropout 0.5"),
    ),
    "convnet_growing": (  # the source does not give the layers after the last pooling
        *("conv 50 3 same", "conv 75 3 same", "pool 2", "dropout 0.25", "conv 125 3 same", "pool 2"),
        *("dropout 0.25", "flatten", "dense 128", "dropout 0.5"),
    ),
    "convnet_5x5": ("conv 32 5", "pool 5", "conv 64 5", "pool 5", "flatten", "dense 1024", "dropout 0.5"),
    "convnet_double": (  # the source does not give the layers after the last pooling
        *_double(32),
        *_double(64),
        *_double(128),
        *("conv 512 3 same", "conv 512 5", "pool 2", "dropout 0.25", "flatten", "dense 512", "dropout 0.5"),
    ),
    "lstm_rows": ("rows", "lstm 128 sequences", "lstm 128 sequences", "flatten", "dense 64"),
    "dense_256_256": ("flatten", "dense 256", "dense 256"),
    "dense_256_100": ("flatten", "dense 256", "dense 100", "dropout 0.5", "norm"),
    # a published network for 150×150 chest X-rays; the source does not give the numbers of filters and units
    "convnet_six_blocks": (
        *(line for filters in (32, 64, 64, 128, 128, 256) for line in _pooled(filters)),
        *("dropout 0.2", "flatten", "dense 128", "dropout 0.2", "dense 64", "dropout 0.2", "output sigmoid"),
    ),
    # published networks for 224×224 chest X-rays
    "dense_128": ("flatten", "dense 128", "output sigmoid"),
    "dense_64_64_64": ("flatten", "dense 64", "dense 64", "dense 64", "output sigmoid"),
    "convnet_unpooled": ("conv 128 3", "conv 64 3", "conv 32 3", "flatten", "output sigmoid"),
    "convnet_dropout": (
        *("conv 32 3", "conv 64 3", "pool 2", "dropout 0.25", "conv 128 3", "pool 2", "dropout 0.25"),
        *("flatten", "dense 64", "dropout 0.5", "output sigmoid"),
    ),
    # published networks for 64×64 chest X-rays; the source gives only the numbers of convolutions and of dense layers,
    # including the output
    "convnet_three_pairs": (*_pair(32), *_pair(64), *_pair(128), "flatten", "dense 128", "output sigmoid"),
    "convnet_four_pairs": (
        *(*_pair(32), *_pair(64), *_pair(128), *_pair(256)),
        *("flatten", "dense 256", "dense 128", "output sigmoid"),
    ),
}
