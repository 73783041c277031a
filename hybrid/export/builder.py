"""Put an ONNX graph together: single nodes, constants, and whole models that libraries translated."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from hybrid.export.network import OPSET

ML_OPSET = 3
_IR_VERSION = 8  # that of opset 15: any runtime since 2021 reads it


class GraphBuilder:
    """An ONNX graph in the making; tensors go by their names.

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
        """Add a node and return the name of its first output, or of the one with the given number (from 0)."""
        output = output or self._name(operation)
        before = [self._name("unused") for _ in range(number)]
        self.nodes.append(helper.make_node(operation, inputs, [*before, output], **attributes))
        return output

    def constant(self, value: Any) -> str:
        """Add a constant and return its name; text becomes ONNX's strings."""
        array, name = np.asarray(value), self._name("constant")
        array = array.astype(object) if array.dtype.kind == "U" else array
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def cast(self, tensor: str, to: int = TensorProto.DOUBLE) -> str:
        """Return a tensor in another type, float64 by default."""
        return self.add("Cast", tensor, to=to)

    def columns(self, tensor: str, numbers: Sequence[int] | np.ndarray) -> str:
        """Return some columns of a matrix."""
        return self.add("Gather", tensor, self.constant(np.asarray(numbers, np.int64)), axis=1)

    def beside(self, *tensors: str) -> str:
        """Return matrices side by side."""
        return self.add("Concat", *tensors, axis=1) if len(tensors) > 1 else tensors[0]

    def include(self, model: onnx.ModelProto, given: str, output: int = -1) -> str:
        """Add all of a model with one input, fed by a tensor; return the name of one of its outputs."""
        inner = compose.add_prefix(model, f"{self._name('part')}/")
        self.add("Identity", given, output=inner.graph.input[0].name)
        self.nodes += inner.graph.node
        self._constants += inner.graph.initializer
        self._functions += inner.functions
        return inner.graph.output[output].name

    def model(self, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]) -> onnx.ModelProto:
        """Return the whole as a model."""
        graph = helper.make_graph(self.nodes, "hybrid", inputs, outputs, self._constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, functions=self._functions, producer_name="hybrid")
        model.ir_version = _IR_VERSION
        return model

    def _name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}_{self._names}"
