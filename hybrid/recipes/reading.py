"""Read a recipe from a TOML file and check it."""

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
from hybrid.recipes.paths import from_current_folder
from hybrid.recipes.recipe import Recipe, model_names
from hybrid.recipes.section import RecipeTable
from hybrid.recipes.steps import read_data, read_protocol, read_seed

QUICK = "quick"
# Besides TOMLDecodeError: ValueError for a number too long for Python, RecursionError for too deeply nested brackets.
_SYNTAX_ERRORS = (ValueError, RecursionError)


def read_recipe(
    path: str | Path, *, data: str | None = None, changes: Iterable[str] = (), quick: bool = False
) -> Recipe:
    """Read a recipe from a TOML file and check all of it.

    Parameters
    ----------
    path : str or Path
        A TOML file. Paths in it are relative to its folder.
    data : str, optional
        Replaces the source of the recipe's only dataset. A path is relative to the current folder.
    changes : iterable of str, default=()
        ``KEY=VALUE`` pairs with dotted keys, such as ``"train.resnet.epochs=5"``, that replace values of the file.
        Paths in them are relative to the current folder.
    quick : bool, default=False
        Whether the values in the table ``[quick]`` of the recipe replace those of the other tables.

    Returns
    -------
    Recipe

    Raises
    ------
    InputError
        If the file is not valid TOML or the recipe cannot be run. The message names the file and the key.
    """
    file = Path(path)
    text, tables = _load(file)
    quick_tables = tables.pop(QUICK, {})
    options = ["--quick"] if quick else []
    if quick:
        if not quick_tables:
            raise InputError(
                f"{file.name}: --quick needs a table [quick] with the values for a quick run, but there is none."
            )
        tables = _merged(tables, quick_tables)
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
    root = RecipeTable(file.name, "", tables)
    title = root.take("title", str, file.stem)
    seed = read_seed(root, 0)
    datasets = read_data(root.table("data"), file.parent, seed)
    names = tuple(step.name for step in datasets)
    trained = read_train(root.table("train"), names, file.parent, seed)
    fits_heads = "features" in root or "heads" in root or not trained
    extractions, features = read_features(root.table("features"), file.parent, names, trained, seed)
    protocol_table = root.table("protocol")
    protocol, shared = read_protocol(protocol_table, seed)
    heads_table = root.table("heads")
    heads, ensembles = read_heads(heads_table, features, shared) if fits_heads else ((), ())
    root.finish()
    if not trained and not (features and heads):
        raise root.error("", "there is nothing to compare. Give a network in [train.NAME], or [features] and [heads].")
    if (protocol.cv or protocol.cv_domains) and not heads:
        raise protocol_table.error(
            "cv" if protocol.cv else "cv_domains",
            "there are no heads to cross-validate, and networks are not. Give [heads].",
        )
    known = (*PREFERENCES, *model_names(trained, heads, ensembles))
    if protocol.choose not in known:
        raise protocol_table.error("choose", unknown_name("model", protocol.choose, known))
    for reference in protocol.tested.references:
        if reference not in known[len(PREFERENCES) :]:
            raise protocol_table.error("reference", unknown_name("model", reference, known[len(PREFERENCES) :]))
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
        raise InputError(f"{file.name}: it is not a text file in UTF-8 (byte {error.start}).") from error
    except _SYNTAX_ERRORS as error:
        raise InputError(f"{file.name}: it is not valid TOML: {error}.") from error


def _change(text: str) -> dict[str, Any]:
    """Return a ``KEY=VALUE`` pair as nested tables."""
    dotted, equals, value = text.partition("=")
    keys = [key.strip() for key in dotted.split(".")]
    if not equals or not all(re.fullmatch(r"[\w-]+", key) for key in keys):
        raise InputError(f"--set {text!r} was given; expected KEY=VALUE, such as train.resnet.epochs=5.")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except _SYNTAX_ERRORS:  # text without quotation marks
        parsed = value
    tables = from_current_folder(keys[-1], parsed)
    for key in reversed(keys):
        tables = {key: tables}
    return tables


def _with_data(tables: Mapping[str, Any], data: str, file: str) -> dict[str, Any]:
    given = tables.get("data", {})
    if isinstance(given, Mapping) and "source" not in given and given:
        if len(given) > 1:
            example = f"--set data.{next(iter(given))}.source={data}"
            raise InputError(
                f"{file}: --data was given, but there are {len(given)} datasets. Name one, as in {example}."
            )
        (name,) = given
        return _merged(tables, {"data": {name: {"source": from_current_folder("source", data)}}})
    return _merged(tables, {"data": {"source": from_current_folder("source", data)}})


def _merged(tables: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables with the values of other tables added or, at any depth, in place of their own."""
    merged = dict(tables)
    for key, value in others.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
