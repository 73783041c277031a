"""Embedding sets: which images, labels and split a dataset had, and which extractor's rows belong to them."""

import hashlib
import io
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors import Extractor
from hybrid.extractors.extractor import current_names
from hybrid.extractors.images.views import Views
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.store import EmbeddingStore
from hybrid.files import read_json, write_atomic, write_json
from hybrid.workspace.provenance import seen_in_training
from hybrid.workspace.workspace import Workspace, slug, unique_name

if TYPE_CHECKING:
    from hybrid.extractors import FeatureExtractor

SCHEMA = 1


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
    info : dict
        JSON values: dataset, extractor (parameters, identity), views, counts, skipped images, seconds of this
        extraction, the ``cost`` of its embeddings: seconds when they were computed, and ``trained``: seconds that the
        network took to train, by its name.
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
    info: dict[str, Any] = field(default_factory=dict)
    view_keys: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def task(self) -> str:
        """``"binary"``, ``"multiclass"`` or ``"multilabel"``."""
        return self.info["dataset"]["task"]

    @property
    def identity(self) -> Identity:
        """Of the extractor."""
        return Identity.from_dict(self.info["extractor"]["identity"])

    @property
    def extractor(self) -> "FeatureExtractor":
        """The extractor that made the set."""
        from hybrid.extractors import FeatureExtractor

        params = current_names(self.info["extractor"]["params"])
        params["size"] = tuple(params["size"]) if isinstance(params["size"], list) else params["size"]
        params["fingerprint"] = self.info["extractor"]["fingerprint"]  # a network replaced since then is refused
        return FeatureExtractor(**params)

    def in_training(self) -> np.ndarray:
        """Return for each image whether the set's network was trained on it, or chosen by it, (n,) of bool."""
        return seen_in_training(self.keys, self.info["extractor"]["params"]["backbone"])

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
        return Views.from_fields(self.info["views"]) if self.info.get("views") else None

    @property
    def averages(self) -> bool:
        """Whether there are views of every image, to average predictions over."""
        return bool(self.info.get("views")) and self.info["views"]["of"] != "train"

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
        cache = cache or self.info["extractor"]["params"]["cache"]
        return EmbeddingStore(Extractor(cache=cache).cache_folder, self.identity)


def save_set(found: EmbeddingSet, workspace: Workspace, name: str | None = None) -> EmbeddingSet:
    """Write an embedding set into a workspace and return it with its name.

    The same dataset, extractor and views take the place of their earlier set; another one gets a number behind its
    name.
    """
    name = name or _free_name(found.info, workspace)
    names = ("keys", "ids", "y", "classes", "split", "groups", "view_keys")
    arrays: dict[str, Any] = {name: getattr(found, name) for name in names if getattr(found, name) is not None}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    rows = workspace.sets / f"{name}-{digest[:12]}.npz"
    write_atomic(rows, lambda file: file.write(buffer.getvalue()))
    write_json(workspace.sets / f"{name}.json", found.info | {"rows": {"file": rows.name, "sha256": digest}})
    for other in workspace.sets.glob(f"{name}-*.npz"):
        if other != rows and len(other.stem) == len(rows.stem):
            other.unlink(missing_ok=True)
    return replace(found, name=name)


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
    info = read_json(path)
    try:
        data = (path.parent / Path(info["rows"]["file"]).name).read_bytes()
        if hashlib.sha256(data).hexdigest() != info["rows"]["sha256"]:
            raise ValueError("its rows do not match their checksum")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            values = {key: arrays[key] for key in arrays.files}
        _find_moved_network(info["extractor"]["params"], workspace)
        _find_moved_cache(info["extractor"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"The embedding set {str(path)!r} is damaged ({error}): run `hybrid extract` again."
        ) from error
    return EmbeddingSet(name=path.stem, groups=values.pop("groups", None), info=info, **values)


def _find_moved_network(params: dict[str, Any], workspace: Workspace) -> None:
    """Point to the network of the same name in this workspace if the whole project was moved."""
    path = Path(params["backbone"])
    here = workspace.networks / path.parent.name / path.name
    if path.name in ("network.keras", "last.keras") and not path.exists() and here.is_file():
        params["backbone"] = str(here.resolve())


def _find_moved_cache(extractor: dict[str, Any]) -> None:
    """Point to the cache that is in use now if the one of the extraction has none of the extractor's embeddings."""
    cache = extractor["params"]["cache"]
    identity = Identity.from_dict(extractor["identity"])
    if cache is not None and not EmbeddingStore(Path(cache), identity).folder.is_dir():
        extractor["params"]["cache"] = None


def _free_name(info: dict[str, Any], workspace: Workspace) -> str:
    """Return the name of the earlier set of the same dataset, extractor and views, else a free one."""
    base = _short_name(info)
    taken = {path.stem: path for path in workspace.records("sets")}
    for name, path in taken.items():
        if (name == base or name.startswith(f"{base}-")) and _what(read_json(path)) == _what(info):
            return name
    return unique_name(base, taken)


def _short_name(info: dict[str, Any]) -> str:
    """Return a name from dataset, backbone, layers and views; a trained network's name holds the dataset's already."""
    dataset, params, views = info["dataset"]["name"], info["extractor"]["params"], info["views"]
    path = Path(params["backbone"])
    trained = {"network.keras": path.parent.name, "last.keras": f"{path.parent.name}-last"}
    backbone = slug(trained.get(path.name) or (path.stem if path.suffix == ".keras" else path))
    words = [] if params["layers"] == ["penultimate"] else [layer.split("/")[-1] for layer in params["layers"]]
    words += [params["pooling"]] if params["pooling"] != "avg" else []
    size = params["size"]
    words += ["x".join(map(str, size)) if isinstance(size, list) else str(size)] if size else []
    words += [params["precision"]] if params["precision"] != "float32" else []
    words += [f"views{views['number']}"] if views else []
    if backbone.startswith(f"{slug(dataset)}-"):
        return slug(backbone, *words)
    return slug(dataset, backbone, *words)


def _what(info: dict[str, Any]) -> tuple[Any, ...]:
    return info["dataset"]["fingerprint"], info["extractor"]["fingerprint"], info.get("views")
