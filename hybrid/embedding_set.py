"""Embedding sets: which images, labels and split a dataset had, and which extractor's rows belong to them."""

import hashlib
import io
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.datasets import Dataset
from hybrid.errors import InputError
from hybrid.extractors import Extractor, parse_backbone
from hybrid.extractors.atomic import read_json, write_atomic, write_json
from hybrid.extractors.extraction import Progress
from hybrid.extractors.identity import Identity
from hybrid.extractors.store import EmbeddingStore
from hybrid.workspace import Workspace, slug, unique_name

if TYPE_CHECKING:
    from hybrid.extractors import FeatureExtractor

SCHEMA = 1
TRAINING_KEYS = "training.keys"  # beside a network: digests of the images it was trained on and chosen by


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
        JSON values: dataset, extractor (parameters, identity), counts, seconds, skipped images.
    """

    name: str
    keys: np.ndarray
    ids: np.ndarray
    y: np.ndarray
    classes: np.ndarray
    split: np.ndarray
    groups: np.ndarray | None
    info: dict[str, Any] = field(default_factory=dict)

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

        params, size = dict(self.info["extractor"]["params"]), self.info["extractor"]["params"]["size"]
        params["size"] = tuple(size) if isinstance(size, list) else size
        params["fingerprint"] = self.info["extractor"]["fingerprint"]  # a network replaced since then is refused
        return FeatureExtractor(**params)

    def embeddings(self, cache: Path | None = None) -> np.ndarray:
        """Return the rows of the store, (n, width), float32.

        Raises
        ------
        InputError
            If one is no longer there.
        """
        folder = Extractor(cache=cache).cache_folder
        return EmbeddingStore(folder, self.identity).gather(self.keys)


def extract_dataset(
    dataset: Dataset,
    extractor: Extractor,
    *,
    on_bad: str = "raise",
    progress: Progress | None = None,
) -> EmbeddingSet:
    """Bring the embeddings of a whole dataset into the store and say which they are.

    Parameters
    ----------
    dataset : Dataset
    extractor : Extractor
        A `FeatureExtractor`, or the part of one that does without scikit-learn.
    on_bad : {"raise", "skip"}, default="raise"
        With ``"skip"``, images that cannot be decoded are left out together with their labels, and listed.
    progress : callable, optional
        Called with (images done, images to do).

    Returns
    -------
    EmbeddingSet
        Not yet saved.

    Raises
    ------
    InputError
        If an image cannot be decoded, or so many are skipped that a class is lost.
    """
    done = extractor.extract(dataset.X, on_bad=on_bad, progress=progress)
    kept = np.array([row not in done.skipped for row in range(len(dataset))], bool)
    part = dataset.take(kept)
    _check_whole(part)
    keys = done.keys[kept]
    identity = extractor.resolve()
    info = {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "dataset": {
            "name": dataset.name,
            "source": dataset.source,
            "arguments": dataset.arguments,
            "task": dataset.task,
            "fingerprint": _dataset_fingerprint(keys, part),
            "notes": list(dataset.notes),
            "warnings": [*_leaks(keys, part), *_seen_in_training(keys, part, extractor)],
            "counts": part.counts_by_split(),
        },
        "extractor": {
            "params": _json_params(extractor),
            "fingerprint": identity.fingerprint,
            "identity": identity.to_dict(),
        },
        "width": identity.width,
        "images": len(part),
        "new": done.new,
        "cached": done.cached,
        "skipped": [{"id": str(dataset.ids[row]), "reason": reason} for row, reason in sorted(done.skipped.items())],
        "seconds": round(done.seconds, 3),
        "runtime": done.runtime,
    }
    return EmbeddingSet("", keys, part.ids, part.y, part.classes, part.split, part.groups, info)


def save_set(found: EmbeddingSet, workspace: Workspace, name: str | None = None) -> EmbeddingSet:
    """Write an embedding set into a workspace and return it with its name.

    The same dataset and extractor take the place of their earlier set; another one gets a number behind its name.
    """
    name = name or _free_name(found, workspace)
    names = ("keys", "ids", "y", "classes", "split", "groups")
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
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"The embedding set {str(path)!r} is damaged ({error}): run `hybrid extract` again."
        ) from error
    return EmbeddingSet(name=path.stem, groups=values.pop("groups", None), info=info, **values)


def _leaks(keys: np.ndarray, part: Dataset) -> list[str]:
    """Return sentences on byte-identical images that are in several splits or have several labels."""
    places: dict[bytes, set[str]] = {}
    labels: dict[bytes, set[str]] = {}
    for key, split, label in zip(keys, part.split.tolist(), part.y.tolist(), strict=True):
        places.setdefault(key.tobytes(), set()).add(split)
        labels.setdefault(key.tobytes(), set()).add(str(label))
    notes = []
    if divided := sum(len(splits) > 1 for splits in places.values()):
        notes.append(
            f"{divided} images are in more than one split, byte for byte: results on them flatter every model."
        )
    if torn := sum(len(names) > 1 for names in labels.values()):
        notes.append(f"{torn} images are there under more than one label, byte for byte.")
    return notes


def _seen_in_training(keys: np.ndarray, part: Dataset, extractor: Extractor) -> list[str]:
    """Return a sentence if the network, trained here, saw images that are now in the test split."""
    path = Path(extractor.backbone).with_name(TRAINING_KEYS)
    if parse_backbone(extractor.backbone).path is None or not path.is_file():
        return []
    seen = {row.tobytes() for row in np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 32)}
    test = [key.tobytes() for key in keys[part.split == "test"]]
    copies = {key.tobytes() for key in keys[part.split != "test"]}  # said by `_leaks` already
    known = sum(key in seen and key not in copies for key in test)
    if not known:
        return []
    return [
        f"The network was trained on, or chosen by, {known} of the {len(test)} test images: results on them "
        "flatter every model on its features. Extract with the split and the seed that it was trained with."
    ]


def _check_whole(part: Dataset) -> None:
    counts = part.counts_by_split().get("train", {})
    lost = [label for label in map(str, part.classes) if not counts.get(label)]
    if lost:
        raise InputError(
            f"After skipping images that cannot be decoded, train has no image of {', '.join(lost)}: mend the images."
        )


def _dataset_fingerprint(keys: np.ndarray, part: Dataset) -> str:
    """Return the SHA-256 of images, labels and split, whatever the order and the names of the files."""
    labels = part.y if part.y.ndim == 1 else part.y.astype(str)
    rows = sorted(
        f"{key.tobytes().hex()} {split} {label.tolist() if part.y.ndim == 2 else label}"
        for key, split, label in zip(keys, part.split, labels, strict=True)
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def _json_params(extractor: Extractor) -> dict[str, Any]:
    params = extractor.get_params()
    for name in ("backbone", "weights"):
        path = Path(params[name]).expanduser()
        params[name] = str(path.resolve()) if path.is_file() else str(params[name])
    params["layers"] = extractor.layer_list
    params["size"] = list(params["size"]) if isinstance(params["size"], (tuple, list)) else params["size"]
    params["cache"] = None if params["cache"] is None else str(Path(params["cache"]).expanduser().resolve())
    return params


def _find_moved_network(params: dict[str, Any], workspace: Workspace) -> None:
    """Point to the network of the same name in this workspace if the whole project was moved."""
    path = Path(params["backbone"])
    here = workspace.networks / path.parent.name / path.name
    if path.name == "network.keras" and not path.exists() and here.is_file():
        params["backbone"] = str(here.resolve())


def _free_name(found: EmbeddingSet, workspace: Workspace) -> str:
    """Return the name of the earlier set of the same dataset and extractor, else a free one."""
    base = _short_name(found.info["dataset"]["name"], found.info["extractor"]["params"])
    taken = {path.stem: path for path in workspace.records("sets")}
    for name, path in taken.items():
        if (name == base or name.startswith(f"{base}-")) and _fingerprints(read_json(path)) == _fingerprints(
            found.info
        ):
            return name
    return unique_name(base, taken)


def _short_name(dataset: str, params: dict[str, Any]) -> str:
    """Return a name from dataset, backbone and layers; a trained network's name holds the dataset's already."""
    path = Path(params["backbone"])
    backbone = slug(
        path.parent.name if path.name == "network.keras" else path.stem if path.suffix == ".keras" else path
    )
    layers = [] if params["layers"] == ["penultimate"] else [layer.split("/")[-1] for layer in params["layers"]]
    layers += [params["pooling"]] if params["pooling"] != "avg" else []
    size = params["size"]
    layers += ["x".join(map(str, size)) if isinstance(size, list) else str(size)] if size else []
    layers += [params["precision"]] if params.get("precision", "float32") != "float32" else []
    if backbone.startswith(f"{slug(dataset)}-"):
        return slug(backbone, *layers)
    return slug(dataset, backbone, *layers)


def _fingerprints(info: dict[str, Any]) -> tuple[str, str]:
    return info["dataset"]["fingerprint"], info["extractor"]["fingerprint"]
