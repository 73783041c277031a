"""Read the datasets of drawn blood cells: "cells", "cells:types", "cells:labels", and those of two hospitals."""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from hybrid.datasets.parts.raw import RawDataset, ReaderOptions
from hybrid.errors import unknown_name

if TYPE_CHECKING:
    from hybrid.datasets.cells.draw import DrawnPictures

KINDS = {"cells": "parasites", "cells:types": "types", "cells:labels": "labels"}
HOSPITALS = {"cells:north": ("north",), "cells:south": ("south",), "cells:hospitals": ("north", "south")}
NAMES = (*KINDS, *HOSPITALS)


def is_cells(data: str) -> bool:
    """Return whether the name is "cells" or begins with "cells:"."""
    return data == "cells" or data.startswith("cells:")


def load_cells(data: str, options: ReaderOptions) -> RawDataset:
    """Return drawn pictures of blood cells, ten of each patient. Drawing them takes a few seconds.

    Parameters
    ----------
    data : str
        "cells": does a red cell contain a parasite? "cells:types": which of five kinds is the white cell?
        "cells:labels": are there parasites, a clump of platelets, a sickle cell, a white cell, each 0 or 1?
        "cells:north", "cells:south" and "cells:hospitals": are the platelets clumped, in one hospital or in both?
    options : ReaderOptions
        Not used.

    Returns
    -------
    RawDataset
        Images of 96×96 pixels in RGB, with the patient of each as its group. Those of hospitals have further columns.

    Raises
    ------
    InputError
        If there is no such dataset.
    """
    if data not in NAMES:
        raise unknown_name("dataset of drawn cells", data, NAMES)
    parts = [_of_hospital(name) for name in HOSPITALS[data]] if data in HOSPITALS else [_drawn(KINDS[data])]
    return RawDataset(
        name=data.replace(":", "-"),
        X=np.concatenate([drawn.images for drawn in parts]),
        y=np.concatenate([drawn.y for drawn in parts]),
        ids=[name for drawn in parts for name in drawn.ids],
        groups=np.concatenate([drawn.patients for drawn in parts]),
        label_names=parts[0].label_names,
        notes=["The pictures are drawn by this program by a known rule. They are not medical data."],
        columns={name: np.concatenate([drawn.columns[name] for drawn in parts]) for name in parts[0].columns},
    )


@lru_cache(maxsize=3)
def _drawn(kind: str) -> "DrawnPictures":
    from hybrid.datasets.cells.draw import draw_pictures

    return draw_pictures(kind)


@lru_cache(maxsize=2)
def _of_hospital(name: str) -> "DrawnPictures":
    from hybrid.datasets.cells.draw import draw_pictures
    from hybrid.datasets.cells.hospitals import HOSPITALS as BY_NAME

    return draw_pictures("clumps", BY_NAME[name].patients, hospital=BY_NAME[name])
