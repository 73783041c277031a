"""Save and load what a model keeps of images: a reference of the training images, and scores that calibrate sets."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import InputError, reason_of
from hybrid.files import expanded
from hybrid.pipelines.prediction_sets import CalibrationScores
from hybrid.pipelines.saved.contents import CALIBRATION, REFERENCE
from hybrid.pipelines.saved.forest import read_array
from hybrid.pipelines.saved.inspect import inspect_model
from hybrid.pipelines.saved.manifest import Manifest
from hybrid.pipelines.saved.unpack import unpack_model
from hybrid.pipelines.typicality import Reference

_MOST_BYTES = 2**20
_TYPES: dict[str, dict[str, type]] = {
    REFERENCE: {
        "directions": np.float16,
        "lengths": np.float32,
        "groups": np.int32,
        "widths": np.int32,
        "distances": np.float32,
        "sizes": np.int32,
    },
    CALIBRATION: {"probabilities": np.float32, "codes": np.int32, "groups": np.int32},
}


def kept_files(
    reference: Reference | None, calibration: CalibrationScores | None, width: int, n_classes: int, multilabel: bool
) -> dict[str, bytes]:
    """Return the files of a model's reference and of its calibration scores, by name.

    Parameters
    ----------
    reference : Reference or None
    calibration : CalibrationScores or None
    width : int
        Number of columns that the head takes.
    n_classes : int
        Number of its classes or labels.
    multilabel : bool
        Whether they are labels, of which an image can have several.

    Raises
    ------
    InputError
        If the reference or the scores are those of another model.
    """
    files = {}
    if reference is not None:
        if reference.width != width:
            raise InputError(f"The reference has {reference.width} columns, but the pipeline was fitted to {width}.")
        files[REFERENCE] = _packed(_arrays(reference, REFERENCE))
    if calibration is not None:
        arrays = _arrays(calibration, CALIBRATION)
        _check_calibration(arrays, n_classes, multilabel)
        files[CALIBRATION] = _packed(arrays)
    return files


def load_reference(model: str | Path) -> Reference:
    """Return the reference of a saved model, without loading the model.

    Parameters
    ----------
    model : str or Path
        The model's folder, or a .zip file of it.

    Returns
    -------
    Reference
        Embeddings of training images, and what is needed to say how typical other embeddings are.

    Raises
    ------
    InputError
        If the model keeps no reference, with the reason; or if a file of it is missing, changed or damaged.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from hybrid.pipelines import make_head_pipeline, make_reference, save_model
    >>> X, y = load_iris(return_X_y=True)
    >>> pipeline = make_head_pipeline("softmax").fit(X, y)
    >>> folder = save_model(pipeline, "iris", reference=make_reference(X))
    >>> reference = load_reference(folder)
    >>> reference.is_unfamiliar(reference.typicality([[0.1, 6.0, 0.1, 6.0]]))
    array([ True])
    """
    path = expanded(model).absolute()
    if path.is_file():
        path, inspection = unpack_model(path)
    else:
        inspection = inspect_model(path)
        inspection.check()
    reference = read_reference(path, inspection.manifest)
    if reference is None:
        raise InputError(f"The model {inspection.model!r} keeps no reference: {inspection.manifest.reference}.")
    return reference


def read_reference(folder: Path, manifest: Manifest) -> Reference | None:
    """Return the reference in the folder of a model whose files were verified; None if there is none."""
    arrays = _read(folder, REFERENCE, manifest)
    if arrays is None:
        return None
    rows, widths = len(arrays["directions"]), arrays.pop("widths")
    shapes = {
        "directions": (rows, manifest.width),
        "lengths": (rows, len(widths)),
        "groups": (rows,),
        "distances": (len(arrays["distances"]),),
        "sizes": (len(arrays["distances"]),),
    }
    valid = (
        all(arrays[name].shape == shape for name, shape in shapes.items())
        and widths.ndim == 1
        and (widths > 0).all()
        and int(widths.sum(dtype=np.int64)) == manifest.width
        and rows > 0
        and len(arrays["sizes"]) > 0
        and (arrays["sizes"] > 0).all()
        and (np.diff(arrays["distances"]) >= 0).all()
        and (np.abs(arrays["directions"]) <= 1.01).all()
    )
    if not valid:
        raise _damaged(folder, REFERENCE, "its arrays do not fit each other or the model")
    return Reference(widths=tuple(widths.tolist()), **arrays)


def read_calibration(folder: Path, manifest: Manifest) -> CalibrationScores | None:
    """Return the calibration scores in the folder of a model whose files were verified; None if there are none."""
    arrays = _read(folder, CALIBRATION, manifest)
    if arrays is None:
        return None
    try:
        _check_calibration(arrays, len(manifest.classes), manifest.task == "multilabel")
    except InputError as error:
        raise _damaged(folder, CALIBRATION, reason_of(error)) from error
    return CalibrationScores(**arrays, source=manifest.prediction_sets)


def _check_calibration(arrays: Mapping[str, NDArray], n_classes: int, multilabel: bool) -> None:
    codes, n = arrays["codes"], len(arrays["groups"])
    shape = (n, n_classes) if multilabel else (n,)
    if not n or codes.shape != shape or arrays["probabilities"].shape != shape or arrays["groups"].shape != (n,):
        raise InputError(f"The calibration scores have shape {codes.shape}; expected {shape}, with at least one image.")
    if codes.min() < 0 or codes.max() >= (2 if multilabel else n_classes):
        raise InputError("The calibration scores name a class that the model does not have.")


def _arrays(kept: Reference | CalibrationScores, file: str) -> dict[str, NDArray]:
    return {name: np.asarray(getattr(kept, name), kind) for name, kind in _TYPES[file].items()}


def _packed(arrays: Mapping[str, NDArray]) -> bytes:
    buffer = BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    if buffer.tell() > _MOST_BYTES:
        raise InputError(
            f"A file of {buffer.tell():,} bytes would be kept with the model; expected at most {_MOST_BYTES:,}."
        )
    return buffer.getvalue()


def _read(folder: Path, name: str, manifest: Manifest) -> dict[str, NDArray] | None:
    """Return the arrays of a file, each with its type checked and without NaN; None if the model has no such file."""
    if name not in manifest.files:
        return None
    try:
        if manifest.files[name].size > _MOST_BYTES:
            raise InputError(f"it has {manifest.files[name].size:,} bytes; expected at most {_MOST_BYTES:,}")
        with ZipFile(BytesIO((folder / name).read_bytes())) as archive:
            if sorted(archive.namelist()) != sorted(f"{array}.npy" for array in _TYPES[name]):
                raise InputError(f"it holds {', '.join(archive.namelist()):.200}")
            if sum(member.file_size for member in archive.infolist()) > _MOST_BYTES:
                raise InputError("it would be unpacked to more bytes than a model keeps")
            arrays = {array: read_array(archive, f"{array}.npy") for array in _TYPES[name]}
        for array, kind in _TYPES[name].items():
            if arrays[array].dtype != kind or not arrays[array].ndim or not np.isfinite(arrays[array]).all():
                raise InputError(f"{array} holds {arrays[array].dtype}, or NaN or infinity")
    except Exception as error:  # an untrusted file can fail in any way
        raise _damaged(folder, name, reason_of(error)) from error
    return arrays


def _damaged(folder: Path, name: str, reason: str) -> InputError:
    return InputError(f"Model {folder.name!r} has a damaged {name}: {reason.rstrip('.')}. Fit and save it again.")
