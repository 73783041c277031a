"""Unpack the .zip file of a saved model into the cache."""

import shutil
from functools import partial
from pathlib import Path

from hybrid.extractors.store.store import default_cache
from hybrid.files import expanded, file_digest, write_atomic
from hybrid.pipelines.saved.contents import MANIFEST
from hybrid.pipelines.saved.inspect import Inspection, open_archive
from hybrid.pipelines.saved.manifest import SavedFile


def unpack_model(path: str | Path, cache: Path | None = None) -> tuple[Path, Inspection]:
    """Unpack the .zip file of a saved model into the cache, unless it is there already.

    All files are verified before any is written. Files in the cache that were damaged are unpacked again.

    Parameters
    ----------
    path : str or Path
        The .zip file.
    cache : Path, optional
        The cache folder. By default the user's cache folder.

    Returns
    -------
    folder : Path
        The model's folder in the cache.
    inspection : Inspection
        The inspection of the .zip file, without faults.

    Raises
    ------
    InputError
        If the file is not the .zip file of a saved model, or its files were changed; or if the cache cannot be
        written.
    """
    path = expanded(path).absolute()
    with open_archive(path) as contents:
        inspection = contents.inspect()
        inspection.check()
        name = inspection.model if inspection.model.strip(".") else "model"  # "...zip" has the stem ".."
        folder = (cache or default_cache()) / "models" / file_digest(path) / name
        files = inspection.manifest.files
        for name in (*files, MANIFEST):
            if not _is_unpacked(folder / name, files.get(name)):
                with contents.open(name) as file:
                    write_atomic(folder / name, partial(shutil.copyfileobj, file))
    return folder, inspection


def _is_unpacked(path: Path, record: SavedFile | None) -> bool:
    return record is not None and path.is_file() and file_digest(path) == record.sha256
