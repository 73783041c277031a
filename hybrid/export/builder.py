"""Build an ONNX graph from nodes, constants and models that other libraries converted."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from hybrid.export.network import OPSET

ML_OPSET = 3
_IR_VERSION = 8  # the version that belongs to opset 15; runtimes since 2021 read it


class GraphBuilder:
    """Builds an ONNX graph. Methods take and return the names of tensors.

    Examples
    --------
    >>> graph = GraphBuilder()
    >>> doubled = graph.add("Mul", "x", graph.constant(np.float64(2)))
    >>> [node.op_type for node in graph.nodes]
    ['Mul']
    """

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._functions: list[onnx.FunctionProto] = []
        self._names = 0

    def add(self, operation: str, *inputs: str, output: str | None = None, number: int = 0, **attributes: Any) -> str:
        """Add a node and return the name of its output with the given number (0-based)."""
        output = output or self._name(operation)
        before = [self._name("unused") for _ in range(number)]
        self.nodes.append(helper.make_node(operation, inputs, [*before, output], **attributes))
        return output

    def constant(self, value: Any) -> str:
        """Add a constant and return its name. Text becomes an ONNX tensor of strings."""
        array, name = np.asarray(value), self._name("constant")
        array = array.astype(object) if array.dtype.kind == "U" else array
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def cast(self, tensor: str, to: int = TensorProto.DOUBLE) -> str:
        """Return a tensor converted to another type, by default float64."""
        return self.add("Cast", tensor, to=to)

    def columns(self, tensor: str, numbers: Sequence[int] | np.ndarray) -> str:
        """Return the columns of a matrix with the given numbers."""
        return self.add("Gather", tensor, self.constant(np.asarray(numbers, np.int64)), axis=1)

    def concatenate(self, *tensors: str) -> str:
        """Return matrices concatenated along their columns."""
        return self.add("Concat", *tensors, axis=1) if len(tensors) > 1 else tensors[0]

    def include(self, model: onnx.ModelProto, tensor: str, output: int = -1) -> str:
        """Add a whole model with one input, connect a tensor to the input, and return the name of one output."""
        inner = compose.add_prefix(model, f"{self._name('part')}/")
        self.add("Identity", tensor, output=inner.graph.input[0].name)
        self.nodes += inner.graph.node
        self._constants += inner.graph.initializer
        self._functions += inner.functions
        return inner.graph.output[output].name

    def model(self, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]) -> onnx.ModelProto:
        """Return the finished graph as an ONNX model."""
        graph = helper.make_graph(self.nodes, "hybrid", inputs, outputs, self._constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, functions=self._functions, producer_name="hybrid")
        model.ir_version = _IR_VERSION
        return model

    def _name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}_{self._names}"
