"""Check that an extractor is sound: run it in ways that must give the same result, and measure the differences."""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.backbones.parameters import RandomWeightsWarning, resolve_size, resolve_weights
from hybrid.extractors.backbones.table import parse_backbone
from hybrid.extractors.images.depth import Reading
from hybrid.extractors.images.source import ImageSource
from hybrid.extractors.store.identity import Identity

if TYPE_CHECKING:
    import keras

    from hybrid.extractors.extractor import Extractor

TOLERANCE = {"float32": 1e-4, "bfloat16": 1e-2, "float16": 1e-2}  # relative to the embeddings' largest absolute value
Status = Literal["passed", "failed", "warning", "not run", "info"]

_CONSTANT = 1e-6  # a feature is constant if it varies by at most this fraction of its size, as by rounding
_MANY_DEAD = 0.5  # fraction of constant features above which there is a warning


@dataclass(frozen=True)
class Diagnosis:
    """The result of one check.

    Attributes
    ----------
    check : str
        The property that was checked.
    status : {"passed", "failed", "warning", "not run", "info"}
        The outcome.
    measured : str
        What was measured, in one sentence.
    value : float or None
        The measured number, if there is exactly one.
    """

    check: str
    status: Status
    measured: str
    value: float | None = None


def examine(extractor: "Extractor", images: Any) -> list[Diagnosis]:
    """Examine an extractor on some images, without reading or writing stored embeddings.

    Parameters
    ----------
    extractor : Extractor
        The extractor.
    images : array-like
        Two or more images, as for :meth:`FeatureExtractor.transform`. The check for dead features is the more reliable,
        the more numerous and the more varied the images are.

    Returns
    -------
    list of Diagnosis
        One diagnosis for each check. The extractor is sound if none has failed.

    Raises
    ------
    InputError
        If the network cannot be built with these parameters, or an image cannot be decoded.
    """
    with warnings.catch_warnings():  # two of the checks report what these warnings say
        warnings.simplefilter("ignore", RandomWeightsWarning)
        warnings.filterwarnings("ignore", "OpenVINO cannot run")
        identity = extractor.resolve()
        runs = _Runs(extractor, identity, _decode(images, identity))
        graph = extractor._graph().model
    return [
        _weights(extractor),
        _precision(identity),
        _finite(runs.embeddings),
        _dead(runs.embeddings),
        _scale(runs),
        _alone(runs),
        _order(runs),
        _repeatable(runs),
        _runtimes(runs),
        _preprocessing(extractor, runs),
        _inference_mode(graph),
    ]


class _Runs:
    """Compute an extractor's embeddings of the same pixels in several ways, and compare them."""

    def __init__(self, extractor: "Extractor", identity: Identity, pixels: np.ndarray):
        self.extractor, self.identity, self.pixels = extractor, identity, pixels
        self.tolerance = TOLERANCE[identity.fields["precision"]]
        self.runtime = extractor._runtime(identity).name
        self.embeddings = self.embed(pixels)

    def embed(self, pixels: np.ndarray, **changed: Any) -> np.ndarray:
        run = self.extractor.but(**{"runtime": self.runtime} | changed)._runtime(self.identity)
        starts = range(0, len(pixels), run.batch_size)
        rows = np.concatenate(list(run.stream(pixels[start : start + run.batch_size] for start in starts)))
        return rows.reshape(len(rows), -1)

    def compared(self, check: str, rows: np.ndarray, what: str) -> Diagnosis:
        """Return the diagnosis whether rows equal the extractor's own within the tolerance of its precision."""
        if not np.array_equal(np.isfinite(rows), np.isfinite(self.embeddings)):
            return Diagnosis(check, "failed", f"{what}: NaN or infinity in one of them only")
        finite = np.isfinite(rows)
        difference = float(np.abs(rows[finite] - self.embeddings[finite]).max(initial=0))
        difference /= max(_max_abs(rows), float(np.finfo(np.float32).tiny))
        text = f"{what}: largest difference {difference:.1e} of the scale (at most {self.tolerance:g})"
        return Diagnosis(check, "passed" if difference <= self.tolerance else "failed", text, difference)


def _decode(images: Any, identity: Identity) -> np.ndarray:
    source = ImageSource(images)
    if len(source) < 2:
        raise InputError(f"{len(source)} images were given; expected two or more, to recognise constant features.")
    fields = identity.fields
    how = identity.size, fields["channels"], fields["interpolation"], Reading.from_fields(fields)
    return np.stack([source.decode(number, *how)[1] for number in range(len(source))])


def _weights(extractor: "Extractor") -> Diagnosis:
    weights = resolve_weights(extractor.weights, parse_backbone(extractor.backbone))
    if weights == "random":
        text = f"RANDOM weights (seed {extractor.random_state}): features of an untrained network"
        return Diagnosis("trained weights", "warning", text)
    return Diagnosis("trained weights", "info", {"file": "the .keras file's own"}.get(weights, weights))


def _precision(identity: Identity) -> Diagnosis:
    precision = identity.fields["precision"]
    if precision == "float32":
        return Diagnosis("precision", "info", precision)
    allowed = f"may differ by {TOLERANCE[precision]:g} of the scale instead of {TOLERANCE['float32']:g}"
    return Diagnosis("precision", "info", f"{precision}, as requested: compared embeddings {allowed}")


def _finite(rows: np.ndarray) -> Diagnosis:
    wrong = int((~np.isfinite(rows)).any(axis=0).sum())
    text = f"{wrong} of {rows.shape[1]} features are NaN or infinite for at least one of {len(rows)} images"
    return Diagnosis("finite features", "failed" if wrong else "passed", text, wrong)


def _dead(rows: np.ndarray) -> Diagnosis:
    """Count constant features. Some are usual after a ReLU, but more than half of them indicate a wrong input."""
    with np.errstate(invalid="ignore"):
        dead = np.ptp(rows, axis=0) <= _CONSTANT * np.abs(rows).max(axis=0)
    share = float(dead.mean())
    status: Status = "failed" if dead.all() else "warning" if share > _MANY_DEAD else "passed"
    text = f"{int(dead.sum())} of {len(dead)} features ({share:.0%}) are constant over {len(rows)} images"
    return Diagnosis("no dead features", status, text, share)


def _scale(runs: _Runs) -> Diagnosis:
    rows = runs.embeddings
    finite = rows[np.isfinite(rows)]
    if not finite.size:
        return Diagnosis("scale", "info", "no value is finite")
    between = float(np.where(np.isfinite(rows), rows, 0).std(axis=0).mean())
    text = f"mean {finite.mean():.4g}, standard deviation {finite.std():.4g}, of a feature between images {between:.4g}"
    if between <= runs.tolerance * _max_abs(rows):
        return Diagnosis(
            "scale",
            "warning",
            f"{text}: the embeddings hardly differ, so the check of the order proves little",
            between,
        )
    return Diagnosis("scale", "info", text, between)


def _alone(runs: _Runs) -> Diagnosis:
    alone = runs.embed(runs.pixels, batch_size=1)
    text = f"{len(alone)} images, each alone and in a batch with other images"
    return runs.compared("same alone or in a batch", alone, text)


def _order(runs: _Runs) -> Diagnosis:
    order = np.random.default_rng(0).permutation(len(runs.pixels))
    shuffled = np.empty_like(runs.embeddings)
    shuffled[order] = runs.embed(runs.pixels[order])
    return runs.compared("same in any order", shuffled, f"{len(order)} images, in order and shuffled")


def _repeatable(runs: _Runs) -> Diagnosis:
    again = runs.embed(runs.pixels)
    differ = int((again.view(np.uint32) != runs.embeddings.view(np.uint32)).any(axis=1).sum())
    text = f"{differ} of {len(again)} embeddings differ in at least one bit when computed again"
    return Diagnosis("repeatable", "failed" if differ else "passed", text, differ)


def _runtimes(runs: _Runs) -> Diagnosis:
    name, other = "same in both runtimes", {"openvino": "keras", "keras": "openvino"}[runs.runtime]
    try:
        rows = runs.embed(runs.pixels, runtime=other)
    except InputError as error:  # OpenVINO cannot run every network; Keras runs the others, but more slowly
        return Diagnosis(name, "warning", f"only Keras can run it: {error}")
    return runs.compared(name, rows, f"{other} compared with {runs.runtime}, the runtime in use")


def _preprocessing(extractor: "Extractor", runs: _Runs) -> Diagnosis:
    name, spec, fields = "preprocessing as in Keras", parse_backbone(extractor.backbone), runs.identity.fields
    if spec.row is None or spec.row.kind != "pretrained":
        return Diagnosis(
            name, "not run", f"not a network of keras.applications; pixels are scaled by {_scaling(fields)}"
        )
    if any("/" in layer for layer in fields["layers"]):
        return Diagnosis(name, "not run", "a layer is inside a nested model, where Keras's get_layer cannot find it")
    from hybrid.extractors.graph.reference import reference_embeddings

    size = resolve_size(extractor.size)
    expected = reference_embeddings(
        spec,
        resolve_weights(extractor.weights, spec),
        (size[0], size[1]) if size else None,
        extractor.random_state,
        runs.identity,
        runs.pixels,
    )
    module = f"keras.applications.{spec.row.module}"
    diagnosis = runs.compared(
        name, expected, f"compared with {module}.preprocess_input, the network without additions, and NumPy"
    )
    if diagnosis.status == "failed" and fields["preprocessing"] != module:  # the user's choice may suit the weights
        text = f"scaled by {_scaling(fields)}, not as by {module}: {diagnosis.measured}"
        return Diagnosis(name, "warning", text, diagnosis.value)
    return diagnosis


def _scaling(fields: Any) -> str:
    name = fields["preprocessing"]
    return "a layer of the network itself" if name == "none" else f"{name!r}"


def _inference_mode(graph: "keras.Model") -> Diagnosis:
    from hybrid.extractors.graph.reference import in_training_mode, mode_dependent

    wrong, layers = in_training_mode(graph), mode_dependent(graph)
    if wrong:
        text = f"called with training=True: {', '.join(wrong)}"
        return Diagnosis("inference mode", "failed", f"{text}; build the network without it", len(wrong))
    text = f"{len(layers)} batch norm, dropout and noise layers, none of them called with training=True"
    return Diagnosis("inference mode", "passed", text, 0)


def _max_abs(rows: np.ndarray) -> float:
    """Return the largest absolute value among the finite values."""
    return float(np.abs(rows[np.isfinite(rows)]).max(initial=0))
