"""A saved model in a .zip, unpacked where it can be loaded from."""

import shutil
import zipfile
from functools import partial
from pathlib import Path

from hybrid.extractors.store.store import default_cache
from hybrid.files import file_digest, write_atomic
from hybrid.pipelines.saved.inspect import ModelArchive, inspect_model
from hybrid.pipelines.saved.manifest import MANIFEST


def unpack_model(path: str | Path, cache: Path | None = None) -> Path:
    """Unpack the .zip of a saved model into the cache, once for the same archive, and return the model's folder.

    Every file is checked first, as :func:`inspect_model` does. What was unpacked before and is damaged since is
    unpacked again.

    Parameters
    ----------
    path : str or Path
        The archive.
    cache : Path, optional
        The cache folder; by default the user's.

    Raises
    ------
    InputError
        If it is no .zip of a saved model, or not as it was saved; or if the cache cannot be written.
    """
    path = Path(path).expanduser().absolute()
    found = inspect_model(path)
    found.check()
    folder = (cache or default_cache()) / "models" / file_digest(path) / found.model
    with zipfile.ZipFile(path) as archive:
        contents = ModelArchive(archive, path)
        for name in (*found.manifest["files"], MANIFEST):
            with contents.open(name) as file:
                if not _same(folder / name, found.manifest["files"].get(name)):
                    write_atomic(folder / name, partial(shutil.copyfileobj, file))
    return folder


def _same(path: Path, record: dict[str, object] | None) -> bool:
    return record is not None and path.is_file() and file_digest(path) == record["sha256"]
