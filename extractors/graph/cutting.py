"""Cut a functional Keras network at any layer by name, also inside nested models.

The tensors of a network are found by following its graph backwards from its outputs. Layers that are shared with other
models, or that do not contribute to the outputs, therefore cause no confusion.
"""

from collections.abc import Iterator

import keras

from hybrid.errors import InputError, unknown_name
from hybrid.extractors.backbones.options import PENULTIMATE
from hybrid.extractors.graph.ending import Ending, ending_of
from hybrid.extractors.graph.tensors import has_graph, operation_of, operations_of, parents_of, tensors_of


def cut(network: keras.Model, names: list[str]) -> keras.Model:
    """Return the part of a network that ends at the named layers.

    Parameters
    ----------
    network : keras.Model
        A functional or a built sequential model.
    names : list of str
        Names of layers: ``"outer/inner"`` or just ``"inner"`` for a layer of a nested model, ``"penultimate"`` for the
        layer before the classification layer. :func:`resolve_layer` returns the layer that a name stands for.

    Returns
    -------
    keras.Model
        A model from the network's input to a list with one tensor for each name. It shares the network's weights.

    Raises
    ------
    InputError
        If a name is unknown or ambiguous, or the network has no graph to cut.
    """
    check_cuttable(network)
    paths = [tuple(resolve_layer(network, name).split("/")) for name in names]
    return _cut(network, paths)


def check_cuttable(network: keras.Model) -> None:
    """Raise `InputError` if a network is subclassed, not built, or has more than one input."""
    if not has_graph(network):
        raise InputError(
            f"The network {network.name!r} ({type(network).__name__}) cannot be cut: it is subclassed or not built, "
            "so it has no graph of layers. Rebuild it with Keras's functional API or keras.Sequential."
        )
    if len(network.inputs) != 1:
        raise InputError(f"The network {network.name!r} has {len(network.inputs)} inputs; expected one, the image.")


def layer_names(network: keras.Model, prefix: str = "") -> list[str]:
    """Return the names of a network's layers, nested ones as ``"outer/inner"``, from input to output."""
    names = []
    for operation in operations_of(network):
        names.append(prefix + operation.name)
        if has_graph(operation):
            names += layer_names(operation, f"{prefix}{operation.name}/")
    return names


def leaf_operations(network: keras.Model) -> Iterator[keras.Operation]:
    """Yield the layers and operations of a network from input to output; nested models are replaced by their own."""
    for operation in operations_of(network):
        if has_graph(operation):
            yield from leaf_operations(operation)
        else:
            yield operation


def resolve_layer(network: keras.Model, name: str) -> str:
    """Return the full path of the layer that a name stands for in a network.

    Raises
    ------
    InputError
        If no layer, or more than one, has that name.
    """
    if name == PENULTIMATE:
        return penultimate(network)
    names = layer_names(network)
    if name in names:
        return name
    inner = [path for path in names if path.split("/")[-1] == name]
    if len(inner) == 1:
        return inner[0]
    if inner:
        raise InputError(f"The layer {name!r} is ambiguous; give one of {', '.join(inner)}.")
    names += [path.split("/")[-1] for path in names if "/" in path]
    raise unknown_name("layer", name, names, f"It is not in the network {network.name!r}.")


def default_ending(network: keras.Model) -> Ending:
    """Return the layer whose output is a network's embedding by default, which is called ``"penultimate"``.

    Raises
    ------
    InputError
        If the network cannot be cut, or has more than one output.
    """
    check_cuttable(network)
    if len(network.outputs) != 1:
        raise InputError(
            f"The network {network.name!r} has {len(network.outputs)} outputs, so it has no penultimate layer; name a "
            "layer."
        )
    return ending_of(network)


def penultimate(network: keras.Model) -> str:
    """Return the path of the layer of :func:`default_ending`."""
    return default_ending(network).layer


def _cut(network: keras.Model, paths: list[tuple[str, ...]]) -> keras.Model:
    """Return the model from a network's inputs to some of its layers. Each nested model is cut only once."""
    outputs: dict[tuple[str, ...], keras.KerasTensor] = {}
    for name in dict.fromkeys(path[0] for path in paths):
        uses = [tensor for tensor in tensors_of(network) if operation_of(tensor).name == name]
        inner = list(dict.fromkeys(path[1:] for path in paths if path[0] == name and len(path) > 1))
        if len(uses) > 1 and not (inner and _same_call(uses)):
            raise InputError(
                f"The layer {name!r} computes {len(uses)} tensors in the network {network.name!r}; name another layer."
            )
        outputs[name,] = uses[0]
        if inner:
            parents = parents_of(uses[0])
            cut_out = _cut(operation_of(uses[0]), inner)(parents if len(parents) > 1 else parents[0])
            tensors = cut_out if isinstance(cut_out, (list, tuple)) else [cut_out]
            outputs |= {(name, *path): tensor for path, tensor in zip(inner, tensors, strict=True)}
    inputs = network.inputs if len(network.inputs) > 1 else network.inputs[0]  # Keras warns about a list of one input
    return keras.Model(inputs, [outputs[path] for path in paths], name=f"{network.name}_cut")


def _same_call(tensors: list[keras.KerasTensor]) -> bool:
    return len({tensor._keras_history.node_index for tensor in tensors}) == 1
