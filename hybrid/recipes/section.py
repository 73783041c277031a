"""One table of a recipe: keys are taken from it by name and type, and what is left over is an error."""

import contextlib
import types
from collections.abc import Iterator, Mapping
from typing import Any, Union, get_args, get_origin

from hybrid.errors import InputError, unknown_name

_REQUIRED = object()
_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table"}


class RecipeTable:
    """A table of a recipe, with what errors need to name it.

    Parameters
    ----------
    file : str
        Name of the recipe's file.
    name : str
        Dotted name of the table; "" for the whole file.
    values : mapping
        What `tomllib` read.
    """

    def __init__(self, file: str, name: str, values: Mapping[str, Any]):
        self.file = file
        self.name = name
        self._left = dict(values)
        self._known: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def error(self, key: str, message: object) -> InputError:
        """Return the error that names the file and the key."""
        place = f"[{self.name}] {key}".rstrip() if self.name else key
        return InputError(f"{self.file}: {place}: {message}" if place else f"{self.file}: {message}")

    def take(self, key: str, kind: Any, default: Any = _REQUIRED) -> Any:
        """Return the value of a key, of the type that is asked for.

        Parameters
        ----------
        key : str
        kind : type
            ``str``, ``int``, ``float``, ``bool``, ``list[…]``, or a union of them; ``dict`` for a table.
        default : object, optional
            What is returned if the key is not there; without it the key must be.

        Raises
        ------
        InputError
            If the key is missing or its value is of another type.
        """
        self._known.append(key)
        if key not in self._left:
            if default is _REQUIRED:
                raise self.error(key, f"it is missing; expected {_wording(kind)}.")
            return default
        value = self._left.pop(key)
        if not _fits(value, kind):
            raise self.error(key, f"{value!r:.200} was given; expected {_wording(kind)}.")
        return float(value) if kind is float else value

    def take_given(self, kinds: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of several keys that are there, each of its type."""
        found = {key: self.take(key, kind, _REQUIRED if key in self else None) for key, kind in kinds.items()}
        return {key: value for key, value in found.items() if value is not None}

    def take_one(self, key: str, known: Any, default: str) -> str:
        """Return a word that must be one of those known."""
        value = self.take(key, str, default)
        if value not in known:
            raise self.error(key, unknown_name("value", value, known))
        return value

    def table(self, key: str) -> "RecipeTable":
        """Return the table below a key; an empty one if it is not there."""
        return self.inner(key, self.take(key, dict, {}))

    def tables(self) -> dict[str, "RecipeTable"]:
        """Return all that is left over, each of which must be a table, by name."""
        return {key: self.inner(key, self.take(key, dict)) for key in list(self._left)}

    def rest(self) -> dict[str, Any]:
        """Return all that is left over, whatever it is."""
        found, self._left = self._left, {}
        return found

    def inner(self, key: str, values: Mapping[str, Any]) -> "RecipeTable":
        """Return a section of this one's file, by its dotted name."""
        return RecipeTable(self.file, f"{self.name}.{key}" if self.name else key, values)

    def finish(self) -> None:
        """Raise `InputError` if keys are left that nobody asked for."""
        for key in self._left:
            raise self.error(key, unknown_name("key", key, self._known))

    @contextlib.contextmanager
    def naming(self, key: str = "") -> Iterator[None]:
        """Put file and key before what an `InputError` says."""
        try:
            yield
        except InputError as error:
            raise self.error(key, error) from error


def _fits(value: Any, kind: Any) -> bool:
    if get_origin(kind) in (Union, types.UnionType):
        return any(_fits(value, one) for one in get_args(kind))
    if get_origin(kind) in (list, tuple):
        return isinstance(value, list) and all(_fits(one, get_args(kind)[0]) for one in value)
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _wording(kind: Any) -> str:
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_wording(one) for one in get_args(kind) if one is not types.NoneType))
    if get_origin(kind) in (list, tuple):
        return f"a list of {_wording(get_args(kind)[0]).removeprefix('a ')}"
    return _WORDS[kind]
