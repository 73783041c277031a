"""Networks described in words: a list of lines, one a layer. Read here, without Keras; built in `layers`.

==================================  ===================================================================================
conv FILTERS [SIZE] [words]         convolution, 3×3 if no SIZE is given (``5`` or ``5x3``)
pool [SIZE] [words]                 maximum of each 2×2, or SIZE; ``avgpool`` for the mean
norm                                batch normalization
dropout RATE                        dropout
residual FILTERS [stride N]         two 3×3 convolutions and a shortcut, pre-activation (He et al., "Identity Mappings
                                    in Deep Residual Networks", 2016)
activation NAME                     relu, elu, tanh, …
globalpool, globalmaxpool, flatten  from a feature map to a row
rows                                from an image to its rows as time steps
lstm UNITS, gru UNITS [sequences]   recurrent; with ``sequences`` an output for each time step
dense UNITS [NAME]                  fully connected
standardize                         each image to mean 0 and spread 1: its brightness and contrast no longer matter
output softmax, output sigmoid      the classes; if it is left out, softmax. With sigmoid, two classes have one output
==================================  ===================================================================================

Words of conv and pool: ``same`` (padding; ``valid`` if it is not said), ``stride N`` (1; a pool's is its size). Of conv
and dense: the NAME of an activation (relu if it is not said; ``linear`` for none), ``nobias``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hybrid.errors import InputError, unknown_name

ACTIVATIONS = ("relu", "linear", "elu", "gelu", "leaky_relu", "selu", "sigmoid", "silu", "softplus", "tanh")
_PLACED = ("same", "valid", "stride")
_KERNEL = (*ACTIVATIONS, "nobias")
_MOST = 100_000


@dataclass(frozen=True)
class Layer:
    """One line of a description, read.

    Attributes
    ----------
    kind : str
        A key of :data:`GRAMMAR`.
    amount : float
        Filters, units, or the rate of dropout.
    size : (int, int)
        Height and width of the window of a convolution or a pool.
    padding : {"valid", "same"}
    stride : int or None
    activation : str
    bias : bool
    sequences : bool
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
        What an error shows.
    default : Layer
        With what a line may leave out.
    has_amount : bool
        Whether the line's first number is filters, units or a rate.
    words : tuple of str
        That the line may have.
    """

    example: str
    default: Layer
    has_amount: bool = False
    words: tuple[str, ...] = ()


GRAMMAR: dict[str, GrammarRule] = {
    rule.default.kind: rule
    for rule in (
        GrammarRule("conv 32 3 same relu", Layer("conv", 0, (3, 3), activation="relu"), True, (*_PLACED, *_KERNEL)),
        GrammarRule("pool 2", Layer("pool", 0, (2, 2)), words=_PLACED),
        GrammarRule("avgpool 2", Layer("avgpool", 0, (2, 2)), words=_PLACED),
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
        GrammarRule("dense 128 relu", Layer("dense", activation="relu"), True, _KERNEL),
        GrammarRule("standardize", Layer("standardize")),
        GrammarRule("output sigmoid", Layer("output", activation="softmax"), words=("softmax", "sigmoid")),
    )
}


def parse_description(description: Sequence[str]) -> list[Layer]:
    """Read a description.

    Parameters
    ----------
    description : sequence of str
        Lines in the grammar of this module.

    Returns
    -------
    list of Layer
        The last one, and no other, is of the kind ``"output"``.

    Raises
    ------
    InputError
        If a line is not in the grammar: which one, with an example of what it may be.

    Examples
    --------
    >>> [layer.kind for layer in parse_description(["conv 32 5x3 same", "flatten"])]
    ['conv', 'flatten', 'output']
    """
    if isinstance(description, str) or not all(isinstance(line, str) for line in description):
        raise InputError('A network is a list of lines, one a layer, such as ["conv 32 3", "pool 2", "flatten"].')
    found = [_parse(line, number) for number, line in enumerate(description, start=1)]
    if not found or found[-1].kind != "output":
        found.append(GRAMMAR["output"].default)
    if any(layer.kind == "output" for layer in found[:-1]):
        raise InputError("The output must be the last line of a network, and only there.")
    return found


def with_dropout(layers: list[Layer], rate: float) -> list[Layer]:
    """Return the layers with that rate in every dropout; without one, before each dense layer and the output."""
    kept = [layer for layer in layers if layer.kind != "dropout"]
    if not rate:
        return kept
    new = Layer("dropout", rate)
    if len(kept) < len(layers):
        return [new if layer.kind == "dropout" else layer for layer in layers]
    return [one for layer in layers for one in ([new, layer] if layer.kind in ("dense", "output") else [layer])]


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
    if not 1 <= int(text) <= _MOST:
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
            values["padding" if word in _PLACED else "activation"] = word
    return values
