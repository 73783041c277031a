"""Cut a functional Keras network at any layer by name, inside nested models too.

The tensors of a network are found by walking its own graph back from its outputs, so a layer that other models
share, or that stands in the file but feeds nothing, is never mistaken for one of this network.
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
        Functional or sequential, built.
    names : list of str
        Layer names; ``"outer/inner"`` or just ``"inner"`` for a layer of a nested model, ``"penultimate"`` for what
        feeds the last layer that has weights. Use :func:`resolve_layer` to see what a name means.

    Returns
    -------
    keras.Model
        From the network's input to a list with one tensor per name. It shares the network's weights.

    Raises
    ------
    InputError
        If a name is unknown or ambiguous, or the network has no graph to cut.
    """
    check_cuttable(network)
    paths = [tuple(resolve_layer(network, name).split("/")) for name in names]
    return _cut(network, paths)


def check_cuttable(network: keras.Model) -> None:
    """Raise `InputError` for a network that is subclassed, not built, or fed by more than one image."""
    if not _has_graph(network):
        raise InputError(
            f"The network {network.name!r} ({type(network).__name__}) cannot be cut: it is subclassed or not built, "
            "so it has no graph of layers; rebuild it with Keras's functional API or keras.Sequential."
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
    """Yield the layers and operations of a network from input to output, those of nested models in their place."""
    for operation in _operations(network):
        if _has_graph(operation):
            yield from leaf_operations(operation)
        else:
            yield operation


def resolve_layer(network: keras.Model, name: str) -> str:
    """Return the full path of the layer that a name means in this network.

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
        raise InputError(f"Layer {name!r} is ambiguous: give one of {', '.join(inner)}.")
    names += [path.split("/")[-1] for path in names if "/" in path]
    raise unknown_name("layer", name, names, f"It is not in the network {network.name!r}.")


def penultimate(network: keras.Model) -> str:
    """Return the layer that feeds the network's classification layer, dropout skipped.

    The classification layer is the last layer with weights if it is dense, or if a softmax or sigmoid ends it. A
    network without one (``include_top=False``) gives its output.
    """
    check_cuttable(network)
    if len(network.outputs) != 1:
        raise InputError(
            f"The network {network.name!r} has {len(network.outputs)} outputs, so no penultimate layer: name a layer."
        )
    output = network.outputs[0]
    found = _before_classifier(output, probabilities=False)
    return _path_of(output) if found is None else found or _operation(network.inputs[0]).name


def _before_classifier(tensor: keras.KerasTensor, probabilities: bool) -> str | None:
    """Return the path of what feeds the classification layer; "" for the model's own input, None if there is none."""
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
    """Return the layer that makes a tensor; for a nested model, the layer inside it."""
    operation = _operation(tensor)
    if _has_graph(operation):
        return f"{operation.name}/{_path_of(_inside(tensor))}"
    return operation.name


def _inside(tensor: keras.KerasTensor) -> keras.KerasTensor:
    """Return the nested model's own output of which a tensor is one use."""
    return _operation(tensor).outputs[tensor._keras_history.tensor_index]


def _has_graph(operation: keras.Operation) -> bool:
    """Whether this is a functional or a built sequential model: others have no graph to cut."""
    return isinstance(operation, keras.Model) and bool(getattr(operation, "inputs", None))


def _cut(network: keras.Model, paths: list[tuple[str, ...]]) -> keras.Model:
    """Return the model from a network's inputs to its layers; all that lie in one nested model are cut in one go."""
    found: dict[tuple[str, ...], keras.KerasTensor] = {}
    for name in dict.fromkeys(path[0] for path in paths):
        uses = [tensor for tensor in _tensors(network) if _operation(tensor).name == name]
        inner = list(dict.fromkeys(path[1:] for path in paths if path[0] == name and len(path) > 1))
        if len(uses) > 1 and not (inner and _same_call(uses)):
            raise InputError(
                f"Layer {name!r} gives {len(uses)} tensors in the network {network.name!r}: name another layer."
            )
        found[name,] = uses[0]
        if inner:
            parents = _parents(uses[0])
            cut_out = _cut(_operation(uses[0]), inner)(parents if len(parents) > 1 else parents[0])
            tensors = cut_out if isinstance(cut_out, (list, tuple)) else [cut_out]
            found |= {(name, *path): tensor for path, tensor in zip(inner, tensors, strict=True)}
    inputs = network.inputs if len(network.inputs) > 1 else network.inputs[0]  # as it is called, else Keras warns
    return keras.Model(inputs, [found[path] for path in paths], name=f"{network.name}_cut")


def _same_call(tensors: list[keras.KerasTensor]) -> bool:
    return len({tensor._keras_history.node_index for tensor in tensors}) == 1


def _tensors(network: keras.Model) -> list[keras.KerasTensor]:
    """Return every tensor of the network's own graph, inputs first."""
    ordered: list[keras.KerasTensor] = []
    stack = [(tensor, False) for tensor in reversed(network.outputs)]
    seen: set[int] = set()
    while stack:
        tensor, expanded = stack.pop()
        if expanded:
            ordered.append(tensor)
        elif id(tensor) not in seen:
            seen.add(id(tensor))
            stack.append((tensor, True))
            if not any(tensor is root for root in network.inputs):
                stack += [(parent, False) for parent in reversed(_parents(tensor))]
    return ordered


def _operations(network: keras.Model) -> Iterator[keras.Operation]:
    seen = set()
    for tensor in _tensors(network):
        operation = _operation(tensor)
        if id(operation) not in seen:
            seen.add(id(operation))
            yield operation


def _operation(tensor: keras.KerasTensor) -> keras.Operation:
    return tensor._keras_history.operation


def _parents(tensor: keras.KerasTensor) -> list[keras.KerasTensor]:
    operation, node_index, _ = tensor._keras_history
    return operation._inbound_nodes[node_index].input_tensors
