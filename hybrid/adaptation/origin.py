"""What the workspace still knows of a model that is to be adapted: its training images, and all images it has seen."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hybrid.embeddings.embedding_set import load_set
from hybrid.embeddings.joined_set import JoinedSet, LabelledRows, join_sets
from hybrid.errors import InputError
from hybrid.external import NewData
from hybrid.files import file_digest
from hybrid.pipelines.saved.contents import MANIFEST
from hybrid.pipelines.saved.unpack import unpack_model
from hybrid.wording import joined, number
from hybrid.workspace.fitted_models import read_record, workspace_of
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.workspace import METRICS


@dataclass(frozen=True, eq=False)
class Origin:
    """What is known of a model besides its saved folder.

    Attributes
    ----------
    sha256 : str
        SHA-256 of the model's manifest.
    record : ModelRecord or None
        Its record; None if it is not a model of a workspace.
    embeddings : JoinedSet or None
        The embedding sets that it was fitted to; None if they are not there.
    missing : str
        Why they are not there.
    seen : dict of bytes to str
        The split of each image that the model has seen, by its digest: ``"train"``, ``"val"``, ``"test"``, or
        ``"adapting"`` for the images that it was adapted to before.
    """

    sha256: str
    record: ModelRecord | None = None
    embeddings: JoinedSet | None = None
    missing: str = ""
    seen: dict[bytes, str] = field(default_factory=dict)

    def old(self) -> LabelledRows | None:
        """Return embeddings, labels and groups of the training images; None if they are not there."""
        return None if self.embeddings is None else self.embeddings.part(self.embeddings.embeddings(), "train")


def origin_of(data: NewData) -> Origin:
    """Return what is known of the model of a dataset."""
    folder = unpack_model(data.path)[0] if data.path.is_file() else data.path
    sha256 = file_digest(folder / MANIFEST)
    adapted = data.manifest.adapted
    seen = {bytes.fromhex(digest): "adapting" for digest in adapted.digests} if adapted else {}
    if data.path.is_file() or not (data.path.parent / METRICS).is_file():
        return Origin(sha256, missing="it is not a model of a workspace, which holds the training images", seen=seen)
    record = read_record(data.path.parent)
    try:
        embeddings = _embeddings(record, data.path)
    except InputError as error:
        return Origin(sha256, record, missing=str(error).rstrip("."), seen=seen)
    keys = [key.tobytes() for key in embeddings.sets[0].keys]
    seen = dict(zip(keys, embeddings.split.tolist(), strict=True)) | seen
    return Origin(sha256, record, embeddings, "", seen)


def _embeddings(record: ModelRecord, path: Path) -> JoinedSet:
    """Return the embedding sets that a model was fitted to."""
    workspace = workspace_of(record)
    if workspace is None:
        raise InputError(f"{str(path)!r} is not in a workspace")
    embeddings = join_sets([load_set(workspace, name) for name in record.sets])
    fingerprints = tuple(part.fingerprint for part in embeddings.sets), embeddings.dataset.fingerprint
    if fingerprints != (record.extractor_fingerprints, record.dataset_fingerprint):
        raise InputError("its embedding set was replaced by one of other images or another extractor")
    return embeddings


def unseen(data: NewData, origin: Origin) -> tuple[np.ndarray, str]:
    """Return which images of a dataset the model has not seen, and a sentence about the others.

    An image that the model was trained, validated or tested on is not from a new site; and a model that is adapted to
    images of its own test can no longer be tested on them.

    Returns
    -------
    unseen : ndarray of bool, shape (n,)
    sentence : str
        "" if all images are new to the model.
    """
    splits = np.array([origin.seen.get(key.tobytes(), "") for key in data.keys])
    known = splits != ""
    if data.groups is not None:  # a known image's patient is known
        known = np.isin(data.groups, data.groups[known]) | known
    if not known.any():
        return ~known, ""
    names = {"train": "trained on", "val": "validated on", "test": "tested on", "adapting": "adapted to"}
    counts = {words: int((splits == split).sum()) for split, words in names.items()}
    parts = [f"{words} {count}" for words, count in counts.items() if count]
    rest = int(known.sum() - (splits != "").sum())
    parts += [f"{number(rest, 'image')} share a {data.group_name} with one of these"] if rest else []
    return ~known, (
        f"{number(int(known.sum()), 'image')} of {data.dataset.name} {'is' if known.sum() == 1 else 'are'} left out, "
        f"because {'it is' if known.sum() == 1 else 'they are'} not new to {data.name} (found by content): it was "
        f"{joined(parts)}."
    )
