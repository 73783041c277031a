"""Parse descriptions of networks: lists of lines, one for each layer. `layers` builds the networks with Keras.

==================================  ===================================================================================
conv FILTERS [SIZE] [words]         convolution; SIZE is ``5`` or ``5x3``, for example (default 3×3)
pool [SIZE] [words]                 maximum pooling (default size 2×2); ``avgpool`` for average pooling
norm                                batch normalization
dropout RATE                        dropout
residual FILTERS [stride N]         two 3×3 convolutions and a shortcut, pre-activation (He et al., "Identity Mappings
                                    in Deep Residual Networks", 2016)
activation NAME                     relu, elu, tanh, …
globalpool, globalmaxpool, flatten  convert a feature map to a vector
rows                                convert an image to a sequence; its rows are the time steps
lstm UNITS, gru UNITS [sequences]   recurrent layer; with ``sequences`` it has an output for each time step
dense UNITS [words]                 fully connected layer
standardize                         scale each image to mean 0 and standard deviation 1, whatever its brightness and
                                    contrast
output softmax, output sigmoid      the output layer (default softmax); with sigmoid, two classes share one output
==================================  ===================================================================================

Words for conv and pool: ``same`` padding (default ``valid``) and ``stride N`` (default 1; for a pool, its size). Words
for conv and dense: the NAME of an activation (default relu; ``linear`` for none) and ``nobias``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hybrid.errors import InputError, unknown_name

ACTIVATIONS = ("relu", "linear", "elu", "gelu", "leaky_relu", "selu", "sigmoid", "silu", "softplus", "tanh")
_WINDOW_WORDS = ("same", "valid", "stride")
_KERNEL_WORDS = (*ACTIVATIONS, "nobias")
_MAX_COUNT = 100_000
RESIDUAL_PARTS = ("norm_1", "relu_1", "shortcut", "conv_1", "norm_2", "relu_2", "conv_2")  # layers of a residual block


@dataclass(frozen=True)
class Layer:
    """One parsed line of a description.

    Attributes
    ----------
    kind : str
        A key of :data:`GRAMMAR`.
    amount : float
        Number of filters or units, or the dropout rate.
    size : (int, int)
        Height and width of the window of a convolution or a pool.
    padding : {"valid", "same"}
        Padding of a convolution or a pool.
    stride : int or None
        Stride of a convolution, a pool or a residual block; None for Keras's default.
    activation : str
        Name of the activation.
    bias : bool
        Whether the layer has a bias.
    sequences : bool
        Whether a recurrent layer has an output for each time step.
    """

    kind: str
    amount: float = 0
    size: tuple[int, int] = (0, 0)
    padding: str = "valid"
    stride: int | None = None
    activation: str = "linear"
    bias: bool = True
    sequences: bool = False


@dataclass(frozen=True)
class GrammarRule:
    """One row of the grammar.

    Attributes
    ----------
    example : str
        An example line for error messages.
    default : Layer
        The layer with the default of everything that a line may omit.
    has_amount : bool
        Whether the line begins with a number of filters or units, or a rate.
    words : tuple of str
        The words that the line may contain.
    """

    example: str
    default: Layer
    has_amount: bool = False
    words: tuple[str, ...] = ()


GRAMMAR: dict[str, GrammarRule] = {
    rule.default.kind: rule
    for rule in (
        GrammarRule(
            "conv 32 3 same relu", Layer("conv", 0, (3, 3), activation="relu"), True, (*_WINDOW_WORDS, *_KERNEL_WORDS)
        ),
        GrammarRule("pool 2", Layer("pool", 0, (2, 2)), words=_WINDOW_WORDS),
        GrammarRule("avgpool 2", Layer("avgpool", 0, (2, 2)), words=_WINDOW_WORDS),
        GrammarRule("norm", Layer("norm")),
        GrammarRule("dropout 0.5", Layer("dropout"), True),
        GrammarRule("residual 64 stride 2", Layer("residual"), True, ("stride",)),
        GrammarRule("activation relu", Layer("activation"), words=ACTIVATIONS),
        GrammarRule("globalpool", Layer("globalpool")),
        GrammarRule("globalmaxpool", Layer("globalmaxpool")),
        GrammarRule("flatten", Layer("flatten")),
        GrammarRule("rows", Layer("rows")),
        GrammarRule("lstm 128 sequences", Layer("lstm"), True, ("sequences",)),
        GrammarRule("gru 128 sequences", Layer("gru"), True, ("sequences",)),
        GrammarRule("dense 128 relu", Layer("dense", activation="relu"), True, _KERNEL_WORDS),
        GrammarRule("standardize", Layer("standardize")),
        GrammarRule("output sigmoid", Layer("output", activation="softmax"), words=("softmax", "sigmoid")),
    )
}


def parse_description(description: Sequence[str]) -> list[Layer]:
    """Parse the description of a network.

    Parameters
    ----------
    description : sequence of str
        Lines in the grammar of this module.

    Returns
    -------
    list of Layer
        The layers. Only the last one is of kind ``"output"``.

    Raises
    ------
    InputError
        If a line does not follow the grammar. The message shows the line and an example.

    Examples
    --------
    >>> [layer.kind for layer in parse_description(["conv 32 5x3 same", "flatten"])]
    ['conv', 'flatten', 'output']
    """
    if isinstance(description, str) or not all(isinstance(line, str) for line in description):
        raise InputError(
            'A network is a list of lines, one for each layer, such as ["conv 32 3", "pool 2", "flatten"].'
        )
    layers = [_parse(line, number) for number, line in enumerate(description, start=1)]
    if not layers or layers[-1].kind != "output":
        layers.append(GRAMMAR["output"].default)
    if any(layer.kind == "output" for layer in layers[:-1]):
        raise InputError("Only the last line of a network may be its output.")
    return layers


def with_dropout(layers: list[Layer], rate: float) -> list[Layer]:
    """Return the layers with another rate in every dropout layer.

    If there is no dropout layer, one is added before each dense layer and before the output. A rate of 0 removes all.
    """
    without_dropout = [layer for layer in layers if layer.kind != "dropout"]
    if not rate:
        return without_dropout
    dropout = Layer("dropout", rate)
    if len(without_dropout) < len(layers):
        return [dropout if layer.kind == "dropout" else layer for layer in layers]
    pairs = ([dropout, layer] if layer.kind in ("dense", "output") else [layer] for layer in layers)
    return [layer for pair in pairs for layer in pair]


def layer_names(layers: Sequence[Layer]) -> list[str]:
    """Return a name for each layer before the output: its kind and number, or "features" for the last one.

    The names do not depend on networks that were built earlier. A dropout layer at the end is not counted as the last.
    """
    counts: dict[str, int] = {}
    names = []
    for layer in layers:
        counts[layer.kind] = counts.get(layer.kind, 0) + 1
        names.append(f"{layer.kind}_{counts[layer.kind]}")
    last = max((number for number, layer in enumerate(layers) if layer.kind != "dropout"), default=None)
    if last is not None:
        names[last] = "features"
    return names


def _parse(line: str, number: int) -> Layer:
    kind, *tokens = line.lower().replace("×", "x").split() or [""]
    if kind not in GRAMMAR:
        raise unknown_name(f"layer in line {number},", kind, GRAMMAR, f"An example: {GRAMMAR['conv'].example!r}.")
    rule = GRAMMAR[kind]
    try:
        values: dict[str, Any] = {"amount": _amount(kind, tokens.pop(0))} if rule.has_amount else {}
        if rule.default.size[0] and tokens and tokens[0][:1].isdigit():
            values["size"] = _size(tokens.pop(0))
        return replace(rule.default, **values, **_words(tokens, rule.words))
    except (ValueError, IndexError):
        raise InputError(
            f"Line {number} of the network, {line!r}, cannot be read; expected something like {rule.example!r}."
        ) from None


def _amount(kind: str, text: str) -> float:
    if kind != "dropout":
        return _count(text)
    if not 0 < float(text) < 1:
        raise ValueError(text)
    return float(text)


def _count(text: str) -> int:
    if not 1 <= int(text) <= _MAX_COUNT:
        raise ValueError(text)
    return int(text)


def _size(text: str) -> tuple[int, int]:
    height, cross, width = text.partition("x")
    return _count(height), _count(width if cross else height)


def _words(tokens: list[str], known: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    words = iter(tokens)
    for word in words:
        if word not in known:
            raise ValueError(word)
        if word == "stride":
            values["stride"] = _count(next(words, ""))
        elif word in ("sequences", "nobias"):
            values |= {"sequences": True} if word == "sequences" else {"bias": False}
        else:
            values["padding" if word in _WINDOW_WORDS else "activation"] = word
    return values
