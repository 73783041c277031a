"""Cut a functional Keras network at any layer by name, also inside nested models.

The tensors of a network are found by following its graph backwards from its outputs. Layers that are shared with other
models, or that do not contribute to the outputs, therefore cause no confusion.
"""

from collections.abc import Iterator

import keras

from hybrid.errors import InputError, unknown_name
from hybrid.extractors.backbones.options import PENULTIMATE


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
    if not _has_graph(network):
        raise InputError(
            f"The network {network.name!r} ({type(network).__name__}) cannot be cut: it is subclassed or not built, "
            "so it has no graph of layers. Rebuild it with Keras's functional API or keras.Sequential."
        )
    if len(network.inputs) != 1:
        raise InputError(f"The network {network.name!r} has {len(network.inputs)} inputs; expected one, the image.")


def layer_names(network: keras.Model, prefix: str = "") -> list[str]:
    """Return the names of a network's layers, nested ones as ``"outer/inner"``, from input to output."""
    names = []
    for operation in _operations(network):
        names.append(prefix + operation.name)
        if _has_graph(operation):
            names += layer_names(operation, f"{prefix}{operation.name}/")
    return names


def leaf_operations(network: keras.Model) -> Iterator[keras.Operation]:
    """Yield the layers and operations of a network from input to output; nested models are replaced by their own."""
    for operation in _operations(network):
        if _has_graph(operation):
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


def penultimate(network: keras.Model) -> str:
    """Return the path of the layer before the network's classification layer, ignoring dropout layers in between.

    The classification layer is the last layer with weights, if it is dense or followed by a softmax or sigmoid. For a
    network without a classification layer (``include_top=False``), the path of the output layer is returned.

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
    output = network.outputs[0]
    path = _before_classifier(output, probabilities=False)
    return _path_of(output) if path is None else path or _operation(network.inputs[0]).name


def _before_classifier(tensor: keras.KerasTensor, probabilities: bool) -> str | None:
    """Return the path of the layer before the classification layer.

    Returns "" if that is the model's input, and None if there is no classification layer.
    """
    probabilities = probabilities or _is_probability(tensor)
    while not getattr(_operation(tensor), "weights", None) and _parents(tensor):
        tensor = _parents(tensor)[0]
        probabilities = probabilities or _is_probability(tensor)
    last = _operation(tensor)
    if _has_graph(last):
        inner = _before_classifier(_inside(tensor), probabilities)
        if inner != "":
            return inner and f"{last.name}/{inner}"
    elif not isinstance(last, keras.layers.Dense) and not probabilities:
        return None
    tensor = _parents(tensor)[0]
    while isinstance(_operation(tensor), keras.layers.Dropout):
        tensor = _parents(tensor)[0]
    return _path_of(tensor) if _parents(tensor) else ""


def _is_probability(tensor: keras.KerasTensor) -> bool:
    operation = _operation(tensor)
    activation = getattr(getattr(operation, "activation", None), "__name__", "")
    return type(operation).__name__ in ("Softmax", "Sigmoid") or activation in ("softmax", "sigmoid")


def _path_of(tensor: keras.KerasTensor) -> str:
    """Return the path of the layer that computes a tensor; for a nested model, of the layer inside it."""
    operation = _operation(tensor)
    if _has_graph(operation):
        return f"{operation.name}/{_path_of(_inside(tensor))}"
    return operation.name


def _inside(tensor: keras.KerasTensor) -> keras.KerasTensor:
    """Return the output tensor inside a nested model that corresponds to a tensor computed by calling the model."""
    return _operation(tensor).outputs[tensor._keras_history.tensor_index]


def _has_graph(operation: keras.Operation) -> bool:
    """Return whether this is a functional or a built sequential model. Other models have no graph to cut."""
    return isinstance(operation, keras.Model) and bool(getattr(operation, "inputs", None))


def _cut(network: keras.Model, paths: list[tuple[str, ...]]) -> keras.Model:
    """Return the model from a network's inputs to some of its layers. Each nested model is cut only once."""
    outputs: dict[tuple[str, ...], keras.KerasTensor] = {}
    for name in dict.fromkeys(path[0] for path in paths):
        uses = [tensor for tensor in _tensors(network) if _operation(tensor).name == name]
        inner = list(dict.fromkeys(path[1:] for path in paths if path[0] == name and len(path) > 1))
        if len(uses) > 1 and not (inner and _same_call(uses)):
            raise InputError(
                f"The layer {name!r} computes {len(uses)} tensors in the network {network.name!r}; name another layer."
            )
        outputs[name,] = uses[0]
        if inner:
            parents = _parents(uses[0])
            cut_out = _cut(_operation(uses[0]), inner)(parents if len(parents) > 1 else parents[0])
            tensors = cut_out if isinstance(cut_out, (list, tuple)) else [cut_out]
            outputs |= {(name, *path): tensor for path, tensor in zip(inner, tensors, strict=True)}
    inputs = network.inputs if len(network.inputs) > 1 else network.inputs[0]  # Keras warns about a list of one input
    return keras.Model(inputs, [outputs[path] for path in paths], name=f"{network.name}_cut")


def _same_call(tensors: list[keras.KerasTensor]) -> bool:
    return len({tensor._keras_history.node_index for tensor in tensors}) == 1


def _tensors(network: keras.Model) -> list[keras.KerasTensor]:
    """Return every tensor of the network's own graph, inputs first."""
    ordered: list[keras.KerasTensor] = []
    stack = [(tensor, False) for tensor in reversed(network.outputs)]
    visited: set[int] = set()
    while stack:
        tensor, expanded = stack.pop()
        if expanded:
            ordered.append(tensor)
        elif id(tensor) not in visited:
            visited.add(id(tensor))
            stack.append((tensor, True))
            if not any(tensor is root for root in network.inputs):
                stack += [(parent, False) for parent in reversed(_parents(tensor))]
    return ordered


def _operations(network: keras.Model) -> Iterator[keras.Operation]:
    visited = set()
    for tensor in _tensors(network):
        operation = _operation(tensor)
        if id(operation) not in visited:
            visited.add(id(operation))
            yield operation


def _operation(tensor: keras.KerasTensor) -> keras.Operation:
    return tensor._keras_history.operation


def _parents(tensor: keras.KerasTensor) -> list[keras.KerasTensor]:
    operation, node_index, _ = tensor._keras_history
    return operation._inbound_nodes[node_index].input_tensors
