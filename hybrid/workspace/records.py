"""Records: JSON files whose keys and types are declared by a dataclass, with one reader and one writer for all.

A record is written with the version of its schema and a seal, which is a checksum of its content. The reader checks
both, and the type of every value.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Self, Union, get_args, get_origin, get_type_hints

from hybrid.errors import InputError, reason_of
from hybrid.files import parse_json, remove_seal, write_sealed

_NAMES: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    NoneType: "null",
    dict: "an object",
    tuple: "a list",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    """Base class of records. The fields of a subclass declare the keys of its JSON file and the types of their values.

    Attributes
    ----------
    SCHEMA : int
        Version of the file format that is written. All earlier versions can be read.
    SEALED_SINCE : int
        The first version with a seal.
    REMEDY : str
        A sentence that says what to do with a damaged file.
    """

    SCHEMA: ClassVar[int]
    SEALED_SINCE: ClassVar[int]
    REMEDY: ClassVar[str]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a record from a file.

        Raises
        ------
        InputError
            If the file cannot be read, was changed after it was written, or was written by a later version of hybrid.
        """
        try:
            value = parse_json(path.read_bytes())
        except (OSError, ValueError) as error:
            raise cls.damage(path, f"cannot be read as JSON ({reason_of(error)})") from error
        if not isinstance(value, dict):
            raise cls.damage(path, f"holds {_shown(value)}; expected a JSON object")
        schema = value.pop("schema", None)
        if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
            raise cls.damage(path, f'has {_shown(schema)} as its "schema"; expected a whole number from 1')
        if schema > cls.SCHEMA:
            raise InputError(
                f"{str(path)!r} has schema {schema}, and this version of hybrid reads up to schema {cls.SCHEMA}: "
                "update hybrid, or use another workspace."
            )
        if schema >= cls.SEALED_SINCE or "seal" in value:
            try:
                value = remove_seal({"schema": schema, **value})
            except ValueError as error:
                raise cls.damage(path, str(error)) from error
        try:
            return from_json(cls, value)
        except ValueError as error:
            raise cls.damage(path, f"holds a wrong value: {error}") from error

    def write(self, path: Path) -> None:
        """Write the record with its schema and its seal. The file is written atomically."""
        write_sealed(path, self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return the content of the record's file as JSON values, without the seal."""
        return {"schema": self.SCHEMA, **as_json(self)}

    @classmethod
    def damage(cls, path: Path, reason: str) -> InputError:
        """Return an error for a damaged file, with the reason and what to do."""
        return InputError(f"{str(path)!r} is damaged, or was changed after it was written: it {reason}. {cls.REMEDY}")


def saved_as(
    *,
    key: str = "",
    read: Callable[[Any, str], Any] | None = None,
    write: Callable[[Any], Any] | None = None,
    saved: bool = True,
) -> dict[str, Any]:
    """Return the metadata of a dataclass field that differs from its entry in the file.

    Parameters
    ----------
    key : str, optional
        The key in the file; the field's name if not given.
    read, write : callable, optional
        Functions that convert the JSON value to the field's value, and back. `read` also gets the key, for messages.
        By default :func:`from_json` with the field's type, and :func:`as_json`.
    saved : bool, default=True
        Whether the field is saved in the file.
    """
    return {"key": key, "read": read, "write": write, "saved": saved}


def one_or_many(kind: Any, key: str) -> dict[str, Any]:
    """Return the metadata of a tuple that is saved as a list, or as the value itself if it has only one."""
    return saved_as(
        key=key,
        read=lambda value, key: from_json(tuple[kind, ...], value if isinstance(value, list) else [value], key),
        write=lambda values: as_json(values[0] if len(values) == 1 else values),
    )


def empty_for_none(kind: Any) -> dict[str, Any]:
    """Return the metadata of a field whose value None is saved as an empty object."""
    return saved_as(
        read=lambda value, key: None if value == {} else from_json(kind, value, key),
        write=lambda value: {} if value is None else as_json(value),
    )


def from_json(kind: Any, value: Any, key: str = "") -> Any:
    """Convert a JSON value to a type: a dataclass, a tuple, a dict, a union of these, or a plain type.

    Raises
    ------
    ValueError
        If the value does not fit the type. The message names the key, the value and what was expected.
    """
    if kind is Any or type(value) is kind:
        return value
    origin, arguments = _parts(kind)
    if origin in (Union, UnionType):
        return _from_union(arguments, value, key)
    if origin is Literal:
        if value in arguments:
            return value
        raise ValueError(f'"{key}" is {_shown(value)}; expected {" or ".join(map(_shown, arguments))}')
    if isinstance(value, list) and origin is tuple:
        return tuple(from_json(arguments[0], item, f"{key}[{number}]") for number, item in enumerate(value))
    if isinstance(value, dict) and origin in (dict, Mapping):
        return {name: from_json(arguments[1], item, _joined(key, name)) for name, item in value.items()}
    if isinstance(value, dict) and isinstance(kind, type) and is_dataclass(kind):
        return kind(**_read_fields(kind, value, key))
    plain = kind if isinstance(kind, type) and origin is None else ()
    if (isinstance(value, bool) and kind is not bool) or not isinstance(
        value, (int, float) if kind is float else plain
    ):
        raise ValueError(f'"{key}" is {_shown(value)}; expected {_name(kind)}')
    return value


def as_json(value: Any) -> Any:
    """Convert a record, or a part of one, to JSON values; the inverse of :func:`from_json`."""
    if is_dataclass(value) and not isinstance(value, type):
        saved = [field for field in fields(value) if field.metadata.get("saved", True)]
        return {_key(field): (field.metadata.get("write") or as_json)(getattr(value, field.name)) for field in saved}
    if isinstance(value, Mapping):
        return {str(name): as_json(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [as_json(item) for item in value]
    return value


def _read_fields(kind: Any, value: dict[str, Any], key: str) -> dict[str, Any]:
    values = {}
    for field, read in _readers(kind):
        name = _joined(key, _key(field))
        if _key(field) in value:
            values[field.name] = read(value[_key(field)], name)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f'"{name}" is missing')
    return values


@cache
def _readers(kind: Any) -> list[tuple[Field, Callable[[Any, str], Any]]]:
    """Return the saved fields of a dataclass, each with the function that reads it."""
    types = get_type_hints(kind)
    return [
        (field, field.metadata.get("read") or partial(from_json, types[field.name]))
        for field in fields(kind)
        if field.metadata.get("saved", True)
    ]


@cache
def _parts(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the origin of a generic type, such as `tuple`, and its arguments."""
    return get_origin(kind), get_args(kind)


def _key(field: Field) -> str:
    return field.metadata.get("key") or field.name


def _joined(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _from_union(kinds: tuple[Any, ...], value: Any, key: str) -> Any:
    """Convert a value to the first type that it fits. An error inside an object or a list is reported as such."""
    inside: ValueError | None = None
    for kind in kinds:
        try:
            return from_json(kind, value, key)
        except ValueError as error:
            if isinstance(value, (dict, list)) and not str(error).startswith(f'"{key}" is '):
                inside = error
    raise inside or ValueError(f'"{key}" is {_shown(value)}; expected {" or ".join(map(_name, kinds))}')


def _name(kind: Any) -> str:
    return _NAMES.get(get_origin(kind) or kind, "an object")


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
