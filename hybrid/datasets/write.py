"""Write the images of a dataset in memory as files: class folders with PNG files, and a manifest."""

import os
import re
from pathlib import Path

from hybrid.datasets.dataset import Dataset
from hybrid.datasets.readers.columns import GROUP_NAMES
from hybrid.datasets.resplit import manifest_bytes
from hybrid.errors import InputError
from hybrid.files import cannot_write, expanded, write_atomic
from hybrid.wording import first_few

MANIFEST = "labels.csv"

_FOLDER_NAME = re.compile(r"""(?![.])[^\\/:*?"<>|\x00-\x1f]+(?<![. ])""")


def write_images(dataset: Dataset, folder: "str | os.PathLike[str]") -> Path:
    """Write the images of a dataset in memory as PNG files, with a manifest beside them.

    Each class becomes a subfolder. If an image has several labels, all images are in the subfolder ``images``, and the
    labels are in the manifest. Both the folder and its manifest can be loaded by `load_dataset`, and have the same
    pixels and labels. Splits that were drawn are not written; splits that the data contain remain the folders of the
    files.

    Parameters
    ----------
    dataset : Dataset
        A dataset whose images are pixels, such as ``load_dataset("cells")`` or an .npz.
    folder : path
        A new or empty folder, or one that this function has written for the same dataset.

    Returns
    -------
    Path
        The manifest, ``labels.csv`` in the folder. Its columns are ``path``, ``label`` (or one column of 0 and 1 for
        each label), if groups are known ``patient`` or ``group``, and those of `Dataset.columns`.

    Raises
    ------
    InputError
        If the images are files already, the folder contains other files, or the name of a class cannot be that of a
        folder.

    Examples
    --------
    >>> images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    >>> data = Dataset.from_arrays(images, ["cat"] * 20 + ["dog"] * 20)
    >>> manifest = write_images(data, "pets")
    >>> from hybrid import load_dataset
    >>> load_dataset("pets")
    Dataset('pets', 40 images in files, binary; train 28, val 6, test 6; cat 20, dog 20)
    """
    from PIL import Image

    if dataset.of_files:
        raise InputError(f"The images of {dataset.name!r} are files already: give a dataset of pixels, such as cells.")
    root = expanded(folder).absolute()
    paths = _relative_paths(dataset)
    manifest = root / MANIFEST
    content = manifest_bytes(dataset, paths, group_column=_group_column(dataset), further=dataset.columns)
    try:
        root.mkdir(parents=True, exist_ok=True)
        if any(root.iterdir()) and not (manifest.is_file() and manifest.read_bytes() == content):
            raise InputError(f"The folder {str(folder)!r} contains other files: give a new or an empty folder.")
        for parent in {(root / path).parent for path in paths}:
            parent.mkdir(parents=True, exist_ok=True)
        for path, pixels in zip(paths, dataset.X, strict=True):
            Image.fromarray(pixels).save(root / path)
        write_atomic(manifest, lambda file: file.write(content))
    except OSError as error:
        raise cannot_write(root, error) from error
    return manifest


def _relative_paths(dataset: Dataset) -> list[str]:
    """Return the path of each image: its id if that is the path of a PNG file, else with its class as a folder."""
    multilabel = dataset.y.ndim == 2
    labels = ["images"] * len(dataset) if multilabel else [str(label) for label in dataset.y.tolist()]
    paths = []
    for name, label in zip(dataset.ids.tolist(), labels, strict=True):
        parent, _, last = name.rpartition("/")
        path = name if name.lower().endswith(".png") else "/".join([*filter(None, [parent]), label, f"{last}.png"])
        if wrong := [part for part in path.split("/") if not _FOLDER_NAME.fullmatch(part)]:
            raise InputError(f"{first_few(wrong)} cannot be the name of a folder or file: rename the class or the id.")
        paths.append(path)
    return paths


def _group_column(dataset: Dataset) -> str:
    """Return a name for the column of groups: "patient" for groups such as "patient07", otherwise "group"."""
    words = set() if dataset.groups is None else {re.sub(r"[\W\d_]+$", "", name) for name in dataset.groups.tolist()}
    word = words.pop() if len(words) == 1 else ""
    return word if word in GROUP_NAMES else "group"
