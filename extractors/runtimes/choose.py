"""Choose the runtime of an extractor: OpenVINO on a CPU, Keras on a GPU and for what OpenVINO cannot run."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hybrid.errors import InputError
from hybrid.extractors.runtimes.base import KerasRuntime, Runtime, choose_batch_size, gpu_is_visible
from hybrid.extractors.runtimes.openvino import ExportError, OpenVINORuntime, check_precision, export_graph, is_exported
from hybrid.extractors.store.identity import Identity


def choose_runtime(
    name: str,
    identity: Identity,
    model: Callable[[Identity], Any],
    *,
    backbone: str | Path,
    cache: Path,
    batch_size: int | None,
) -> Runtime:
    """Return the runtime for a network. OpenVINO needs no Keras if the network was exported before.

    Parameters
    ----------
    name : {"auto", "openvino", "keras"}
    identity : Identity
        Identity of the extractor.
    model : callable
        Returns the Keras model of an identity.
    backbone : str or Path
        The backbone as the user gave it, for messages.
    cache : Path
        Folder of the store, which also holds exported networks.
    batch_size : int, optional
        Number of images in a batch. By default it depends on the size of the images.

    Raises
    ------
    InputError
        If `name` is "openvino" and OpenVINO cannot run the network.
    """

    def with_keras() -> KerasRuntime:
        return KerasRuntime(model(identity), batch_size or choose_batch_size(identity.size))

    if name == "keras" or (name == "auto" and gpu_is_visible()):
        return with_keras()
    folder = cache / "graphs" / identity.fingerprint
    try:
        check_precision(identity)
        if not is_exported(folder, identity):
            full = identity.in_precision("float32")  # OpenVINO lowers the precision itself
            export_graph(model(full), identity, folder)
        return OpenVINORuntime(folder, identity, batch_size)
    except ExportError as error:
        if name == "openvino":
            raise InputError(f"OpenVINO cannot run {str(backbone)!r} ({error}). Use runtime='auto'.") from error
        warnings.warn(f"OpenVINO cannot run {str(backbone)!r}, so Keras is used: {error}", stacklevel=2)
        return with_keras()
