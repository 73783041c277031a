"""A table of a recipe. Keys are taken from it by name and type, and any remaining key is an error."""

import contextlib
import types
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Union, get_args, get_origin

from hybrid.errors import InputError, unknown_name

_REQUIRED = object()
_TYPE_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table"}


class RecipeTable:
    """A table of a recipe whose errors name the file and the key.

    Parameters
    ----------
    file : str
        Name of the recipe's file.
    name : str
        Dotted name of the table, or "" for the whole file.
    values : mapping
        The table as `tomllib` returns it.
    """

    def __init__(self, file: str, name: str, values: Mapping[str, Any]):
        self.file = file
        self.name = name
        self._remaining = dict(values)
        self._known: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self._remaining

    def error(self, key: str, message: object) -> InputError:
        """Return an error whose message names the file and the key."""
        location = f"[{self.name}] {key}".rstrip() if self.name else key
        return InputError(f"{self.file}: {location}: {message}" if location else f"{self.file}: {message}")

    def take(self, key: str, kind: Any, default: Any = _REQUIRED) -> Any:
        """Remove a key and return its value.

        Parameters
        ----------
        key : str
        kind : type
            Expected type: ``str``, ``int``, ``float``, ``bool``, ``list[…]`` or a union of them, or ``dict`` for a
            table.
        default : object, optional
            Value to return if the key is missing. Without a default the key is required.

        Raises
        ------
        InputError
            If a required key is missing, or its value has another type.
        """
        self._known.append(key)
        if key not in self._remaining:
            if default is _REQUIRED:
                raise self.error(key, f"it is missing; expected {_type_name(kind)}.")
            return default
        value = self._remaining.pop(key)
        if not _fits(value, kind):
            raise self.error(key, f"{value!r:.200} was given; expected {_type_name(kind)}.")
        return float(value) if kind is float else value

    def take_given(self, kinds: Mapping[str, Any]) -> dict[str, Any]:
        """Remove the given keys, as far as they exist, and return their values. `kinds` maps keys to types."""
        values = {key: self.take(key, kind, _REQUIRED if key in self else None) for key, kind in kinds.items()}
        return {key: value for key, value in values.items() if value is not None}

    def take_choice(self, key: str, known: Any, default: str) -> str:
        """Remove a key and return its value, which must be one of the known words."""
        value = self.take(key, str, default)
        if value not in known:
            raise self.error(key, unknown_name("value", value, known))
        return value

    def table(self, key: str) -> "RecipeTable":
        """Remove a key and return its table, or an empty table if the key is missing."""
        return self.inner(key, self.take(key, dict, {}))

    def tables(self) -> dict[str, "RecipeTable"]:
        """Remove all remaining keys and return their values by name. Each value must be a table."""
        for key, value in self._remaining.items():
            if not isinstance(value, dict) and get_close_matches(key, self._known):
                raise self.error(key, unknown_name("key", key, self._known))
        return {key: self.inner(key, self.take(key, dict)) for key in list(self._remaining)}

    def rest(self) -> dict[str, Any]:
        """Remove all remaining keys and return them with their values, whatever their types are."""
        remaining, self._remaining = self._remaining, {}
        return remaining

    def inner(self, key: str, values: Mapping[str, Any]) -> "RecipeTable":
        """Return a table with the given values, whose errors name it as a part of this table."""
        return RecipeTable(self.file, f"{self.name}.{key}" if self.name else key, values)

    def finish(self) -> None:
        """Raise `InputError` if any key remains."""
        for key in self._remaining:
            raise self.error(key, unknown_name("key", key, self._known))

    @contextlib.contextmanager
    def naming(self, key: str = "") -> Iterator[None]:
        """Add the file and the key to the message of an `InputError`."""
        try:
            yield
        except InputError as error:
            raise self.error(key, error) from error


def _fits(value: Any, kind: Any) -> bool:
    if get_origin(kind) in (Union, types.UnionType):
        return any(_fits(value, option) for option in get_args(kind))
    if get_origin(kind) in (list, tuple):
        return isinstance(value, list) and all(_fits(item, get_args(kind)[0]) for item in value)
    if get_origin(kind) is dict:
        return isinstance(value, dict) and all(_fits(item, get_args(kind)[1]) for item in value.values())
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _type_name(kind: Any) -> str:
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(
            dict.fromkeys(_type_name(option) for option in get_args(kind) if option is not types.NoneType)
        )
    if get_origin(kind) in (list, tuple):
        return f"a list of {_type_name(get_args(kind)[0]).removeprefix('a ')}"
    return _TYPE_NAMES[get_origin(kind) or kind]
