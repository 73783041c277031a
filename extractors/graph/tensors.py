"""The tensors and operations of a Keras network's graph, which is followed backwards from its outputs."""

from collections.abc import Iterator
from dataclasses import dataclass

import keras


def has_graph(operation: keras.Operation) -> bool:
    """Return whether this is a functional or a built sequential model. Other models have no graph to cut."""
    return isinstance(operation, keras.Model) and bool(getattr(operation, "inputs", None))


def tensors_of(network: keras.Model) -> list[keras.KerasTensor]:
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
                stack += [(parent, False) for parent in reversed(parents_of(tensor))]
    return ordered


def operations_of(network: keras.Model) -> Iterator[keras.Operation]:
    """Yield the operations of the network's own graph, inputs first. A nested model is one operation."""
    visited = set()
    for tensor in tensors_of(network):
        operation = operation_of(tensor)
        if id(operation) not in visited:
            visited.add(id(operation))
            yield operation


def operation_of(tensor: keras.KerasTensor) -> keras.Operation:
    """Return the layer or operation that computes a tensor."""
    return tensor._keras_history.operation


def parents_of(tensor: keras.KerasTensor) -> list[keras.KerasTensor]:
    """Return the tensors from which a tensor is computed."""
    operation, node_index, _ = tensor._keras_history
    return operation._inbound_nodes[node_index].input_tensors


@dataclass(frozen=True)
class Place:
    """A tensor in the graph of a network or of a model nested in it.

    Attributes
    ----------
    tensor : KerasTensor
        The tensor.
    calls : tuple of KerasTensor
        The outputs of the nested models around it, from the outermost to the innermost.
    network : keras.Model
        The outermost network.
    """

    tensor: keras.KerasTensor
    calls: tuple[keras.KerasTensor, ...]
    network: keras.Model

    @property
    def operation(self) -> keras.Operation:
        """The layer or operation that computes the tensor."""
        return operation_of(self.tensor)

    @property
    def path(self) -> str:
        """The full name of the layer, such as ``"outer/inner"``."""
        return "/".join(operation_of(tensor).name for tensor in (*self.calls, self.tensor))

    @property
    def is_input(self) -> bool:
        """Whether the tensor is an input of the network or of the nested model."""
        return any(self.tensor is root for root in self._model.inputs)

    def innermost(self) -> "Place":
        """Return the same output inside the nested models that compute it."""
        place = self
        while has_graph(place.operation) and not place.is_input:
            inside = place.operation.outputs[place.tensor._keras_history.tensor_index]
            place = Place(inside, (*place.calls, place.tensor), self.network)
        return place

    def before(self) -> list["Place"]:
        """Return the places from which this tensor is computed, outside of a nested model if this is its input."""
        if not self.is_input:
            return [Place(parent, self.calls, self.network) for parent in parents_of(self.tensor)]
        if not self.calls:
            return []
        *outer, call = self.calls
        number = next(number for number, root in enumerate(self._model.inputs) if root is self.tensor)
        return [Place(parents_of(call)[number], tuple(outer), self.network)]

    @property
    def _model(self) -> keras.Model:
        return operation_of(self.calls[-1]) if self.calls else self.network
