"""Convert the network of an extractor to ONNX, from uint8 pixels to a float32 embedding."""

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

OPSET = 15  # the newest version for which tf2onnx supports all operations


def to_onnx(extractor: Extractor) -> "onnx.ModelProto":
    """Return the graph of an extractor, converted by Keras and tf2onnx.

    Parameters
    ----------
    extractor : Extractor
        An extractor with ``precision="float32"``.

    Returns
    -------
    onnx.ModelProto
        A model of opset 15 with one input, uint8 of shape (n, height, width, channels), and one output, float32 of
        shape (n, width).

    Raises
    ------
    InputError
        If the extractor computes in a lower precision, or an operation of its network cannot be converted.
    """
    import onnx

    identity, backbone = extractor.resolve(), str(extractor.backbone)
    if (precision := identity.fields["precision"]) != "float32":
        raise InputError(
            f"The embeddings of {backbone!r} are computed in {precision}, which ONNX Runtime rounds differently. "
            "Extract them in float32 and fit the model again."
        )
    model = extractor._checked_graph(identity).model
    try:
        with tempfile.TemporaryDirectory() as folder, _quietly(), _constants_inside(model):
            path = Path(folder) / "network.onnx"
            _convert(model, path)
            network = onnx.load(path)
    except Exception as error:  # the converter can raise any exception
        reason = reason_of(error)
        raise InputError(f"The network of {backbone!r} cannot be converted to ONNX: {reason}") from error
    if len(network.graph.input) != 1:
        extra = ", ".join(value.name for value in network.graph.input[1:])
        raise InputError(
            f"The network of {backbone!r} cannot be converted to ONNX: the values of {extra} would be lost."
        )
    return network


def _convert(model: "keras.Model", path: Path) -> None:
    import keras

    pixels = keras.InputSpec(shape=model.input_shape, dtype="uint8", name="pixels")
    model.export(str(path), format="onnx", verbose=False, input_signature=[pixels], opset_version=OPSET)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Send what the converters print to standard error, and hide their warnings."""
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
    """Replace tensors of the network that are not weights by arrays, which become constants of the graph.

    Otherwise they would become inputs of the graph. They are the statistics of Normalization layers and the constants
    in Keras's own preprocessing.
    """
    originals = [(holder, name, getattr(holder, name)) for holder, name in _holders(model)]
    for holder, name, value in originals:
        setattr(holder, name, _as_arrays(value))
    try:
        yield
    finally:
        for holder, name, value in originals:
            setattr(holder, name, value)


def _holders(model: "keras.Model") -> Iterator[tuple[Any, str]]:
    """Yield objects of a network, and names of their attributes, that may hold tensors other than weights."""
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

    def as_array(item: Any) -> Any:
        is_value = keras.ops.is_tensor(item) and not isinstance(item, keras.KerasTensor)
        return keras.ops.convert_to_numpy(item) if is_value else item

    return keras.tree.map_structure(as_array, value)
