"""From a backbone's name, or a user's own file, to a Keras network with its weights."""

import contextlib
import functools
import inspect
import math
import random
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np

from hybrid.errors import InputError, reason_of, unknown_name
from hybrid.extractors.backbones.custom import Architecture
from hybrid.extractors.backbones.parameters import keras_home
from hybrid.extractors.backbones.table import Backbone, BackboneSpec
from hybrid.extractors.backbones.untrusted import FREE_BYTES, check_keras_file
from hybrid.extractors.backbones.weights import file_shapes, load_weights, mismatch, network_shapes

_MOST_NUMBERS = 2**28  # values that a layer of an untrusted network may compute from one image


def fresh_state(build: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function to run with Keras's global state as new, and to leave the caller's as it was.

    Keras numbers layers without a name through ("activation_17"), and keeps that count, its seed and its dtype
    policy per thread; so in a thread of its own a network has the same names and precision whatever was built before.
    """

    @functools.wraps(build)
    def run(*args: Any, **kwargs: Any) -> Any:
        with ThreadPoolExecutor(max_workers=1) as pool:
            return pool.submit(build, *args, **kwargs).result()

    return run


def load_network(spec: BackboneSpec, weights: str, size: tuple[int, int] | None, seed: int, top: bool) -> keras.Model:
    """Build a network and load its weights.

    Parameters
    ----------
    spec : BackboneSpec
        What to build.
    weights : str
        ``"imagenet"``, ``"random"`` or a weights file; ``"file"`` for a ``.keras`` file's own.
    size : (int, int) or None
        Height and width of the input, in pixels; None for the backbone's own.
    seed : int
        Of random weights.
    top : bool
        Whether to keep a pretrained network's classification layers.

    Returns
    -------
    keras.Model

    Raises
    ------
    InputError
        If the network cannot be built so, or its weights cannot be had or do not fit.
    """
    if spec.path is not None:
        return load_keras_file(spec.path)
    assert spec.row is not None
    row, shape = spec.row, _shape(spec, size)
    if row.kind == "custom":
        return _custom(spec, shape, seed)
    _check_options(row, spec.options)
    if weights == "imagenet":
        return _download(spec, shape, top)
    if weights == "random":
        return _application(spec, shape, seed, include_top=top)
    return _from_weights_file(spec, shape, Path(weights), top)


def load_keras_file(path: Path) -> keras.Model:
    """Load a user's ``.keras`` file in Keras's safe mode, once it was looked at: no code in the file is run.

    Raises
    ------
    InputError
        If the file is no ``.keras`` file, needs code of its own (Lambda layers, custom classes) or other files, would
        be unpacked to far more than its size, or describes layers far larger than the weights in it.
    """
    config, held = check_keras_file(path)
    try:
        _check_extent(config, held)
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # an untrusted file may raise any error
        raise InputError(
            f"{str(path)!r} cannot be loaded as a Keras network in safe mode: {reason_of(error)}"
        ) from error
    return network


@fresh_state
def _check_extent(config: dict[str, Any], held: int) -> None:
    """Build a file's network without allocating its weights, and compare these with the bytes that the file holds."""
    with keras.StatelessScope(initialize_variables=False):
        network = keras.saving.deserialize_keras_object(config | {"compile_config": None})
    described = sum(math.prod(each.shape) * np.dtype(each.dtype).itemsize for each in network.variables)
    if described > max(FREE_BYTES, 2 * held):
        raise InputError(f"it describes weights of {described:,} bytes, and holds {held:,} bytes")
    for layer in network._flatten_layers():
        for tensor in keras.tree.flatten(getattr(layer, "output", [])):
            if (numbers := math.prod(side or 1 for side in tensor.shape)) > _MOST_NUMBERS:
                raise InputError(f"its layer {layer.name!r:.100} makes {numbers:,} numbers of an image")


def compute_in(network: keras.Model, precision: str) -> None:
    """Make every layer of a network compute in a precision; its variables stay float32.

    A network that was saved in mixed precision brings its own, which "float32" undoes. Quantized layers keep theirs.
    """
    policy = precision if precision == "float32" else f"mixed_{precision}"
    for layer in network._flatten_layers():
        if layer.quantization_mode is None and layer.compute_dtype != precision:
            layer.dtype_policy = policy


@fresh_state
def symbolic(spec: BackboneSpec, size: tuple[int, int] | None, include_top: bool) -> keras.Model:
    """Return a pretrained network's graph without allocating its weights, to look up layers in."""
    with keras.StatelessScope(initialize_variables=False):
        return _build_application(spec, _shape(spec, size), seed=0, include_top=include_top)


def _shape(spec: BackboneSpec, size: tuple[int, int] | None) -> tuple[int, int, int]:
    assert spec.row is not None
    height, width = size or (spec.row.size, spec.row.size)
    return height, width, 3


@fresh_state
def _custom(spec: BackboneSpec, shape: tuple[int, int, int], seed: int) -> keras.Model:
    assert spec.row is not None
    with _seeded(seed), _building(spec, shape[:2]):
        return Architecture(spec.row.name, None, spec.options).build(shape, 2)


def _build_application(spec: BackboneSpec, shape: tuple[int, int, int], seed: int, **kwargs: Any) -> keras.Model:
    assert spec.row is not None
    build = getattr(keras.applications, spec.row.constructor)
    with _seeded(seed), _building(spec, shape[:2]):
        return build(**{"weights": None, "input_shape": shape, **spec.options, **kwargs})


_application = fresh_state(_build_application)


def _from_weights_file(spec: BackboneSpec, shape: tuple[int, int, int], path: Path, top: bool) -> keras.Model:
    """Build the network with or without its top, as the file has it."""
    if re.fullmatch(r"efficientnetb\d(_notop)?\.h5", path.name):
        raise InputError(
            f"Keras builds EfficientNet for its own ImageNet weights with one more rescaling, so {path.name!r} would "
            f"give wrong features here: put it into {str(keras_home() / 'models')!r} and give weights 'imagenet'."
        )
    network = _application(spec, shape, seed=0, include_top=False)
    found = file_shapes(path)
    if found is not None and (top or mismatch(found, network_shapes(network))):
        classes = found[-1][1][-1][-1] if found and found[-1][1][-1] else 1000
        with_top = _application(spec, shape, seed=0, include_top=True, classes=classes)
        if top or len(found) > len(network_shapes(network)):
            network = with_top
    load_weights(network, path)
    return network


def _download(spec: BackboneSpec, shape: tuple[int, int, int], top: bool) -> keras.Model:
    try:
        return _application(spec, shape, seed=0, weights="imagenet", include_top=top)
    except InputError:
        raise
    except Exception as error:  # urllib, socket and Keras's own, by version
        raise InputError(
            f"The ImageNet weights of {spec.name!r} could not be downloaded ({' '.join(str(error).split())[:400]}). "
            "Without a network, give the file with --weights FILE, or --weights random for an untrained network."
        ) from error


@contextlib.contextmanager
def _building(spec: BackboneSpec, size: tuple[int, ...]) -> Iterator[None]:
    """Say what Keras refuses in one sentence; keep its progress bars off the standard output."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except (ValueError, TypeError) as error:
        shown = "×".join(map(str, size))
        raise InputError(
            f"The backbone {spec.name!r} cannot be built for images of {shown}: {reason_of(error)}"
        ) from error


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Make Keras's initializers repeatable, and leave the caller's random state as it was."""
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - Keras seeds the legacy one
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002


def _check_options(row: Backbone, options: dict) -> None:
    known = set(inspect.signature(getattr(keras.applications, row.constructor)).parameters)
    known -= {"include_top", "weights", "input_tensor", "input_shape", "pooling", "classes", "name", "kwargs"}
    known -= {"classifier_activation", "include_preprocessing"}  # pixels are scaled as the network was built for
    for name in options:
        if name not in known:
            raise unknown_name(f"option of {row.name}", name, known)
