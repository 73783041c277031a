"""Where source code reads a record by string key, such as ``record["splits"]`` or ``model.get("set")``."""

import ast
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType

from hybrid.workspace import model_record, set_record, training_record

# What variables and attributes are called that hold a record, or a part of one.
HOLDERS = {
    "about", "chosen", "dataset_record", "first", "fixed", "info", "model", "models", "record", "records", "result",
    "results", "saved", "taken", "times", "views",
}  # fmt: skip


def keys_of_records() -> set[str]:
    """Return every key in the files of models, embedding sets and trainings."""
    return {
        field.metadata.get("key") or field.name
        for module in (model_record, set_record, training_record)
        for kind in _dataclasses(module)
        for field in fields(kind)
    }


def accesses(path: Path) -> Iterator[str]:
    """Return each place in a file at which a record is read by a string key."""
    keys = keys_of_records()
    for node in ast.walk(ast.parse(path.read_text())):
        key, receiver = _access(node)
        if key in keys and HOLDERS & set(_names(receiver)):
            yield f"{path}:{node.lineno}: {ast.unparse(node)}"


def _access(node: ast.AST) -> tuple[object, ast.AST]:
    """Return the constant that something is indexed by, or that its method `get` is given; and what it is."""
    match node:
        case ast.Subscript(value=receiver, slice=ast.Constant(value=key)):
            return key, receiver
        case ast.Call(func=ast.Attribute(value=receiver, attr="get" | "pop"), args=[ast.Constant(value=key), *_]):
            return key, receiver
    return None, node


def _names(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def _dataclasses(module: ModuleType) -> list[type]:
    return [kind for kind in vars(module).values() if isinstance(kind, type) and is_dataclass(kind)]
