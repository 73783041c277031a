"""Images as small pictures inside the page."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from hybrid.datasets import Dataset
from hybrid.extractors.images.decode import BadImageError, decode_within, read_bytes

SIDE = 160
_TINY = 64  # up to here every pixel is kept, and shown as a square
_QUALITY = 78


@dataclass(frozen=True)
class Picture:
    """A picture as the page shows it.

    Attributes
    ----------
    uri : str
        ``data:image/…;base64,…``; empty where the image cannot be shown.
    width, height : int
        In pixels, as shown.
    pixelated : bool
        Whether it is so small that its pixels are drawn as squares.
    """

    uri: str = ""
    width: int = SIDE
    height: int = SIDE
    pixelated: bool = False


class Pictures:
    """The pictures of a dataset by the ids of its images.

    Parameters
    ----------
    dataset : Dataset or None
        None where there is none to be had: then no id has a picture.
    missing : str
        Why there is none.
    """

    def __init__(self, dataset: Dataset | None, missing: str = ""):
        self.missing = missing
        self._dataset = dataset
        self._rows = {} if dataset is None else {str(one): row for row, one in enumerate(dataset.ids.tolist())}

    def __call__(self, id_: str) -> Picture:
        """Return the picture of an image; one without a `uri` if it is gone or cannot be decoded."""
        if id_ not in self._rows or self._dataset is None:
            return Picture()
        source = self._dataset.X[self._rows[id_]]
        try:
            data = read_bytes(str(source)) if self._dataset.of_files else np.asarray(source)
            return _encoded(decode_within(data, SIDE, id_))
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
