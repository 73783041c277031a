"""Embedding sets: the labels and splits of a dataset's images, and the keys of their embeddings in the store."""

import hashlib
import io
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.errors import InputError, reason_of
from hybrid.extractors import Extractor
from hybrid.extractors.images.views import Views
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.store import EmbeddingStore
from hybrid.files import locked, released_blocks, write_atomic
from hybrid.files.object_store import is_address
from hybrid.workspace.provenance import used_in_training
from hybrid.workspace.set_record import RowsFile, SetRecord
from hybrid.workspace.workspace import BEST_NETWORK, LAST_NETWORK, Workspace, unique_name

if TYPE_CHECKING:
    from hybrid.extractors import FeatureExtractor


@dataclass(frozen=True, eq=False)
class EmbeddingSet:
    """The embeddings of a dataset by one extractor, with the labels and the split of each image.

    A set is saved only when all its embeddings are in the store. An extraction that was interrupted therefore cannot
    be mistaken for a complete one.

    Attributes
    ----------
    name : str
        Name of the set in the workspace.
    keys : ndarray of uint8 of shape (n, 32)
        SHA-256 digests of the images. They are the keys of the images' embeddings in the store.
    ids : ndarray of str of shape (n,)
    y : ndarray of shape (n,) or (n, k)
        Labels, as in `Dataset`.
    classes : ndarray of shape (k,)
    split : ndarray of str of shape (n,)
        ``"train"``, ``"val"`` or ``"test"``.
    groups : ndarray of str of shape (n,), or None
        Group of each image, such as a patient.
    record : SetRecord
        Everything else that is saved about the set.
    view_keys : ndarray of uint8 of shape (n, v, 32), or None
        Keys of the embeddings of each image's v views; zeros for images without views. None if no image has views.
    columns : dict of str to ndarray of str of shape (n,)
        Further values of each image, as in `Dataset`. Empty in sets of earlier versions.
    """

    name: str
    keys: np.ndarray
    ids: np.ndarray
    y: np.ndarray
    classes: np.ndarray
    split: np.ndarray
    groups: np.ndarray | None
    record: SetRecord
    view_keys: np.ndarray | None = None
    columns: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def task(self) -> str:
        """``"binary"``, ``"multiclass"`` or ``"multilabel"``."""
        return self.record.dataset.task

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the extractor."""
        return self.record.extractor.fingerprint

    @property
    def identity(self) -> Identity:
        """Identity of the extractor."""
        return self.record.extractor.identity

    @property
    def extractor(self) -> "FeatureExtractor":
        """The extractor that computed the embeddings."""
        from hybrid.extractors import FeatureExtractor

        return FeatureExtractor(**self.record.extractor.arguments())

    def in_training(self) -> np.ndarray:
        """Tell for each image whether the extractor's network was trained or selected on it.

        Returns
        -------
        ndarray of bool of shape (n,)
        """
        return used_in_training(self.keys, self.record.extractor.backbone)

    def embeddings(self, cache: Path | None = None, out: np.ndarray | None = None) -> np.ndarray:
        """Return the embeddings of all images from the store.

        Parameters
        ----------
        cache : Path, optional
            Folder of the store. By default the one that the set was extracted to.
        out : ndarray of float32 of shape (n, width), optional
            An array, such as one on disk, that they are read into in blocks.

        Returns
        -------
        ndarray of float32 of shape (n, width)

        Raises
        ------
        InputError
            If an embedding is no longer in the store.
        """
        store = self._store(cache)
        if out is None:
            return store.gather(self.keys)
        for rows in released_blocks(out):
            out[rows] = store.gather(self.keys[rows])
        return out

    @property
    def views(self) -> Views | None:
        """The views of the training images, or of all images; None if no image has views."""
        return self.record.views.views if self.record.views else None

    @property
    def averages(self) -> bool:
        """Whether every image has views, so that predictions are means over an image and its views."""
        return self.record.views is not None and self.record.views.of != "train"

    def view_embeddings(self, mask: np.ndarray, cache: Path | None = None) -> np.ndarray:
        """Return the embeddings of the views of some images from the store.

        Parameters
        ----------
        mask : ndarray of bool of shape (n,)
            The m images to select. If the set has views, each of them must have views.
        cache : Path, optional
            Folder of the store. By default the one that the set was extracted to.

        Returns
        -------
        ndarray of float32 of shape (m, v, width)
            v is 0 if the set has no views.

        Raises
        ------
        InputError
            If an embedding is no longer in the store.
        """
        keys = self.view_keys[mask] if self.view_keys is not None else np.empty((int(mask.sum()), 0, 32), np.uint8)
        rows = self._store(cache).gather(keys.reshape(-1, keys.shape[2]))
        return rows.reshape(*keys.shape[:2], -1)

    def _store(self, cache: Path | None) -> EmbeddingStore:
        cache = cache or self.record.extractor.cache
        return EmbeddingStore(Extractor(cache=cache).cache_folder, self.identity)


def save_set(embeddings: EmbeddingSet, workspace: Workspace, name: str | None = None) -> EmbeddingSet:
    """Save an embedding set in a workspace and return it with its name.

    Parameters
    ----------
    embeddings : EmbeddingSet
    workspace : Workspace
    name : str, optional
        A set with this name is replaced. By default the name is built from the dataset, the extractor and the views:
        an earlier set of the same three is replaced, and a number is appended if another set has the name.

    Returns
    -------
    EmbeddingSet
    """
    names = ("keys", "ids", "y", "classes", "split", "groups", "view_keys")
    arrays: dict[str, Any] = {name: values for name in names if (values := getattr(embeddings, name)) is not None}
    if embeddings.columns:  # their names may not be those of files
        arrays["column_names"] = np.array(list(embeddings.columns), dtype=np.str_)
        arrays |= {f"column_{number}": values for number, values in enumerate(embeddings.columns.values())}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    with locked(workspace.sets):  # otherwise another process could remove the rows before the record names them
        name = name or _free_name(embeddings.record, workspace)
        rows = workspace.sets / f"{name}-{digest[:12]}.npz"
        write_atomic(rows, lambda file: file.write(buffer.getvalue()))
        record = replace(embeddings.record, rows=RowsFile(rows.name, digest))
        record.write(workspace.sets / f"{name}.json")
        for other in workspace.sets.glob(f"{name}-*.npz"):
            if other != rows and len(other.stem) == len(rows.stem):
                other.unlink(missing_ok=True)
    return replace(embeddings, name=name, record=record)


def load_set(workspace: Workspace, name: str | None = None) -> EmbeddingSet:
    """Return an embedding set of a workspace.

    Parameters
    ----------
    workspace : Workspace
    name : str, optional
        By default the set that was saved last.

    Returns
    -------
    EmbeddingSet

    Raises
    ------
    InputError
        If there is no such set, or it is damaged.
    """
    with locked(workspace.sets) if workspace.sets.is_dir() else nullcontext():  # while its files are replaced
        return _load_set(workspace, name)


def _load_set(workspace: Workspace, name: str | None) -> EmbeddingSet:
    path = workspace.find("sets", name) if name else workspace.latest("sets")
    if path is None:
        raise InputError(f"There is no embedding set in {str(workspace.folder)!r}: run `hybrid extract DATA` first.")
    record = SetRecord.read(path)
    if record.rows is None:
        raise record.damage(path, "does not name the file of its rows")
    if record.extractor.identity.fingerprint != record.extractor.fingerprint:
        raise record.damage(path, "has a fingerprint that does not match its extractor")
    rows = path.parent / Path(record.rows.file).name
    try:
        data = rows.read_bytes()
        if hashlib.sha256(data).hexdigest() != record.rows.sha256:
            raise ValueError("it does not match its checksum")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            values = {key: arrays[key] for key in arrays.files}
    except (OSError, ValueError) as error:
        raise record.damage(rows, f"cannot be read ({reason_of(error)})") from error
    groups, names = values.pop("groups", None), values.pop("column_names", np.array([], np.str_)).tolist()
    columns = {name: values.pop(f"column_{number}") for number, name in enumerate(names)}
    record = _with_current_paths(record, workspace)
    return EmbeddingSet(name=path.stem, groups=groups, record=record, columns=columns, **values)


def _with_current_paths(record: SetRecord, workspace: Workspace) -> SetRecord:
    """Return a record with the present paths of the network and the cache, in case the project folder was moved."""
    extractor = record.extractor
    path = Path(extractor.backbone)
    moved = workspace.networks / path.parent.name / path.name
    if path.name in (BEST_NETWORK, LAST_NETWORK) and not path.exists() and moved.is_file():
        extractor = extractor.with_params(backbone=str(moved.resolve()))
    cache = extractor.cache
    if cache and not is_address(cache) and not EmbeddingStore(cache, extractor.identity).folder.is_dir():
        extractor = extractor.with_params(cache=None)
    return replace(record, extractor=extractor)


def _free_name(record: SetRecord, workspace: Workspace) -> str:
    """Return the name of an earlier set of the same dataset, extractor and views, or a free name if there is none."""
    base = record.short_name
    taken = {path.stem: path for path in workspace.records("sets")}
    for name, path in taken.items():
        if (name == base or name.startswith(f"{base}-")) and SetRecord.read(path).content == record.content:
            return name
    return unique_name(base, taken)
