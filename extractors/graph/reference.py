"""The embeddings a careful person would compute by hand with Keras alone, and what a graph says of its own layers.

`hybrid doctor` holds an extractor against this: nothing of how the extractor's graph is put together is used here.
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
    """Preprocess with ``keras.applications``, run the bare network with ``predict``, pool with NumPy.

    Parameters
    ----------
    spec : BackboneSpec
        A network of `keras.applications`.
    weights, size, seed
        As `hybrid.extractors.backbones.load.load_network` takes them.
    identity : Identity
        Of the extractor: its layers, none of a nested model, and pooling.
    pixels : ndarray of uint8, (n, height, width, 3)
        Images of the network's size.

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
    """Return the layers of a graph, nested models among them, that are called with ``training=True``."""
    return [
        layer.name
        for layer in _layers(model)
        if any(node.arguments.kwargs.get("training") is True for node in layer._inbound_nodes)
    ]


def mode_dependent(model: keras.Model) -> list[str]:
    """Return the layers of a graph that would compute something else in training: batch norm, dropout, noise."""
    kinds = (keras.layers.BatchNormalization, keras.layers.Dropout, keras.layers.GaussianNoise)
    return [layer.name for layer in _layers(model) if isinstance(layer, kinds)]


def _layers(model: keras.Model) -> Iterator[keras.Layer]:
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _layers(layer)


def _pool(features: np.ndarray, pooling: str) -> np.ndarray:
    """Return rows (n, width) of a layer's output (n, …)."""
    if features.ndim == 2 or pooling in ("flatten", "none"):
        return features.reshape(len(features), -1)
    axes = tuple(range(1, features.ndim - 1))
    average = features.mean(axes, dtype=np.float64).astype(np.float32)
    if pooling == "avg":
        return average
    return features.max(axes) if pooling == "max" else np.hstack([average, features.max(axes)])
