"""The custom networks and their options; `hybrid.extractors.backbones.description` explains the descriptions.

A new one is an entry in :data:`NETWORKS` and a row in `hybrid.extractors.backbones.table`.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hybrid.errors import InputError, unknown_name
from hybrid.extractors.backbones.description import parse_description
from hybrid.extractors.backbones.table import parse_backbone
from hybrid.extractors.runtimes.keras_import import import_keras

if TYPE_CHECKING:
    import keras

Shape = tuple[int, int, int]

_OPTIONS = {  # of every network: whether a value will do, and what an error says that was expected
    "dropout": (lambda value: _is_number(value) and 0 <= value < 1, "a rate from 0 to below 1"),
    "l2": (lambda value: _is_number(value) and value >= 0, "a penalty of 0 or more"),
    "standardize": (lambda value: isinstance(value, bool), "true or false"),
}


@dataclass(frozen=True)
class Architecture:
    """A custom network, not yet built: one of the table, or a user's own description.

    Parameters
    ----------
    name : str
        A key of :data:`NETWORKS`, or any name for a network of one's own.
    description : sequence of str, optional
        The lines of a network of one's own.
    options : mapping, optional
        ``dropout`` and ``l2`` of any network, as for `layers.build_described`; ``standardize``, to bring each image to
        mean 0 and spread 1 first, where brightness and contrast mean nothing; and what the function in the table takes.

    Raises
    ------
    InputError
        If a line is not in the grammar, or an option is unknown or out of its range.

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
            raise unknown_name("custom backbone", self.name, NETWORKS, "A pretrained backbone is used as it is.")
        for option, value in self.options.items():
            self._check(option, value)

    @classmethod
    def parse(cls, text: str) -> "Architecture":
        """Read a custom backbone as users write it, such as ``"convnet_bn:dropout=0.3,l2=0.001"``."""
        spec = parse_backbone(text)
        return cls(spec.name if spec.row is None else spec.row.name, None, spec.options)

    @property
    def label(self) -> str:
        """The network as users write it, options included."""
        options = ",".join(f"{key}={value}" for key, value in sorted(self.options.items()))
        return self.name + (f":{options}" if options else "")

    def lines(self, input_shape: Shape) -> tuple[str, ...]:
        """Return the description for images of (height, width, channels)."""
        found = NETWORKS[self.name] if self.description is None else self.description
        if callable(found):
            found = found(input_shape, **{key: value for key, value in self.options.items() if key not in _OPTIONS})
        return (*(["standardize"] if self.options.get("standardize") else []), *found)

    def build(self, input_shape: Shape, n_outputs: int, multilabel: bool = False) -> "keras.Model":
        """Return the network, not compiled; parameters and errors are those of `layers.build_described`."""
        import_keras()
        from hybrid.extractors.backbones.layers import build_described

        common = {key: value for key, value in self.options.items() if key in ("dropout", "l2")}
        return build_described(self.lines(input_shape), input_shape, n_outputs, multilabel, name=self.name, **common)

    def _check(self, option: str, value: Any) -> None:
        describe = NETWORKS[self.name] if self.description is None else None
        own = list(inspect.signature(describe).parameters)[1:] if callable(describe) else []
        if option not in (*_OPTIONS, *own):
            raise unknown_name(f"option of {self.name}", option, [*_OPTIONS, *own])
        suits, expected = _OPTIONS.get(option, (_is_count, "a whole number of 1 or more"))
        if not suits(value):
            raise InputError(f"{option}={value} was given for {self.name}; expected {expected}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def resnet_small(input_shape: Shape, width: int = 32, blocks: int = 1) -> list[str]:
    """Describe a residual net for 8 to 96 pixels: three stages of `width`, twice and four times as many filters.

    From 48 pixels on, the first convolution has stride 2.
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
    # 28×28, of MedMNIST
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
    # 64×64, of three labels on every scan
    "convnet_wide": ("conv 256 3", "pool 3", "flatten", "dense 256"),
    "convnet_strided": (
        *("conv 25 3 same", "pool 2", "conv 50 3 same stride 2", "pool 2", "norm"),
        *("conv 70 3 same stride 2", "pool 2", "norm", "flatten", "dense 100", "dense 100", "dropout 0.5"),
    ),
    "convnet_growing": (  # after its last pooling the source is silent
        *("conv 50 3 same", "conv 75 3 same", "pool 2", "dropout 0.25", "conv 125 3 same", "pool 2"),
        *("dropout 0.25", "flatten", "dense 128", "dropout 0.5"),
    ),
    "convnet_5x5": ("conv 32 5", "pool 5", "conv 64 5", "pool 5", "flatten", "dense 1024", "dropout 0.5"),
    "convnet_double": (  # after its last pooling the source is silent
        *_double(32),
        *_double(64),
        *_double(128),
        *("conv 512 3 same", "conv 512 5", "pool 2", "dropout 0.25", "flatten", "dense 512", "dropout 0.5"),
    ),
    "lstm_rows": ("rows", "lstm 128 sequences", "lstm 128 sequences", "flatten", "dense 64"),
    "dense_256_256": ("flatten", "dense 256", "dense 256"),
    "dense_256_100": ("flatten", "dense 256", "dense 100", "dropout 0.5", "norm"),
    # 150×150, of chest X-rays; the source gives no numbers of filters and units
    "convnet_six_blocks": (
        *(line for filters in (32, 64, 64, 128, 128, 256) for line in _pooled(filters)),
        *("dropout 0.2", "flatten", "dense 128", "dropout 0.2", "dense 64", "dropout 0.2", "output sigmoid"),
    ),
    # 224×224, of chest X-rays
    "dense_128": ("flatten", "dense 128", "output sigmoid"),
    "dense_64_64_64": ("flatten", "dense 64", "dense 64", "dense 64", "output sigmoid"),
    "convnet_unpooled": ("conv 128 3", "conv 64 3", "conv 32 3", "flatten", "output sigmoid"),
    "convnet_dropout": (
        *("conv 32 3", "conv 64 3", "pool 2", "dropout 0.25", "conv 128 3", "pool 2", "dropout 0.25"),
        *("flatten", "dense 64", "dropout 0.5", "output sigmoid"),
    ),
    # 64×64, of chest X-rays; the source gives only how many convolutions and dense layers, the output among them
    "convnet_three_pairs": (*_pair(32), *_pair(64), *_pair(128), "flatten", "dense 128", "output sigmoid"),
    "convnet_four_pairs": (
        *(*_pair(32), *_pair(64), *_pair(128), *_pair(256)),
        *("flatten", "dense 256", "dense 128", "output sigmoid"),
    ),
}
