"""From a TOML file to a checked recipe."""

import re
import shlex
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hybrid.comparison.choice import PREFERENCES
from hybrid.errors import InputError, unknown_name
from hybrid.recipes.features import read_features
from hybrid.recipes.heads import read_heads
from hybrid.recipes.networks import read_train
from hybrid.recipes.paths import from_here
from hybrid.recipes.recipe import Recipe, model_names
from hybrid.recipes.section import RecipeTable
from hybrid.recipes.steps import read_data, read_protocol

QUICK = "quick"
_FAULTS = (ValueError, RecursionError)  # a number too long for Python, or brackets too deep, is no TOMLDecodeError


def read_recipe(
    path: str | Path, *, data: str | None = None, changes: Iterable[str] = (), quick: bool = False
) -> Recipe:
    """Read a recipe and check all of it.

    Parameters
    ----------
    path : path
        A TOML file. Paths in it are relative to its folder.
    data : str, optional
        Takes the place of the source of the recipe's only dataset.
    changes : iterable of str
        ``KEY=VALUE`` pairs with dotted keys, such as ``"train.resnet.epochs=5"``, that take the place of what the file
        says. Paths in them are relative to the current folder.
    quick : bool, default=False
        Whether the recipe's table ``[quick]`` takes the place of what the rest says.

    Returns
    -------
    Recipe

    Raises
    ------
    InputError
        If the file is no TOML, or says something that cannot be done: file and key are named.
    """
    file = Path(path)
    text, tables = _load(file)
    smaller = tables.pop(QUICK, {})
    options = ["--quick"] if quick else []
    if quick:
        if not smaller:
            raise InputError(f"{file.name}: there is no table [quick]: it says what is smaller in a quick run.")
        tables = _merged(tables, smaller)
    for change in changes:
        tables = _merged(tables, _change(change))
        options += ["--set", change]
    if data is not None:
        tables = _with_data(tables, data, file.name)
        options += ["--data", data]
    if options:
        text = f"{text.rstrip()}\n# run with {' '.join(shlex.join(options).split())}\n"
    return _recipe(file, text, tables)


def _recipe(file: Path, text: str, tables: Mapping[str, Any]) -> Recipe:
    whole = RecipeTable(file.name, "", tables)
    title = whole.take("title", str, file.stem)
    seed = whole.take("seed", int, 0)
    datasets = read_data(whole.table("data"), file.parent, seed)
    names = tuple(step.name for step in datasets)
    trained = read_train(whole.table("train"), names, file.parent, seed)
    fitted = "features" in whole or "heads" in whole or not trained
    extractions, features = read_features(whole.table("features"), file.parent, names, trained, seed)
    about = whole.table("protocol")
    protocol, shared = read_protocol(about, seed)
    section = whole.table("heads")
    heads, ensembles = read_heads(section, features, shared) if fitted else ((), ())
    whole.finish()
    if not trained and not (features and heads):
        raise whole.error("", "there is nothing to compare: give [train.NAME] a network, or [features] and [heads].")
    if protocol.cv and not heads:
        raise about.error("cv", "there are no heads to fit in the folds, and networks are not: give [heads].")
    known = (*PREFERENCES, *model_names(trained, heads, ensembles))
    if protocol.choose not in known:
        raise about.error("choose", unknown_name("model", protocol.choose, known))
    return Recipe(
        file.stem, title, seed, datasets, trained, extractions, features, heads, ensembles, protocol, text, file
    )


def _load(file: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = file.read_bytes().decode()
        return text, tomllib.loads(text)
    except OSError as error:
        raise InputError(f"The recipe {str(file)!r} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file.name}: it is no UTF-8 text (byte {error.start}).") from error
    except _FAULTS as error:
        raise InputError(f"{file.name}: it is no TOML: {error}.") from error


def _change(text: str) -> dict[str, Any]:
    """Return the tables that a ``KEY=VALUE`` pair means."""
    dotted, equals, value = text.partition("=")
    keys = [key.strip() for key in dotted.split(".")]
    if not equals or not all(re.fullmatch(r"[\w-]+", key) for key in keys):
        raise InputError(f"--set {text!r} was given; expected KEY=VALUE, such as train.resnet.epochs=5.")
    try:
        found = tomllib.loads(f"value = {value}")["value"]
    except _FAULTS:
        found = value
    found = from_here(keys[-1], found)
    for key in reversed(keys):
        found = {key: found}
    return found


def _with_data(tables: Mapping[str, Any], data: str, file: str) -> dict[str, Any]:
    given = tables.get("data", {})
    if isinstance(given, Mapping) and "source" not in given and given:
        if len(given) > 1:
            example = f"--set data.{next(iter(given))}.source={data}"
            raise InputError(
                f"{file}: --data was given, but there are {len(given)} datasets: name one, as in {example}."
            )
        (name,) = given
        return _merged(tables, {"data": {name: {"source": from_here("source", data)}}})
    return _merged(tables, {"data": {"source": from_here("source", data)}})


def _merged(tables: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Return tables in which the values of others take the place of one's own, key by key."""
    found = dict(tables)
    for key, value in others.items():
        old = found.get(key)
        found[key] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return found
