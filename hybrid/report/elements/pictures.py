"""Images as small pictures that are embedded in the page."""

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from hybrid.datasets import Dataset
from hybrid.embeddings.embedding_set import EmbeddingSet
from hybrid.external.new_data import NewData
from hybrid.extractors.images.decoding import BadImageError, bytes_digest, decode_within, pixels_digest, read_bytes

SIDE = 160
_TINY = 64  # images up to this side length keep every pixel, each shown as a square
_QUALITY = 78
CHANGED = "changed since"


@dataclass(frozen=True)
class Picture:
    """A picture as the page shows it.

    Attributes
    ----------
    uri : str
        ``data:image/…;base64,…``; empty if the image cannot be shown.
    width, height : int
        Size in the page, in pixels.
    pixelated : bool
        Whether the image is so small that its pixels are drawn as squares.
    missing : str
        What the page says in place of a picture that cannot be shown.
    """

    uri: str = ""
    width: int = SIDE
    height: int = SIDE
    pixelated: bool = False
    missing: str = "no picture"


class Pictures:
    """The pictures of a dataset by the ids of its images.

    Only an image whose digest is that of an embedding set of the models has a picture: without a set, no image has one.

    Parameters
    ----------
    dataset : Dataset or None
        The dataset; with None, no id has a picture.
    missing : str, default=""
        Why there is no dataset.
    sets : iterable of EmbeddingSet or NewData, default=()
        The embedding sets of the models, or the data that a model measured. They hold the digests of the images that
        the models saw.
    """

    def __init__(self, dataset: Dataset | None, missing: str = "", sets: Iterable[EmbeddingSet | NewData] = ()):
        self.missing = missing
        self._digests: dict[str, set[bytes]] = {}
        for embedding_set in sets:
            for id_, key in zip(embedding_set.ids.tolist(), embedding_set.keys, strict=True):
                self._digests.setdefault(str(id_), set()).add(key.tobytes())
        self._dataset = dataset
        self._rows = {} if dataset is None else {str(id_): row for row, id_ in enumerate(dataset.ids.tolist())}

    def __call__(self, id_: str) -> Picture:
        """Return the picture of an image; its `uri` is empty if the image is missing, damaged, unknown or changed."""
        if self._dataset is None or id_ not in self._rows or id_ not in self._digests:
            return Picture()
        source = self._dataset.X[self._rows[id_]]
        try:
            data = read_bytes(str(source)) if self._dataset.of_files else np.asarray(source)
            digest = bytes_digest(data) if isinstance(data, bytes) else pixels_digest(data)
            if self._digests[id_] != {digest}:
                return Picture(missing=CHANGED)
            return _encoded(decode_within(data, SIDE, id_, self._dataset.reading))
        except BadImageError:
            return Picture()


def _encoded(image: Image.Image) -> Picture:
    tiny = max(image.size) <= _TINY
    buffer = io.BytesIO()
    if tiny:
        image.save(buffer, "PNG", optimize=True)
    else:
        image.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    kind = "png" if tiny else "jpeg"
    scale = max(1, SIDE // max(image.size)) if tiny else 1
    uri = f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return Picture(uri, image.width * scale, image.height * scale, tiny)
