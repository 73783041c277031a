"""Crafted models: every array and number that a head was saved with, changed in each way that an attacker would try.

Unlike mutations by chance, these are all tried; and of what predictions are made of, each must be refused.
"""

import copy
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fuzz
import numpy as np
from fuzz_targets import COLUMNS, SavedModel, write_manifest, zipped
from mutations import array_bytes

Made = tuple[str, str, bytes]  # what was changed, the file, its content

# Attributes of which predictions are made: no other value of another shape or kind will do, nor NaN, nor infinity.
USED = {"mean_", "scale_", "components_", "coef_", "intercept_", "classes_", "a_", "b_", "beta_", "nodes", "values",
        "X_thresholds_", "y_thresholds_", "thresholds_"}  # fmt: skip
NODES = "trees/0.npz"
_SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "one more": lambda array: np.concatenate([array, array[-1:]]) if array.ndim else array[None],
    "one fewer": lambda array: array[:-1] if array.ndim else array[None],
    "none": lambda array: np.zeros((0, *array.shape[1:]), array.dtype),
    "another axis": lambda array: array[None],
    "text": lambda array: np.zeros(array.shape, "U3"),
    "complex": lambda array: np.zeros(array.shape, complex) if array.ndim else array,  # skops makes a number of one
}
_FLOATS = {"NaN": np.nan, "infinity": np.inf, "minus infinity": -np.inf}
_NUMBERS = {"-1": -1, "-2": -2, "0": 0, "a million": 10**6, "the most": 2**31 - 1}


def models(folder: str, *names: str) -> None:
    """Craft the saved models of these names in a folder; load each, and let it predict."""
    from hybrid.models.predict import predict_checked
    from hybrid.pipelines import load_model

    X = np.random.default_rng(5).normal(size=(20, COLUMNS)).astype(np.float32)
    bases = [SavedModel(Path(folder, name)) for name in names]
    cases = [(base, made) for base in bases for made in craft(base)]
    place = Path(folder, "crafted")

    def case(seed: int) -> str:
        base, (what, name, data) = cases[seed]
        shutil.rmtree(place, ignore_errors=True)
        files = base.files | {name: data}
        for file, content in files.items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_bytes(content)
        write_manifest(place, dict(base.manifest), files)
        predict_checked(load_model(place), X, base.manifest["classes"])
        assert not what.startswith("!"), f"{base.name}: {what[1:]} was not refused"
        return "read"

    counts = fuzz.run(case, range(len(cases)), Path(folder))
    print(f"{len(cases)} crafted models: {counts['read']} read, {counts['refused']} refused in a sentence, no signal")


def craft(base: SavedModel) -> Iterator[Made]:
    """Yield each change of one model; "!" before what was changed says that it must be refused.

    A number in one pair of brackets more is the same number to some versions of NumPy: that one need not be.
    """
    for what, name in dict(_arrays(base.schema, "")).items():  # the last of those of one name, such as of trees
        array = np.load(io.BytesIO(base.members[name]), allow_pickle=False)
        for how, changed in _changes(array):
            certain = what in USED and how in ({*_SHAPES, *_FLOATS} if array.ndim else {"none", "text", *_FLOATS})
            yield f"{'!' * certain}{how} in {what}", "head.skops", _packed(base, name, array_bytes(changed))
    for place in _numbers(base.schema, ""):
        for value in (-1, 0, 1, 3, 10**6, 2**63, 0.5, "x", None):
            schema = copy.deepcopy(base.schema)
            _at(schema, place)["content"] = json.dumps(value)
            data = _packed(base, "schema.json", json.dumps(schema).encode())
            yield f"{value!r} as {place}", "head.skops", data
    for member in base.trees:
        for how, changed in _changes(np.load(io.BytesIO(base.trees[member]), allow_pickle=False)):
            certain = how in {*_SHAPES, *_FLOATS} or (member == "right_child.npy" and how in _NUMBERS)
            data = zipped(base.trees | {member: array_bytes(changed)})
            yield f"{'!' * certain}{how} in {member} of {NODES}", NODES, data
    for name in (name for name in base.files if name.startswith("boosters/")):
        for what, booster in _boosters(json.loads(base.files[name])):
            yield what, name, json.dumps(booster).encode()


def _changes(array: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    for how, change in _SHAPES.items():
        if (changed := change(array)).dtype != array.dtype or changed.shape != array.shape:
            yield how, changed
    if array.dtype.names:
        for name in array.dtype.names:
            for how, changed in _values(array[name]):
                whole = array.copy()
                whole[name] = changed
                yield f"{how} in {name}" if how not in _FLOATS or name != "threshold" else how, whole
    else:
        yield from _values(array)
    yield "reversed", array[::-1] if array.ndim else array


def _values(array: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield an array with another first value."""
    if not array.size or array.dtype.kind not in "fiu":
        return
    for how, value in (_FLOATS if array.dtype.kind == "f" else _NUMBERS).items():
        changed = np.array(array)
        with np.errstate(over="ignore"):
            changed.reshape(-1)[0] = np.array(value).astype(array.dtype)
        yield how, changed


def _packed(base: SavedModel, name: str, data: bytes) -> bytes:
    return zipped(base.members | {name: data})


def _arrays(node: Any, key: str) -> Iterator[tuple[str, str]]:
    """Yield the attribute and the file of each array in skops' description of an object."""
    if isinstance(node, dict) and node.get("__loader__") == "NdArrayNode" and node.get("type") == "numpy":
        yield key, node["file"]
    elif isinstance(node, dict):
        for name, part in node.items():
            yield from _arrays(part, key if name == "content" else name)
    elif isinstance(node, list):
        for part in node:
            yield from _arrays(part, key)


def _numbers(node: Any, place: str) -> Iterator[str]:
    """Yield the places of learnt numbers and switches, as keys with a slash between them."""
    if isinstance(node, dict) and node.get("__loader__") == "JsonNode":
        last = place.rsplit("/", 1)[-1]
        if last.endswith("_") or last in {"max_depth", "node_count"}:
            yield place
        return
    for key, part in node.items() if isinstance(node, dict) else enumerate(node if isinstance(node, list) else ()):
        yield from _numbers(part, f"{place}/{key}".lstrip("/"))


def _at(node: Any, place: str) -> Any:
    for key in place.split("/"):
        node = node[int(key)] if isinstance(node, list) else node[key]
    return node


def _boosters(booster: dict) -> Iterator[tuple[str, dict]]:
    """Yield boosters with each list of their second tree, and each other number, changed."""

    def changed(change: Callable[[dict, dict], object]) -> dict:
        made = copy.deepcopy(booster)
        change(made, made["learner"]["gradient_booster"]["model"]["trees"][1])
        return made

    for name, values in booster["learner"]["gradient_booster"]["model"]["trees"][1].items():
        if isinstance(values, list):
            yield f"!one more in {name}", changed(lambda _, tree, n=name: tree[n].append(0))
            if values:
                yield f"!one fewer in {name}", changed(lambda _, tree, n=name: tree[n].pop())
            for value in (-1, -2, 10**6, 2**31 - 1, 10**30, "x", None) if values else ():
                yield f"{value!r} in {name}", changed(lambda _, tree, n=name, v=value: tree[n].__setitem__(0, v))
    for group in ("learner_model_param", "objective"):
        for name in booster["learner"][group]:
            for value in ("-1", "7", "1000000", "nan", "[NaN]", "[]", "", "x", None, {}):
                yield (
                    f"{value!r} as {name}",
                    changed(lambda b, _, g=group, n=name, v=value: b["learner"][g].update({n: v})),
                )
    for name in ("gblinear", "dart", "gbtree2", ""):
        yield f"!{name!r}", changed(lambda b, _, n=name: b["learner"]["gradient_booster"].update(name=n))
    dart = changed(lambda b, _: b["learner"]["gradient_booster"].update(name="dart", gbtree={}, weight_drop=[]))
    yield "!dart beside sound trees", dart
