"""Prove an extractor before it is trusted: run it in several ways that must not matter, and measure the difference."""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.backbones.parameters import RandomWeightsWarning, resolve_size, resolve_weights
from hybrid.extractors.backbones.table import parse_backbone
from hybrid.extractors.images.source import ImageSource
from hybrid.extractors.store.identity import Identity

if TYPE_CHECKING:
    import keras

    from hybrid.extractors.extractor import Extractor

TOLERANCE = {"float32": 1e-4, "bfloat16": 1e-2, "float16": 1e-2}  # of the embedding's scale: its largest absolute value
Status = Literal["passed", "failed", "warning", "not run", "info"]

_CONSTANT = 1e-6  # of a feature's own size: what rounding alone can move it by
_MANY_DEAD = 0.5


@dataclass(frozen=True)
class Diagnosis:
    """What one check found.

    Attributes
    ----------
    check : str
        What must hold.
    status : {"passed", "failed", "warning", "not run", "info"}
        Whether it does.
    measured : str
        What was measured, in one sentence.
    value : float or None
        The figure in it, if it is one finite number.
    """

    check: str
    status: Status
    measured: str
    value: float | None = None


def examine(extractor: "Extractor", images: Any) -> list[Diagnosis]:
    """Examine an extractor on images; nothing is read from the store of embeddings or written to it.

    Parameters
    ----------
    extractor : Extractor
        With any parameters.
    images : array-like
        Two images or more, as :meth:`FeatureExtractor.transform` takes them. The more and the more varied they are,
        the more a dead feature means.

    Returns
    -------
    list of Diagnosis
        One for each check; the extractor is sound if none has failed.

    Raises
    ------
    InputError
        If the network cannot be built as asked, or an image cannot be decoded.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RandomWeightsWarning)  # it is one of the findings,
        warnings.filterwarnings("ignore", "OpenVINO cannot run")  # and so is this
        identity = extractor.resolve()
        runs = _Runs(extractor, identity, _decode(images, identity))
        graph = extractor._graph().model
    return [
        _weights(extractor),
        _precision(identity),
        _finite(runs.own),
        _dead(runs.own),
        _scale(runs),
        _alone(runs),
        _order(runs),
        _repeatable(runs),
        _runtimes(runs),
        _preprocessing(extractor, runs),
        _inference_mode(graph),
    ]


class _Runs:
    """An extractor's embeddings of some pixels, (n, width), computed in one way or another."""

    def __init__(self, extractor: "Extractor", identity: Identity, pixels: np.ndarray):
        self.extractor, self.identity, self.pixels = extractor, identity, pixels
        self.tolerance = TOLERANCE[identity.fields["precision"]]
        self.runtime = extractor._runtime(identity).name
        self.own = self.embed(pixels)

    def embed(self, pixels: np.ndarray, **changed: Any) -> np.ndarray:
        run = self.extractor.but(**{"runtime": self.runtime} | changed)._runtime(self.identity)
        starts = range(0, len(pixels), run.batch_size)
        rows = np.concatenate(list(run.stream(pixels[start : start + run.batch_size] for start in starts)))
        return rows.reshape(len(rows), -1)

    def compared(self, check: str, rows: np.ndarray, what: str) -> Diagnosis:
        """Return the finding that rows are the extractor's own, to the tolerance of its precision."""
        if not np.array_equal(np.isfinite(rows), np.isfinite(self.own)):
            return Diagnosis(check, "failed", f"{what}: NaN or infinity in one of them only")
        finite = np.isfinite(rows)
        gap = float(np.abs(rows[finite] - self.own[finite]).max(initial=0))
        gap /= max(_size(rows), float(np.finfo(np.float32).tiny))
        text = f"{what}: largest difference {gap:.1e} of the scale (at most {self.tolerance:g})"
        return Diagnosis(check, "passed" if gap <= self.tolerance else "failed", text, gap)


def _decode(images: Any, identity: Identity) -> np.ndarray:
    source = ImageSource(images)
    if len(source) < 2:
        raise InputError(f"{len(source)} images were given; expected two or more, to tell features from constants.")
    how = (identity.size, identity.fields["channels"], identity.fields["interpolation"])
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
    allowed = f"may differ by {TOLERANCE[precision]:g} of the scale, not only by {TOLERANCE['float32']:g}"
    return Diagnosis("precision", "info", f"{precision}, as asked for: what is compared {allowed}")


def _finite(rows: np.ndarray) -> Diagnosis:
    wrong = int((~np.isfinite(rows)).any(axis=0).sum())
    text = f"{wrong} of {rows.shape[1]} features are NaN or infinite on some image ({len(rows)} images)"
    return Diagnosis("finite features", "failed" if wrong else "passed", text, wrong)


def _dead(rows: np.ndarray) -> Diagnosis:
    """Constant features carry nothing: some are usual behind a ReLU, half of them is a sign of wrong input."""
    with np.errstate(invalid="ignore"):
        dead = np.ptp(rows, axis=0) <= _CONSTANT * np.abs(rows).max(axis=0)
    share = float(dead.mean())
    status: Status = "failed" if dead.all() else "warning" if share > _MANY_DEAD else "passed"
    text = f"{int(dead.sum())} of {len(dead)} features ({share:.0%}) are constant over {len(rows)} images"
    return Diagnosis("no dead features", status, text, share)


def _scale(runs: _Runs) -> Diagnosis:
    rows = runs.own
    finite = rows[np.isfinite(rows)]
    if not finite.size:
        return Diagnosis("scale", "info", "no value is finite")
    between = float(np.where(np.isfinite(rows), rows, 0).std(axis=0).mean())
    text = f"mean {finite.mean():.4g}, standard deviation {finite.std():.4g}, of a feature between images {between:.4g}"
    if between <= runs.tolerance * _size(rows):
        return Diagnosis(
            "scale", "warning", f"{text}: the images are hardly told apart, so order proves little", between
        )
    return Diagnosis("scale", "info", text, between)


def _alone(runs: _Runs) -> Diagnosis:
    alone = runs.embed(runs.pixels, batch_size=1)
    text = f"{len(alone)} images, each alone and in a batch with others"
    return runs.compared("same alone or in a batch", alone, text)


def _order(runs: _Runs) -> Diagnosis:
    order = np.random.default_rng(0).permutation(len(runs.pixels))
    shuffled = np.empty_like(runs.own)
    shuffled[order] = runs.embed(runs.pixels[order])
    return runs.compared("same in any order", shuffled, f"{len(order)} images, in order and shuffled")


def _repeatable(runs: _Runs) -> Diagnosis:
    again = runs.embed(runs.pixels)
    differ = int((again.view(np.uint32) != runs.own.view(np.uint32)).any(axis=1).sum())
    text = f"{differ} of {len(again)} embeddings differ in some bit when computed again"
    return Diagnosis("repeatable", "failed" if differ else "passed", text, differ)


def _runtimes(runs: _Runs) -> Diagnosis:
    name, other = "same in both runtimes", {"openvino": "keras", "keras": "openvino"}[runs.runtime]
    try:
        rows = runs.embed(runs.pixels, runtime=other)
    except InputError as error:  # OpenVINO cannot take every network; Keras runs it, slower
        return Diagnosis(name, "warning", f"Keras runs it: {error}")
    return runs.compared(name, rows, f"{other} against {runs.runtime}, which is what runs it")


def _preprocessing(extractor: "Extractor", runs: _Runs) -> Diagnosis:
    name, spec, fields = "preprocessing as in Keras", parse_backbone(extractor.backbone), runs.identity.fields
    if spec.row is None or spec.row.kind != "pretrained":
        return Diagnosis(name, "not run", f"no network of keras.applications; pixels are scaled by {_said(fields)}")
    if any("/" in layer for layer in fields["layers"]):
        return Diagnosis(name, "not run", "a layer lies in a nested model, which Keras's get_layer cannot reach")
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
    own = f"keras.applications.{spec.row.module}"
    found = runs.compared(name, expected, f"against {own}.preprocess_input, the bare network and NumPy")
    if found.status == "failed" and fields["preprocessing"] != own:  # as asked for: the weights may want it so
        return Diagnosis(
            name, "warning", f"scaled by {_said(fields)}, not as {own} does: {found.measured}", found.value
        )
    return found


def _said(fields: Any) -> str:
    name = fields["preprocessing"]
    return "a layer of the network itself" if name == "none" else f"{name!r}"


def _inference_mode(graph: "keras.Model") -> Diagnosis:
    from hybrid.extractors.graph.reference import in_training_mode, mode_dependent

    wrong, layers = in_training_mode(graph), mode_dependent(graph)
    if wrong:
        text = f"called with training=True: {', '.join(wrong)}"
        return Diagnosis("inference mode", "failed", f"{text}; build the network without it", len(wrong))
    text = f"{len(layers)} batch norm, dropout and noise layers, none called with training=True"
    return Diagnosis("inference mode", "passed", text, 0)


def _size(rows: np.ndarray) -> float:
    """Return the largest absolute value that is finite."""
    return float(np.abs(rows[np.isfinite(rows)]).max(initial=0))
