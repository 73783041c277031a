"""Run an extractor's graph with OpenVINO. It is exported from Keras once, kept in the cache, and run without Keras."""

import contextlib
import sys
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.errors import InputError, reason_of
from hybrid.extractors.runtimes.base import padded
from hybrid.extractors.store.identity import Identity
from hybrid.files import file_digest, read_json, replace_folder, write_json

if TYPE_CHECKING:
    import keras

_LARGE_PIXELS = (
    128 * 128
)  # the fastest batch size is 8 for larger images, 32 for smaller ones (of 4 to 256, on 2 cores)
_HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_PRECISION = "INFERENCE_PRECISION_HINT"
_FILES = ("graph.xml", "graph.bin")
_MAX_DIFFERENCE = 1e-2  # far above rounding errors, which the layers of an untrained network can amplify to 1e-3


class ExportError(Exception):
    """OpenVINO cannot run a network."""


class OpenVINORuntime:
    """Run an exported graph on the CPU, with a few batches at the same time.

    Parameters
    ----------
    folder : Path
        Folder with ``graph.xml`` and ``graph.bin``, whose checksums were verified.
    identity : Identity
        Identity of the extractor.
    batch_size : int, optional
        Batch size that the graph is compiled for. Default: 8 for large images, 32 for small ones.

    Raises
    ------
    ExportError
        If OpenVINO would compute in another precision than that of the identity.
    """

    name = "openvino"

    def __init__(self, folder: Path, identity: Identity, batch_size: int | None = None):
        openvino = _openvino()
        height, width = identity.size
        self.batch_size = batch_size or (8 if height * width >= _LARGE_PIXELS else 32)
        core = openvino.Core()
        core.set_property({"ENABLE_MMAP": False})  # if a mapped file were truncated, the process would be killed
        model = core.read_model(folder / _FILES[0])
        model.reshape([self.batch_size, height, width, identity.fields["channels"]])
        precision = identity.fields["precision"]
        settings = {_PRECISION: _HINTS[precision], "PERFORMANCE_HINT": "THROUGHPUT"}
        compiled = core.compile_model(model, "CPU", settings)
        _require_precision(compiled.get_property(_PRECISION), precision)
        n_requests = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self._requests = [compiled.create_infer_request() for _ in range(n_requests)]

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield the embeddings of each batch, see `hybrid.extractors.runtimes.base.Runtime`."""
        free = deque(self._requests)
        running: deque[tuple[Any, np.ndarray, int]] = deque()
        for pixels in batches:
            if not free:
                yield _finish(running, free)
            request, batch = free.popleft(), padded(pixels, self.batch_size)
            request.start_async([batch], share_inputs=True)
            running.append((request, batch, len(pixels)))  # the batch must outlive its request
        while running:
            yield _finish(running, free)


def check_precision(identity: Identity) -> None:
    """Raise `ExportError` if this CPU cannot compute in the extractor's precision.

    OpenVINO itself would use float32 without a warning.
    """
    precision, core = identity.fields["precision"], _openvino().Core()
    core.set_property("CPU", {_PRECISION: _HINTS[precision]})
    _require_precision(core.get_property("CPU", _PRECISION), precision)


def _require_precision(actual: Any, precision: str) -> None:
    if actual.get_type_name() != _HINTS[precision]:
        raise ExportError(f"on this CPU it computes in {actual.get_type_name()}, not in {precision}")


def export_graph(model: "keras.Model", identity: Identity, folder: Path) -> None:
    """Write a Keras graph in OpenVINO's format, with its checksums; the folder is written completely or not at all.

    The graph is always exported in float32; the precision is set when it is compiled. The exported graph is run on a
    synthetic image and must give the same result as Keras.

    Parameters
    ----------
    model : keras.Model
        The graph, in float32.
    identity : Identity
        Identity of the extractor.
    folder : Path
        Folder to write.

    Raises
    ------
    ExportError
        If OpenVINO cannot run the network. Nothing is written then.
    """
    with replace_folder(folder) as new:
        try:
            _convert(model, new / _FILES[0])
            difference = _difference(model, OpenVINORuntime(new, identity.in_precision("float32"), batch_size=1))
        except Exception as error:  # the converter may raise any exception
            raise ExportError(reason_of(error)) from error
        if not difference < _MAX_DIFFERENCE:
            raise ExportError(f"its result differs from Keras's by {difference:.0e} of their scale")
        files = {name: file_digest(new / name) for name in _FILES}
        write_json(new / "graph.json", {"fingerprint": identity.fingerprint, "sha256": files})


def _convert(model: "keras.Model", path: Path) -> None:
    openvino = _openvino()
    if sys.version_info >= (3, 13):
        _replace_environment_setup()
    with contextlib.redirect_stdout(sys.stderr), tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.xml"
        model.export(str(raw), format="openvino", verbose=False)
        graph = openvino.Core().read_model(raw)
        # Every use of TensorFlow's swish adds an output of its own after the graph's output.
        openvino.save_model(openvino.Model([graph.output(0)], graph.get_parameters()), path, compress_to_fp16=False)


def _replace_environment_setup() -> None:
    """Replace a function of OpenVINO's converter that raises NameError since Python 3.13.

    It imports TensorFlow and deletes the name again, each in a string of code that is run by itself, and since then
    such strings no longer share local variables. Of what it returns, the converter uses the version of TensorFlow only.
    """
    from openvino.frontend.tensorflow import utils

    utils.get_environment_setup = lambda framework: {"tensorflow": sys.modules["tensorflow"].__version__}


def _difference(model: "keras.Model", runtime: OpenVINORuntime) -> float:
    """Return the largest difference from Keras on a generated image, relative to the embedding's largest value."""
    import keras

    height, width, channels = model.input_shape[1:]
    y, x = np.mgrid[0:height, 0:width]
    wave = 127.5 + 60 * np.sin(x / (3 + width / 9)) + 60 * np.cos(y / (3 + height / 7))  # overflows in few networks
    pixels = np.stack([np.roll(wave, 5 * channel, axis=0) for channel in range(channels)], axis=-1)
    pixels = pixels.astype(np.uint8)[None]
    expected = keras.ops.convert_to_numpy(model(pixels, training=False))
    (actual,) = runtime.stream([pixels])
    return float(np.abs(actual - expected).max() / max(np.abs(expected).max(), np.finfo(np.float32).tiny))


def is_exported(folder: Path, identity: Identity) -> bool:
    """Return whether a folder holds the complete, undamaged graph of an extractor."""
    try:
        record = read_json(folder / "graph.json")
        undamaged = all(file_digest(folder / name) == record["sha256"][name] for name in _FILES)
        return undamaged and record["fingerprint"] == identity.fingerprint
    except (InputError, OSError, KeyError, TypeError):
        return False


def _finish(running: deque[tuple[Any, np.ndarray, int]], free: deque[Any]) -> np.ndarray:
    request, _, length = running.popleft()
    request.wait()
    rows = np.array(request.get_output_tensor().data[:length], dtype=np.float32)  # a copy, since the tensor is reused
    free.append(request)
    return rows


def _openvino() -> Any:
    """Import OpenVINO without its telemetry package, which would report every conversion to its makers."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino
