"""The k-nearest-neighbours head as ONNX nodes."""

import numpy as np
import onnx

from hybrid.classifiers import KNN
from hybrid.classifiers.knn import MIN_DISTANCE
from hybrid.export.builder import GraphBuilder


def nearest_neighbours(graph: GraphBuilder, head: KNN, X: str, width: int) -> str:
    """Add a k-nearest-neighbours head and return its probabilities, float64 of shape (n, n_classes).

    The graph contains all training embeddings. If several neighbours have the same distance to the precision of
    float32, the graph may choose others than the head itself.
    """
    k, n_classes = min(head.n_neighbors, len(head.embeddings_)), head.votes_.shape[2]
    rows = _unit(graph, X)
    similarity = graph.add("MatMul", rows, graph.constant(np.ascontiguousarray(head.embeddings_.T)))
    nearest = graph.add("TopK", similarity, graph.constant(np.array([k])), number=1)
    known = graph.cast(graph.add("Gather", graph.constant(head.embeddings_), nearest))
    difference = graph.add("Sub", graph.add("Unsqueeze", graph.cast(rows), graph.constant(np.array([1]))), known)
    squared = graph.add("ReduceSumSquare", difference, axes=[2], keepdims=0)
    distance = graph.add("Mul", squared, graph.constant(np.float64(0.5)))
    closeness = graph.add("Reciprocal", graph.add("Max", distance, graph.constant(np.float64(MIN_DISTANCE))))
    votes = graph.add("Gather", graph.constant(head.votes_), nearest)
    weighted = graph.add("Mul", graph.add("Unsqueeze", closeness, graph.constant(np.array([2, 3]))), votes)
    votes = graph.add("ReduceSum", weighted, graph.constant(np.array([1])), keepdims=0)
    shares = graph.add("Div", votes, graph.add("ReduceSum", votes, graph.constant(np.array([2]))))
    shares = graph.add("Mul", shares, graph.constant(np.float64(k / (k + 1))))
    shares = graph.add("Add", shares, graph.constant(np.float64(1 / n_classes / (k + 1))))
    if head.multilabel_:
        return graph.add("Gather", shares, graph.constant(np.int64(1)), axis=2)
    return graph.add("Gather", shares, graph.constant(np.int64(0)), axis=1)


def _unit(graph: GraphBuilder, X: str) -> str:
    """Return the rows scaled to length 1, in float32. Rows of zeros are unchanged."""
    X_float64 = graph.cast(X)
    length = graph.add("Sqrt", graph.add("ReduceSumSquare", X_float64, axes=[1]))
    is_zero = graph.add("Equal", length, graph.constant(np.float64(0)))
    divisor = graph.add("Where", is_zero, graph.constant(np.float64(1)), length)
    return graph.cast(graph.add("Div", X_float64, divisor), onnx.TensorProto.FLOAT)
