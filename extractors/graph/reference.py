"""Compute reference embeddings with Keras and NumPy alone, and inspect the layers of a graph, for `hybrid doctor`.

Nothing here uses the code that builds an extractor's graph, so that the comparison is independent of it.
"""

from collections.abc import Iterator

import keras
import numpy as np

from hybrid.extractors.backbones.load import load_network
from hybrid.extractors.backbones.table import BackboneSpec
from hybrid.extractors.graph.cutting import layer_names
from hybrid.extractors.store.identity import Identity


def reference_embeddings(
    spec: BackboneSpec, weights: str, size: tuple[int, int] | None, seed: int, identity: Identity, pixels: np.ndarray
) -> np.ndarray:
    """Return embeddings computed with Keras's preprocessing, ``predict`` of the plain network, and pooling by NumPy.

    Parameters
    ----------
    spec : BackboneSpec
        A network of `keras.applications`.
    weights, size, seed
        As for `hybrid.extractors.backbones.load.load_network`.
    identity : Identity
        Identity of the extractor, with its layers and pooling. No layer may be inside a nested model.
    pixels : ndarray of uint8, (n, height, width, 3)
        Images of the network's input size.

    Returns
    -------
    ndarray of float32, (n, width)
    """
    assert spec.row is not None
    names = identity.fields["layers"]
    network = load_network(spec, weights, size, seed, top=False)
    if not set(names) <= set(layer_names(network)):
        network = load_network(spec, weights, size, seed, top=True)
    bare = keras.Model(network.inputs[0], [network.get_layer(name).output for name in names])
    preprocess = getattr(keras.applications, spec.row.module).preprocess_input
    maps = bare.predict(preprocess(pixels.astype(np.float32)), verbose=0)
    maps = maps if isinstance(maps, (list, tuple)) else [maps]
    return np.hstack([_pool(features, identity.fields["pooling"]) for features in maps])


def in_training_mode(model: keras.Model) -> list[str]:
    """Return the names of the layers and nested models of a graph that are called with ``training=True``."""
    return [
        layer.name
        for layer in _layers(model)
        if any(node.arguments.kwargs.get("training") is True for node in layer._inbound_nodes)
    ]


def mode_dependent(model: keras.Model) -> list[str]:
    """Return the names of the layers that behave differently in training: batch normalization, dropout and noise."""
    kinds = (keras.layers.BatchNormalization, keras.layers.Dropout, keras.layers.GaussianNoise)
    return [layer.name for layer in _layers(model) if isinstance(layer, kinds)]


def _layers(model: keras.Model) -> Iterator[keras.Layer]:
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _layers(layer)


def _pool(features: np.ndarray, pooling: str) -> np.ndarray:
    """Return the pooled output (n, width) of a layer's output (n, …)."""
    if features.ndim == 2 or pooling in ("flatten", "none"):
        return features.reshape(len(features), -1)
    axes = tuple(range(1, features.ndim - 1))
    average = features.mean(axes, dtype=np.float64).astype(np.float32)
    if pooling == "avg":
        return average
    return features.max(axes) if pooling == "max" else np.hstack([average, features.max(axes)])
