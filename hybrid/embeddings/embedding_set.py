"""Embedding sets: which images, labels and split a dataset had, and which extractor's rows belong to them."""

import hashlib
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.errors import InputError, reason_of
from hybrid.extractors import Extractor
from hybrid.extractors.images.views import Views
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.store import EmbeddingStore
from hybrid.files import write_atomic
from hybrid.workspace.provenance import seen_in_training
from hybrid.workspace.set_record import RowsFile, SetRecord
from hybrid.workspace.workspace import BEST_NETWORK, LAST_NETWORK, Workspace, unique_name

if TYPE_CHECKING:
    from hybrid.extractors import FeatureExtractor


@dataclass(frozen=True, eq=False)
class EmbeddingSet:
    """A dataset as one extractor sees it.

    It is written only when every row is in the store, so a partial extraction can never be fitted as if whole.

    Attributes
    ----------
    name : str
    keys : ndarray of uint8, (n, 32)
        Digests of the images: where their rows are in the store.
    ids : ndarray of str, (n,)
    y : ndarray, (n,) or (n, k)
        Labels, as in `Dataset`.
    classes : ndarray
    split : ndarray of str, (n,)
    groups : ndarray of str, (n,), or None
    record : SetRecord
    view_keys : ndarray of uint8, (n, k, 32), or None
        Where the rows of k views of each image are in the store; zeros for images without. None if there are no views.
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

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def task(self) -> str:
        """``"binary"``, ``"multiclass"`` or ``"multilabel"``."""
        return self.record.dataset.task

    @property
    def fingerprint(self) -> str:
        """Of the extractor."""
        return self.record.extractor.fingerprint

    @property
    def identity(self) -> Identity:
        """Of the extractor."""
        return self.record.extractor.identity

    @property
    def extractor(self) -> "FeatureExtractor":
        """The extractor that made the set."""
        from hybrid.extractors import FeatureExtractor

        return FeatureExtractor(**self.record.extractor.arguments())

    def in_training(self) -> np.ndarray:
        """Return for each image whether the set's network was trained on it, or chosen by it, (n,) of bool."""
        return seen_in_training(self.keys, self.record.extractor.backbone)

    def embeddings(self, cache: Path | None = None) -> np.ndarray:
        """Return the rows of the store, (n, width), float32.

        Raises
        ------
        InputError
            If one is no longer there.
        """
        return self._store(cache).gather(self.keys)

    @property
    def views(self) -> Views | None:
        """The views that there are of the training images, perhaps of all; None if there are none."""
        return self.record.views.views if self.record.views else None

    @property
    def averages(self) -> bool:
        """Whether there are views of every image, to average predictions over."""
        return self.record.views is not None and self.record.views.of != "train"

    def view_embeddings(self, here: np.ndarray, cache: Path | None = None) -> np.ndarray:
        """Return the rows of the views of some images, (m, k, width), float32; k is 0 if there are no views.

        Parameters
        ----------
        here : ndarray of bool, (n,)
            Images; they must have views if any image of the set has.
        cache : Path, optional

        Raises
        ------
        InputError
            If a row is no longer there.
        """
        keys = self.view_keys[here] if self.view_keys is not None else np.empty((int(here.sum()), 0, 32), np.uint8)
        rows = self._store(cache).gather(keys.reshape(-1, keys.shape[2]))
        return rows.reshape(*keys.shape[:2], -1)

    def _store(self, cache: Path | None) -> EmbeddingStore:
        cache = cache or self.record.extractor.cache
        return EmbeddingStore(Extractor(cache=cache).cache_folder, self.identity)


def save_set(embeddings: EmbeddingSet, workspace: Workspace, name: str | None = None) -> EmbeddingSet:
    """Write an embedding set into a workspace and return it with its name.

    The same dataset, extractor and views take the place of their earlier set; another one gets a number behind its
    name.
    """
    name = name or _free_name(embeddings.record, workspace)
    names = ("keys", "ids", "y", "classes", "split", "groups", "view_keys")
    arrays: dict[str, Any] = {name: values for name in names if (values := getattr(embeddings, name)) is not None}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    rows = workspace.sets / f"{name}-{digest[:12]}.npz"
    write_atomic(rows, lambda file: file.write(buffer.getvalue()))
    record = replace(embeddings.record, rows=RowsFile(rows.name, digest))
    record.write(workspace.sets / f"{name}.json")
    for other in workspace.sets.glob(f"{name}-*.npz"):
        if other != rows and len(other.stem) == len(rows.stem):
            other.unlink(missing_ok=True)
    return replace(embeddings, name=name, record=record)


def load_set(workspace: Workspace, name: str | None = None) -> EmbeddingSet:
    """Return the embedding set of that name, or the latest.

    Raises
    ------
    InputError
        If there is none, or it is damaged.
    """
    path = workspace.find("sets", name) if name else workspace.latest("sets")
    if path is None:
        raise InputError(f"There is no embedding set in {str(workspace.folder)!r}: run `hybrid extract DATA` first.")
    record = SetRecord.read(path)
    if record.rows is None:
        raise record.damage(path, "does not name the file of its rows")
    if record.extractor.identity.fingerprint != record.extractor.fingerprint:
        raise record.damage(path, "holds the fingerprint of another extractor than it describes")
    rows = path.parent / Path(record.rows.file).name
    try:
        data = rows.read_bytes()
        if hashlib.sha256(data).hexdigest() != record.rows.sha256:
            raise ValueError("it does not match its checksum")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            values = {key: arrays[key] for key in arrays.files}
    except (OSError, ValueError) as error:
        raise record.damage(rows, f"cannot be read ({reason_of(error)})") from error
    groups = values.pop("groups", None)
    return EmbeddingSet(name=path.stem, groups=groups, record=_at_its_place(record, workspace), **values)


def _at_its_place(record: SetRecord, workspace: Workspace) -> SetRecord:
    """Return a record that points to the network and the cache where they are now, if the project was moved."""
    extractor = record.extractor
    path = Path(extractor.backbone)
    here = workspace.networks / path.parent.name / path.name
    if path.name in (BEST_NETWORK, LAST_NETWORK) and not path.exists() and here.is_file():
        extractor = extractor.with_params(backbone=str(here.resolve()))
    if extractor.cache is not None and not EmbeddingStore(extractor.cache, extractor.identity).folder.is_dir():
        extractor = extractor.with_params(cache=None)
    return replace(record, extractor=extractor)


def _free_name(record: SetRecord, workspace: Workspace) -> str:
    """Return the name of the earlier set of the same dataset, extractor and views, else a free one."""
    base = record.short_name
    taken = {path.stem: path for path in workspace.records("sets")}
    for name, path in taken.items():
        if (name == base or name.startswith(f"{base}-")) and SetRecord.read(path).content == record.content:
            return name
    return unique_name(base, taken)
