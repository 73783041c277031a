"""Read the datasets of drawn blood cells: "cells", "cells:types" and "cells:labels"."""

from functools import lru_cache
from typing import TYPE_CHECKING

from hybrid.datasets.parts.raw import RawDataset, ReaderOptions
from hybrid.errors import unknown_name

if TYPE_CHECKING:
    from hybrid.datasets.cells.draw import DrawnPictures

KINDS = {"cells": "parasites", "cells:types": "types", "cells:labels": "labels"}
NAMES = tuple(KINDS)


def is_cells(data: str) -> bool:
    """Return whether the name is "cells" or begins with "cells:"."""
    return data == "cells" or data.startswith("cells:")


def load_cells(data: str, options: ReaderOptions) -> RawDataset:
    """Return 800 drawn pictures of blood cells, ten of each of 80 patients. Drawing them takes a few seconds.

    Parameters
    ----------
    data : str
        "cells": does a red cell contain a parasite? "cells:types": which of five kinds is the white cell?
        "cells:labels": are there parasites, a clump of platelets, a sickle cell, a white cell, each 0 or 1?
    options : ReaderOptions
        Not used.

    Returns
    -------
    RawDataset
        Images of 96×96 pixels in RGB, with the patient of each as its group.

    Raises
    ------
    InputError
        If there is no such dataset.
    """
    if data not in KINDS:
        raise unknown_name("dataset of drawn cells", data, KINDS)
    drawn = _drawn(KINDS[data])
    return RawDataset(
        name=data.replace(":", "-"),
        X=drawn.images.copy(),
        y=drawn.y.copy(),
        ids=list(drawn.ids),
        groups=drawn.patients.copy(),
        label_names=drawn.label_names,
        notes=["The pictures are drawn by this program by a known rule. They are not medical data."],
    )


@lru_cache(maxsize=3)
def _drawn(kind: str) -> "DrawnPictures":
    from hybrid.datasets.cells.draw import draw_pictures

    return draw_pictures(kind)
