"""A saved model in a .zip, unpacked where it can be loaded from."""

import shutil
from functools import partial
from pathlib import Path

from hybrid.extractors.store.store import default_cache
from hybrid.files import file_digest, write_atomic
from hybrid.pipelines.saved.contents import MANIFEST
from hybrid.pipelines.saved.inspect import Inspection, open_archive
from hybrid.pipelines.saved.manifest import SavedFile


def unpack_model(path: str | Path, cache: Path | None = None) -> tuple[Path, Inspection]:
    """Unpack the .zip of a saved model into the cache, unless that was done before.

    Every file is checked before one is written. Files that were damaged after they were unpacked are unpacked again.

    Parameters
    ----------
    path : str or Path
        The archive.
    cache : Path, optional
        The cache folder; by default the user's.

    Returns
    -------
    folder : Path
        The model's folder.
    found : Inspection
        Of the archive, without faults.

    Raises
    ------
    InputError
        If it is no .zip of a saved model, or not as it was saved; or if the cache cannot be written.
    """
    path = Path(path).expanduser().absolute()
    with open_archive(path) as contents:
        found = contents.inspect()
        found.check()
        folder = (cache or default_cache()) / "models" / file_digest(path) / found.model
        for name in (*found.manifest.files, MANIFEST):
            if not _is_there(folder / name, found.manifest.files.get(name)):
                with contents.open(name) as file:
                    write_atomic(folder / name, partial(shutil.copyfileobj, file))
    return folder, found


def _is_there(path: Path, record: SavedFile | None) -> bool:
    return record is not None and path.is_file() and file_digest(path) == record.sha256
