"""Compare an exported graph with its model on the same images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from sklearn.pipeline import Pipeline

from hybrid.classifiers.prior import corrected
from hybrid.errors import InputError, reason_of
from hybrid.export.assembling import EMBEDDINGS, LABEL, PROBABILITIES, PixelInput
from hybrid.extractors.images.decoding import BadImageError
from hybrid.extractors.images.source import ImageSource
from hybrid.models.predict import predict_checked

_BATCH = 32
_HEAD_TOLERANCE = 1e-4  # for the same embeddings, whatever the tolerance for pixels is


@dataclass(frozen=True)
class Agreement:
    """The agreement of a graph with its model.

    Attributes
    ----------
    images : int
        Number of compared images.
    source : str
        Description of the source of the images.
    largest_difference : float
        Largest absolute difference of any probability, if both compute them from the pixels.
    of_the_same_embeddings : float
        Largest absolute difference of any probability, if the model's head gets the embeddings that the graph computed.
    other_labels : int
        Number of images whose label differs. This can happen only where the model is undecided within the tolerance.
    tolerance : float
        Largest allowed difference of a probability.
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
    """Compare a graph with its pipeline on images.

    Parameters
    ----------
    model : onnx.ModelProto
        The exported graph.
    inputs : sequence of PixelInput
        Inputs of the graph.
    pipeline : Pipeline
        The fitted pipeline from images to labels.
    X : ndarray
        Images. Those that cannot be decoded are skipped.
    source : str
        Description of the source of the images.
    tolerance : float
        Largest allowed difference of a probability.

    Returns
    -------
    Agreement

    Raises
    ------
    InputError
        If ONNX Runtime cannot run the graph, a probability differs by more than the tolerance, or a label differs
        although the model is not undecided.
    """
    rows, proba, label, embeddings = _run(model, inputs, X)
    head, classes = pipeline[1:], pipeline[-1].classes_
    expected, expected_label = predict_checked(head, pipeline[0].transform(X[rows]), classes)
    of_same, _ = predict_checked(head, embeddings, classes)
    same, difference, other_label = (
        float(np.abs(proba - of_same).max()),
        np.abs(proba - expected),
        label != expected_label,
    )
    agreement = Agreement(
        len(rows), source, float(difference.max()), same, int(np.atleast_2d(other_label.T).any(axis=0).sum()), tolerance
    )
    if not (agreement.largest_difference <= tolerance and same <= _HEAD_TOLERANCE):  # NaN fails this condition
        raise _difference_error(agreement, int((difference > tolerance).any(axis=1).sum()))
    if (other_label & ~undecided(pipeline[-1], expected, tolerance)).any():
        raise InputError(
            f"Nothing was written: the graph and the model give {agreement.other_labels} of {len(rows)} "
            "images different labels although their probabilities agree. The head does not derive its labels from its "
            "probabilities."
        )
    return agreement


def _run(
    model: onnx.ModelProto, inputs: Sequence[PixelInput], X: np.ndarray
) -> tuple[list[int], NDArray[np.float32], NDArray, NDArray[np.float32]]:
    """Return the rows of the decodable images, and the probabilities, labels and embeddings of the graph for them."""
    session = _session(model)
    rows: list[int] = []
    parts = []
    for numbers, pixels in _batches(inputs, X):
        rows += numbers
        feed = {pixel_input.name: np.stack(part) for pixel_input, part in zip(inputs, pixels, strict=True)}
        parts.append(session.run([PROBABILITIES, LABEL, EMBEDDINGS], feed))
    if not rows:
        raise InputError(f"None of the {len(X)} images to check the graph on can be decoded. Give other images.")
    proba, label, embeddings = (np.concatenate(part) for part in zip(*parts, strict=True))
    return rows, proba, label, embeddings


def _session(model: onnx.ModelProto) -> Any:
    """Return an ONNX Runtime session that runs a graph on the CPU and also outputs the embeddings."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    model.graph.output.append(helper.make_tensor_value_info(EMBEDDINGS, TensorProto.FLOAT, None))
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime can raise any exception
        raise InputError(f"ONNX Runtime cannot run the graph, so nothing was written: {reason_of(error)}") from error
    finally:
        del model.graph.output[-1]


def _batches(inputs: Sequence[PixelInput], X: np.ndarray) -> Iterator[tuple[list[int], list[list[np.ndarray]]]]:
    """Yield batches: the rows of the images that can be decoded, and their pixels for each input."""
    source = ImageSource(X)
    for start in range(0, len(X), _BATCH):
        numbers, rows = [], []
        for number in range(start, min(start + _BATCH, len(X))):
            try:
                rows.append(
                    [source.decode(number, it.size, it.channels, it.interpolation, it.reading)[1] for it in inputs]
                )
                numbers.append(number)
            except BadImageError:
                continue
        if numbers:
            yield numbers, [list(column) for column in zip(*rows, strict=True)]


def undecided(head: Any, proba: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
    """Return a mask of shape (n,) or (n, n_labels): the decisions that a difference within the tolerance can change."""
    thresholds, multilabel = getattr(head, "thresholds_", None), getattr(head, "multilabel_", False)
    ratio = getattr(head, "prior_ratio_", None)
    if thresholds is None and ratio is not None:
        # Near the threshold, the correction multiplies differences by at most this factor.
        proba = corrected(proba, 1 / ratio, multilabel)
        tolerance *= float((ratio.max(axis=1) / ratio.min(axis=1)).max())
    if multilabel:
        return np.abs(proba - (0.5 if thresholds is None else thresholds)) <= tolerance
    if thresholds is not None:
        return np.abs(proba[:, head._positive_column()] - thresholds[0]) <= tolerance
    second, first = np.sort(proba, axis=1)[:, -2:].T
    return first - second <= 2 * tolerance


def _difference_error(agreement: Agreement, images: int) -> InputError:
    difference = (
        "Nothing was written: the graph's probabilities differ from the model's by up to "
        f"{agreement.largest_difference:.1e}, and on {images} of {agreement.images} images by more than "
        f"{agreement.tolerance:g}"
    )
    if not agreement.of_the_same_embeddings <= _HEAD_TOLERANCE:
        return InputError(
            f"{difference}. Even for the same embeddings they differ by {agreement.of_the_same_embeddings:.1e}."
        )
    return InputError(
        f"{difference}. For the same embeddings they agree to {agreement.of_the_same_embeddings:.1e}. The last digits "
        "of an embedding differ between runtimes, and these images lie very close to a split of a tree or a step of an "
        "isotonic calibration. Use a linear head, or accept the difference with a larger tolerance."
    )
