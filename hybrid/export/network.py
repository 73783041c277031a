"""An extractor's graph in ONNX: uint8 pixels in, float32 embedding out."""

import contextlib
import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid.errors import InputError, reason_of
from hybrid.extractors.extractor import Extractor

if TYPE_CHECKING:
    import keras
    import onnx

OPSET = 15  # the newest that tf2onnx translates everything to


def to_onnx(extractor: Extractor) -> "onnx.ModelProto":
    """Return an extractor's graph, as Keras and tf2onnx translate it.

    Parameters
    ----------
    extractor : Extractor
        In float32.

    Returns
    -------
    onnx.ModelProto
        Of opset 15, with one input, uint8 (n, height, width, channels), and one output, float32 (n, width).

    Raises
    ------
    InputError
        If the extractor computes in lower precision, or its network has an operation that cannot be translated.
    """
    import onnx

    identity, backbone = extractor.resolve(), str(extractor.backbone)
    if (precision := identity.fields["precision"]) != "float32":
        raise InputError(
            f"The embeddings of {backbone!r} are computed in {precision}, which ONNX Runtime rounds in its own way: "
            "extract them in float32 and fit again."
        )
    model = extractor._checked_graph(identity).model
    try:
        with tempfile.TemporaryDirectory() as folder, _quietly(), _constants_inside(model):
            path = Path(folder) / "network.onnx"
            _translate(model, path)
            network = onnx.load(path)
    except Exception as error:  # the translator fails in any way it likes
        reason = reason_of(error)
        raise InputError(f"The network of {backbone!r} cannot be translated to ONNX: {reason}") from error
    if len(network.graph.input) != 1:
        foreign = ", ".join(value.name for value in network.graph.input[1:])
        raise InputError(f"The network of {backbone!r} cannot be translated to ONNX: {foreign} would be lost.")
    return network


def _translate(model: "keras.Model", path: Path) -> None:
    import keras

    pixels = keras.InputSpec(shape=model.input_shape, dtype="uint8", name="pixels")
    model.export(str(path), format="onnx", verbose=False, input_signature=[pixels], opset_version=OPSET)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep what the translators print off the standard output, and their remarks on themselves to themselves."""
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@contextlib.contextmanager
def _constants_inside(model: "keras.Model") -> Iterator[None]:
    """Have tensors that the network holds translated as constants, where they would become inputs of the graph.

    Those are the statistics of Normalization layers, and what Keras's own preprocessing adds to the pixels.
    """
    kept = [(holder, name, getattr(holder, name)) for holder, name in _holders(model)]
    for holder, name, value in kept:
        setattr(holder, name, _as_arrays(value))
    try:
        yield
    finally:
        for holder, name, value in kept:
            setattr(holder, name, value)


def _holders(model: "keras.Model") -> Iterator[tuple[Any, str]]:
    """Yield the objects in a network that may hold tensors which are no weights, and their attributes' names."""
    import keras

    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Normalization):
            yield layer, "mean"
            yield layer, "variance"
        for operation in getattr(layer, "operations", ()):
            for node in operation._inbound_nodes:
                yield node.arguments, "args"
                yield node.arguments, "kwargs"


def _as_arrays(value: Any) -> Any:
    import keras

    def as_array(one: Any) -> Any:
        is_value = keras.ops.is_tensor(one) and not isinstance(one, keras.KerasTensor)
        return keras.ops.convert_to_numpy(one) if is_value else one

    return keras.tree.map_structure(as_array, value)
