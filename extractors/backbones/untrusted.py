"""Check an untrusted .keras or HDF5 file before Keras loads it, for code, access to other files, and excessive size.

Keras's safe mode refuses some of these files, depending on the version, while it builds the network. The checks here
accept only what a network of Keras's own layers needs.
"""

import io
import math
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from hybrid.errors import InputError, reason_of
from hybrid.files import parse_json

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_MEMBERS = {
    "metadata.json": 2**20,
    _CONFIG: 2**26,
    _WEIGHTS: math.inf,
}  # name and largest size of each member, in bytes
FREE_BYTES = 2**26  # size of weights that a file may always unpack to or describe
_MAX_EXPANSION = 50  # Keras does not compress; others may, but weights hardly shrink
_MAX_OBJECTS = 200_000

_HOLD_CODE = {"Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "FlaxLayer", "JaxLayer", "__typespec__"}
_READ_FILES = {"StringLookup", "IntegerLookup", "IndexLookup", "TextVectorization", "FeatureSpace"}
_FUNCTIONS = {"activations", "constraints", "initializers", "losses", "metrics", "ops", "regularizers"}
_CLASSES = _FUNCTIONS | {"applications", "dtype_policies", "layers", "models", "optimizers", "quantizers", "random"}


def check_keras_file(path: Path) -> tuple[dict[str, Any], int]:
    """Check a ``.keras`` file: its archive, every object that its configuration names, and its weights.

    Returns
    -------
    config : dict
        The configuration of the network.
    weights_bytes : int
        Size of the weights, in bytes.

    Raises
    ------
    InputError
        If the file is refused. The message says why and what to do.
    """
    try:
        with path.open("rb") as file:
            if file.read(8) == b"\x89HDF\r\n\x1a\n":
                raise _Refused(
                    "it is a legacy HDF5 model: load it in Keras and save it with model.save('network.keras')"
                )
        with zipfile.ZipFile(path) as archive:
            _check_members(archive)
            config = parse_json(_read(archive, _CONFIG))
            _check_config(config)
            data = _read(archive, _WEIGHTS)
        with h5py.File(io.BytesIO(data), "r") as weights:
            check_hdf5(weights, len(data))
        return config, len(data)
    except Exception as error:  # an untrusted file may raise any error
        reason = reason_of(error)
        raise InputError(f"{str(path)!r} cannot be loaded as a Keras network in safe mode: {reason}.") from error


def check_hdf5(file: h5py.File, size: int) -> None:
    """Check that an HDF5 file is self-contained: no links, no external data, no more numbers than its size allows.

    Parameters
    ----------
    file : h5py.File
        The open file.
    size : int
        Size of the file, in bytes.

    Raises
    ------
    ValueError
        If the file is refused. The message says why.
    """
    declared = 0
    for name, dataset in _datasets(file, set()):
        if dataset.external or dataset.is_virtual:
            raise _Refused(f"its weights {name} are stored in another file; save the network again in one file")
        if dataset.dtype.kind not in "biufV" or dataset.dtype.hasobject:
            raise _Refused(f"its weights {name} are of type {dataset.dtype} instead of numbers; save the network again")
        declared += math.prod(dataset.shape or ()) * dataset.dtype.itemsize
        if declared > max(FREE_BYTES, _MAX_EXPANSION * size):
            raise _Refused(f"{size:,} bytes of weights would be unpacked to {declared:,} or more")


class _Refused(ValueError):
    """A file is refused. The message is the reason, without the name of the file."""


def _datasets(group: h5py.Group, visited: set[int]) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield all datasets below a group without following links."""
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise _Refused(
                f"{group.name.rstrip('/')}/{name} is a link to another place; save the network again in one file"
            )
        item = group[name]
        address = h5py.h5o.get_info(item.id).addr
        if address in visited or len(visited) > _MAX_OBJECTS:
            raise _Refused(f"{item.name} occurs twice, or there are too many groups")
        visited.add(address)
        if isinstance(item, h5py.Group):
            yield from _datasets(item, visited)
        elif isinstance(item, h5py.Dataset):
            yield item.name, item
        else:
            raise _Refused(f"{item.name} is neither a group nor an array")


def _check_members(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    for member in members:
        if member.filename not in _MEMBERS:
            raise _Refused(
                f"it contains {member.filename!r:.100}; expected only {', '.join(_MEMBERS)}, since a network for "
                "images needs no other files"
            )
        max_size = min(_MEMBERS[member.filename], max(FREE_BYTES, _MAX_EXPANSION * member.compress_size))
        if member.file_size > max_size:
            raise _Refused(
                f"{member.filename} would be unpacked from {member.compress_size:,} to {member.file_size:,} bytes"
            )
        is_regular = stat.S_IFMT(member.external_attr >> 16) in (0, stat.S_IFREG) and not member.flag_bits & 1
        if not is_regular or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _Refused(
                f"{member.filename} is a link, encrypted, or compressed in an unusual way; save the network again"
            )
    if len(members) != len(_MEMBERS) or len({member.filename for member in members}) != len(_MEMBERS):
        raise _Refused(
            f"it does not contain {', '.join(_MEMBERS)} once each; save the network with model.save('NAME.keras')"
        )


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    data = archive.read(name)
    if len(data) != archive.getinfo(name).file_size:
        raise _Refused(f"{name} does not have the size that the archive states; copy the file again")
    return data


def _check_config(config: Any) -> None:
    """Check every object that a configuration names, at any depth."""
    stack = [config]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if "class_name" in node:
                _check_object(node)
            stack += node.values()
        elif isinstance(node, list):
            stack += node


def _check_object(node: dict[str, Any]) -> None:
    kind, module, registered = (node.get(key) for key in ("class_name", "module", "registered_name"))
    if not isinstance(kind, str) or not isinstance(module, str | None) or not isinstance(registered, str | None):
        raise _Refused(f"it names an invalid object {kind!r:.50} of {module!r:.50}")
    if kind in _HOLD_CODE:
        raise _Refused(
            f"it contains a {kind}, which runs code from the file; build the network from Keras's own layers, such as "
            "Rescaling, and save it again"
        )
    if kind in _READ_FILES:
        raise _Refused(f"it contains a {kind}, which reads files and takes no images; save the network without it")
    name = node.get("config") if kind == "function" else kind
    if registered not in (None, "", kind, name):
        raise _Refused(f"it needs the custom class {registered!r:.100}; only Keras's own layers are loaded")
    if not _is_known(kind, module):
        raise _Refused(
            f"it names {module}.{name!r:.100}, which is not part of a network; only Keras's own layers are loaded"
        )


def _is_known(kind: str, module: str | None) -> bool:
    """Return whether an object can be part of a network, judging by the module that Keras would import it from."""
    if module is None or kind.startswith("__"):  # numbers and similar values, or names that Keras looks up itself
        return kind != "function"
    parts = [part for part in module.split(".") if part != "src"]
    if kind == "function":
        return module == "builtins" or (parts[0] == "keras" and len(parts) > 1 and parts[1] in _FUNCTIONS)
    return kind[:1].isupper() and parts[0] == "keras" and (len(parts) == 1 or parts[1] in _CLASSES)
