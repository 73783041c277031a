"""Records of the identities that extractors with certain parameters have, which save building their networks again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hybrid.errors import InputError
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.remote import remote_of
from hybrid.files import read_sealed, write_sealed


def read_identity(path: Path) -> tuple[Identity, str] | None:
    """Return the recorded identity and the doubt about its layer; None if there is no intact record.

    The path is in the folder ``extractors`` of a cache folder. If that mirrors a remote store, the record is fetched.
    """
    if remote := remote_of(path.parents[1]):
        remote.pull(path)
    try:
        if not path.exists():
            return None
        record = read_sealed(path)
        return Identity.from_dict(record["identity"]), str(record.get("doubt", ""))
    except (InputError, KeyError, TypeError):
        return None  # a damaged record is simply written again


def write_identity(path: Path, parameters: Mapping[str, Any], identity: Identity, doubt: str) -> None:
    """Record the identity of an extractor with these parameters, and the doubt about its layer."""
    write_sealed(path, {"request": dict(parameters), "identity": identity.to_dict(), "doubt": doubt})
    if remote := remote_of(path.parents[1]):
        remote.push(path)
