"""Run an exported graph beside the model that it is of, on the same images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from sklearn.pipeline import Pipeline

from hybrid.errors import InputError, reason_of
from hybrid.export.assembling import EMBEDDINGS, LABEL, PROBABILITIES, PixelInput
from hybrid.extractors.images.decode import BadImageError
from hybrid.extractors.images.source import ImageSource
from hybrid.models.predict import judge

_BATCH = 32
_SAME = 1e-4  # of the same embeddings, whatever tolerance was asked for


@dataclass(frozen=True)
class Agreement:
    """How far a graph agrees with its model.

    Attributes
    ----------
    images : int
        Number of images compared.
    source : str
        Where they are from.
    largest_difference : float
        Of any probability of any image, from pixels on.
    of_the_same_embeddings : float
        The same where the model's head is given the embeddings that the graph computed.
    other_labels : int
        Images whose label differs: only where the model itself is undecided to the tolerance.
    tolerance : float
    """

    images: int
    source: str
    largest_difference: float
    of_the_same_embeddings: float
    other_labels: int
    tolerance: float


def compare(
    model: onnx.ModelProto,
    inputs: Sequence[PixelInput],
    pipeline: Pipeline,
    X: np.ndarray,
    source: str,
    tolerance: float,
) -> Agreement:
    """Return how far a graph agrees with its pipeline.

    Parameters
    ----------
    model : onnx.ModelProto
    inputs : sequence of PixelInput
    pipeline : Pipeline
        From images to labels.
    X : ndarray
        Images; those that cannot be decoded are passed over.
    source : str
        Where they are from.
    tolerance : float
        The most that a probability may differ.

    Raises
    ------
    InputError
        If ONNX Runtime cannot run the graph, a probability differs by more, or a label that is decided differs.
    """
    rows, found, label, embeddings = _run(model, inputs, X)
    head, classes = pipeline[1:], pipeline[-1].classes_
    expected, said = judge(head, pipeline[0].transform(X[rows])[None], classes)
    of_same, _ = judge(head, embeddings[None], classes)
    same, apart, other = float(np.abs(found - of_same).max()), np.abs(found - expected), label != said
    agreement = Agreement(
        len(rows), source, float(apart.max()), same, int(np.atleast_2d(other.T).any(axis=0).sum()), tolerance
    )
    if not (agreement.largest_difference <= tolerance and same <= _SAME):  # so written that NaN fails
        raise _differs(agreement, int((apart > tolerance).any(axis=1).sum()))
    if (other & ~undecided(pipeline[-1], expected, tolerance)).any():
        raise InputError(
            f"The graph gives {agreement.other_labels} of {len(rows)} images another label than the model, though "
            "their probabilities are the same, so nothing was written: the head does not decide by its probabilities."
        )
    return agreement


def _run(
    model: onnx.ModelProto, inputs: Sequence[PixelInput], X: np.ndarray
) -> tuple[list[int], NDArray[np.float32], NDArray, NDArray[np.float32]]:
    """Return which images could be decoded, and their probabilities, labels and embeddings in ONNX Runtime."""
    session = _session(model)
    rows: list[int] = []
    parts = []
    for numbers, pixels in _batches(inputs, X):
        rows += numbers
        feed = {one.name: np.stack(part) for one, part in zip(inputs, pixels, strict=True)}
        parts.append(session.run([PROBABILITIES, LABEL, EMBEDDINGS], feed))
    if not rows:
        raise InputError(f"None of the {len(X)} images to check the graph on can be decoded: give others.")
    proba, label, embeddings = (np.concatenate(part) for part in zip(*parts, strict=True))
    return rows, proba, label, embeddings


def _session(model: onnx.ModelProto) -> Any:
    """Return what runs a graph on the CPU, with the embeddings as one more output."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    model.graph.output.append(helper.make_tensor_value_info(EMBEDDINGS, TensorProto.FLOAT, None))
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # whatever it finds amiss
        raise InputError(f"ONNX Runtime cannot run the graph, so nothing was written: {reason_of(error)}") from error
    finally:
        del model.graph.output[-1]


def _batches(inputs: Sequence[PixelInput], X: np.ndarray) -> Iterator[tuple[list[int], list[list[np.ndarray]]]]:
    """Yield the numbers of some images, and their pixels for each input."""
    source = ImageSource(X)
    for start in range(0, len(X), _BATCH):
        numbers, rows = [], []
        for number in range(start, min(start + _BATCH, len(X))):
            try:
                rows.append([source.decode(number, one.size, one.channels, one.interpolation)[1] for one in inputs])
                numbers.append(number)
            except BadImageError:
                continue
        if numbers:
            yield numbers, [list(column) for column in zip(*rows, strict=True)]


def undecided(head: Any, proba: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
    """Return the decisions, (n,) or (n, k), that a difference within the tolerance can turn."""
    thresholds = getattr(head, "thresholds_", None)
    if getattr(head, "multilabel_", False):
        return np.abs(proba - (0.5 if thresholds is None else thresholds)) <= tolerance
    if thresholds is not None:
        return np.abs(proba[:, head._positive_column()] - thresholds[0]) <= tolerance
    second, first = np.sort(proba, axis=1)[:, -2:].T
    return first - second <= 2 * tolerance


def _differs(agreement: Agreement, images: int) -> InputError:
    said = (
        f"The graph's probabilities differ from the model's by up to {agreement.largest_difference:.1e}, by more than "
        f"{agreement.tolerance:g} on {images} of {agreement.images} images, so nothing was written"
    )
    if not agreement.of_the_same_embeddings <= _SAME:
        return InputError(f"{said}: even of the same embeddings by {agreement.of_the_same_embeddings:.1e}.")
    return InputError(
        f"{said}. Of the same embeddings they are the same to {agreement.of_the_same_embeddings:.1e}: these images lie "
        "so close to a split of a tree, or to a step of a calibration, that the last digits of an embedding, which "
        "differ between runtimes, turn them. Take a linear head, or accept it with a larger tolerance."
    )
