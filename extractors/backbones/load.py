"""Load the Keras network of a backbone, with its weights, by name or from a user's own file."""

import contextlib
import functools
import inspect
import math
import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np

from hybrid.errors import InputError, reason_of, unknown_name
from hybrid.extractors.backbones.custom import Architecture
from hybrid.extractors.backbones.extent import check_outputs, check_size, check_weights
from hybrid.extractors.backbones.layer_table import NOT_OPTIONS
from hybrid.extractors.backbones.table import Backbone, BackboneSpec
from hybrid.extractors.backbones.untrusted import check_keras_file
from hybrid.extractors.backbones.weights import load_weights, network_shapes
from hybrid.extractors.backbones.weights_file import file_shapes, mismatch

_MAX_CLASSES = 100_000  # number of classes of a weights file


def fresh_state(build: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function so that it runs with a fresh global state of Keras and does not change the caller's.

    Keras numbers unnamed layers consecutively ("activation_17"), and keeps this counter, its seed and its dtype policy
    for each thread. A network that is built in a thread of its own therefore always has the same names and precision.
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
        The network to build.
    weights : str
        ``"imagenet"``, ``"random"``, the path of a weights file, or ``"file"`` for the weights of a ``.keras`` file.
    size : (int, int) or None
        Height and width of the input, in pixels; None for the backbone's default.
    seed : int
        Seed of random weights.
    top : bool
        Whether to keep the classification layers of a pretrained network.

    Returns
    -------
    keras.Model

    Raises
    ------
    InputError
        If the network cannot be built with these settings, or its weights are not available or do not fit.
    """
    if spec.path is not None:
        return load_keras_file(spec.path)
    assert spec.row is not None
    row, shape = spec.row, _shape(spec, size)
    if spec.options or math.prod(shape[:2]) > 4 * row.size**2:
        _check_size(spec, shape, top)
    if row.kind == "custom":
        return _custom(spec, shape, seed)
    _check_options(row, spec.options)
    if weights == "imagenet":
        return _download(spec, shape, top)
    if weights == "random":
        return _application(spec, shape, seed, include_top=top)
    return _from_weights_file(spec, shape, Path(weights), top)


def load_keras_file(path: Path) -> keras.Model:
    """Check a user's ``.keras`` file, then load it in Keras's safe mode. No code in the file is run.

    Raises
    ------
    InputError
        If the file is not a ``.keras`` file, needs its own code (Lambda layers, custom classes) or other files, would
        unpack to far more than its size, or describes layers far larger than the weights in it.
    """
    config, weights_bytes = check_keras_file(path)
    try:
        _check_extent(config, weights_bytes)
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # an untrusted file may raise any error
        raise InputError(
            f"{str(path)!r} cannot be loaded as a Keras network in safe mode: {reason_of(error)}"
        ) from error
    return network


@fresh_state
def _check_extent(config: dict[str, Any], weights_bytes: int) -> None:
    """Build a file's network without allocating weights, and compare their size with the weights in the file."""
    with keras.StatelessScope(initialize_variables=False):
        network = keras.saving.deserialize_keras_object(config | {"compile_config": None})
    check_weights(network, weights_bytes)
    check_outputs(network)


@fresh_state
def _check_size(spec: BackboneSpec, shape: tuple[int, int, int], top: bool) -> None:
    """Build a backbone of unusual size or options without allocating weights, and check how large it is."""
    assert spec.row is not None
    try:
        with keras.StatelessScope(initialize_variables=False):
            if spec.row.kind == "custom":
                network = Architecture(spec.row.name, None, spec.options).build(shape, 2)
            else:
                _check_options(spec.row, spec.options)
                network = _build_application(spec, shape, seed=0, include_top=top)
        check_size(network)
    except InputError as error:
        size = "×".join(map(str, shape[:2]))
        raise InputError(f"The backbone {spec.name!r:.200} cannot be built for images of {size}: {error}.") from error


def compute_in(network: keras.Model, precision: str) -> None:
    """Set the precision in which every layer of a network computes; the variables stay float32.

    For a network that was saved in mixed precision, "float32" undoes that. Quantized layers are not changed.
    """
    policy = precision if precision == "float32" else f"mixed_{precision}"
    for layer in network._flatten_layers():
        if layer.quantization_mode is None and layer.compute_dtype != precision:
            layer.dtype_policy = policy


@fresh_state
def symbolic(spec: BackboneSpec, size: tuple[int, int] | None, include_top: bool) -> keras.Model:
    """Return a pretrained network without allocating its weights, for looking up its layers."""
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
    """Build the network with or without its classification layers, as in the file, and load the file."""
    network = _application(spec, shape, seed=0, include_top=False)
    shapes = file_shapes(path)
    if shapes is not None and (top or mismatch(shapes, network_shapes(network))):
        classes = shapes[-1][1][-1][-1] if shapes and shapes[-1][1][-1] else 1000
        classes = classes if 0 < classes <= _MAX_CLASSES else 1000
        with_top = _application(spec, shape, seed=0, include_top=True, classes=classes)
        if top or len(shapes) > len(network_shapes(network)):
            network = with_top
    load_weights(network, path)
    return network


def _download(spec: BackboneSpec, shape: tuple[int, int, int], top: bool) -> keras.Model:
    try:
        return _application(spec, shape, seed=0, weights="imagenet", include_top=top)
    except InputError:
        raise
    except Exception as error:  # errors of urllib, socket or Keras, depending on the version
        raise InputError(
            f"The ImageNet weights of {spec.name!r} could not be downloaded ({' '.join(str(error).split())[:400]}). "
            "Without internet access, give the file with --weights FILE (weights=FILE), or --weights random "
            "for an untrained network."
        ) from error


@contextlib.contextmanager
def _building(spec: BackboneSpec, size: tuple[int, ...]) -> Iterator[None]:
    """Turn Keras's errors into an `InputError`, and keep its progress bars off the standard output."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except (ValueError, TypeError, ArithmeticError, MemoryError) as error:
        raise InputError(
            f"The backbone {spec.name!r} cannot be built for images of {'×'.join(map(str, size))}: {reason_of(error)}"
        ) from error


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed Keras's initializers, and restore the caller's random state afterwards."""
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - Keras seeds this generator
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002


def _check_options(row: Backbone, options: dict) -> None:
    known = set(inspect.signature(getattr(keras.applications, row.constructor)).parameters) - NOT_OPTIONS
    for name in options:
        if name not in known:
            raise unknown_name(f"option of {row.name}", name, known)
