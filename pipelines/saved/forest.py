"""The trees of scikit-learn's forests as arrays and back: skops takes seconds for 300 trees, arrays a tenth of one.

A saved forest has one tree in place of all. That tree says what they have in common; instead of its nodes it has the
name of a .npz file, which holds the nodes of all trees, one tree after another, with an array for each field of a node.
"""

import copy
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble._forest import ForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.tree._tree import NODE_DTYPE, Tree

from hybrid.errors import InputError, reason_of
from hybrid.pipelines.saved.trees import check_nodes, check_widths
from hybrid.pipelines.saved.trusted import check_unpacked_size
from hybrid.pipelines.saved.walk import replace_estimators

_OF_TREES = ("node_count", "max_depth", "random_state")  # arrays with a number for each tree; the others, for each node
_OF_NODES = (*NODE_DTYPE.names, "value")
_MOST_TREES = 100_000  # each needs some thousand bytes, however few a file has for it


def take_trees(pipeline: Pipeline) -> tuple[Pipeline, dict[str, bytes]]:
    """Return a copy of a fitted pipeline whose forests have no trees, and the trees as .npz files, by their names."""
    files: dict[str, bytes] = {}

    def take(forest: ForestClassifier) -> ForestClassifier:
        trees = getattr(forest, "estimators_", [])
        if not trees or not _are_alike(trees):
            return forest  # skops keeps it as it is
        bare, common = copy.copy(forest), copy.copy(trees[0])
        common.tree_ = name = f"trees/{len(files)}.npz"
        bare.estimators_ = [common]
        files[name] = _pack(trees)
        return bare

    return replace_estimators(pipeline, ForestClassifier, take), files


def put_trees(pipeline: Pipeline, files: Mapping[str, bytes]) -> Pipeline:
    """Return a copy of a pipeline in which the forests have the trees that :func:`take_trees` took from them.

    Raises
    ------
    InputError
        If the trees of a forest are missing, damaged, or do not fit the forest; or if no forest uses a file.
    """
    unused = dict(files)

    def put(forest: Any) -> ForestClassifier:
        match getattr(forest, "estimators_", None):
            case [common] if isinstance(getattr(common, "tree_", None), str):
                whole = copy.copy(forest)
                whole.estimators_ = _unpack(unused.pop(common.tree_), common)
                return whole
        return forest

    try:
        whole = replace_estimators(pipeline, ForestClassifier, put)
        if unused:
            raise InputError(f"no forest uses {min(unused)}")
        check_widths(whole)
    except Exception as error:  # an untrusted file can fail in any way
        raise InputError(f"The model's forests cannot be loaded: {reason_of(error)}") from error
    return whole


def _are_alike(trees: list[Any]) -> bool:
    """Return whether trees differ only in their nodes and in the integers that are their seeds."""
    if len(trees) > _MOST_TREES:
        return False
    common = _common(trees[0])
    widths, classes = trees[0].n_features_in_, _n_classes(trees[0])
    return all(
        type(tree) is type(trees[0])
        and type(tree.random_state) is int
        and isinstance(tree.tree_, Tree)
        and tree.tree_.n_features == widths
        and np.array_equal(tree.tree_.n_classes, classes)
        and vars(tree).keys() == vars(trees[0]).keys()
        and all(_equal(getattr(tree, name), value) for name, value in common.items())
        for tree in trees
    )


def _common(tree: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(tree).items() if name not in ("tree_", "random_state")}


def _equal(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    return one is other or (np.array_equal(one, other) if isinstance(one, np.ndarray) else bool(one == other))


def _n_classes(tree: Any) -> NDArray[np.intp]:
    """Return the number of classes of each output of a tree."""
    return np.atleast_1d(np.asarray(tree.n_classes_)).astype(np.intp, casting="same_kind")


def _pack(trees: list[Any]) -> bytes:
    states = [tree.tree_.__getstate__() for tree in trees]
    nodes = np.concatenate([state["nodes"] for state in states])
    arrays = {name: nodes[name] for name in NODE_DTYPE.names} | {
        "value": np.concatenate([state["values"] for state in states]),
        "node_count": np.array([state["node_count"] for state in states]),
        "max_depth": np.array([state["max_depth"] for state in states]),
        "random_state": np.array([tree.random_state for tree in trees]),
    }
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, _narrow(array), allow_pickle=False)
    return buffer.getvalue()


def _narrow(array: NDArray) -> NDArray:
    """Return an array; integers in the smallest type that holds them all."""
    if array.dtype.kind == "f":
        return np.ascontiguousarray(array)
    low, high = array.min(), array.max()
    kinds = (np.dtype(kind) for kind in ("u1", "i1", "i2", "i4", "i8"))
    return array.astype(next(kind for kind in kinds if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max))


def _unpack(data: bytes, common: Any) -> list[Any]:
    """Return the trees of one forest after every array was checked."""
    check_unpacked_size(data)
    with ZipFile(BytesIO(data)) as archive:
        expected = sorted(f"{name}.npy" for name in (*_OF_TREES, *_OF_NODES))
        if sorted(archive.namelist()) != expected:
            raise InputError(
                f"the arrays {', '.join(sorted(archive.namelist()))} were found, not {', '.join(expected)}"
            )
        arrays = {name.removesuffix(".npy"): _read(archive, name) for name in expected}
    counts, depths, seeds = (arrays[name].astype(np.int64) for name in _OF_TREES)
    _check_sizes(arrays, counts, depths, seeds, common)
    nodes = np.zeros(counts.sum(), NODE_DTYPE)
    for name in NODE_DTYPE.names:
        nodes[name] = arrays[name]
    stops = np.cumsum(counts)
    _check_structure(nodes, counts, stops, common.n_features_in_)
    classes, value = _n_classes(common), np.array(arrays["value"])
    trees = []
    for start, stop, depth, seed in zip(stops - counts, stops, depths.tolist(), seeds.tolist(), strict=True):
        new = copy.copy(common)
        new.random_state = seed
        new.tree_ = Tree(common.n_features_in_, classes, len(classes))
        state = {
            "max_depth": depth,
            "node_count": stop - start,
            "nodes": nodes[start:stop],
            "values": value[start:stop],
        }
        new.tree_.__setstate__(state)
        trees.append(new)
    return trees


def _read(archive: ZipFile, name: str) -> NDArray:
    """Return a .npy file's array of numbers; its bytes are the array's memory, so that no shape makes it larger."""
    with archive.open(name) as file:
        data = file.read(archive.getinfo(name).file_size)
    header = BytesIO(data)
    if np.lib.format.read_magic(header) != (1, 0):
        raise InputError(f"{name} is not a .npy file of version 1.0")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(header)
    if fortran or dtype.kind not in "iuf" or not dtype.isnative:
        raise InputError(f"{name} holds {dtype}; expected integers or floats")
    return np.frombuffer(data, dtype, offset=header.tell()).reshape(shape)


def _check_sizes(arrays: dict[str, NDArray], counts: NDArray, depths: NDArray, seeds: NDArray, common: Any) -> None:
    """Check that the arrays are of the types and sizes of trees like `common`."""
    classes = _n_classes(common)
    if common.n_outputs_ != len(classes) or classes.min() < 1:
        raise InputError(f"a tree has {common.n_outputs_!r:.40} outputs with {classes.tolist()!r:.40} classes")
    n_nodes, n_trees = len(arrays["value"]), len(counts)
    shapes = dict.fromkeys(_OF_TREES, (n_trees,)) | dict.fromkeys(NODE_DTYPE.names, (n_nodes,))
    shapes["value"] = (n_nodes, len(classes), int(classes.max()))
    kinds = {name: np.dtype(np.int64) for name in _OF_TREES} | {"value": np.dtype(np.float64)}
    for name, shape in shapes.items():
        array, kind = arrays[name], kinds.get(name) or NODE_DTYPE[name]
        same = array.dtype == kind if kind.kind == "f" else array.dtype.kind in "iu" and np.can_cast(array.dtype, kind)
        if array.shape != shape or not same:
            raise InputError(f"{name} is of shape {array.shape} and type {array.dtype}; expected {shape} and {kind}")
        if kind.kind == "f" and not np.isfinite(array).all():
            raise InputError(f"{name} holds NaN or infinity")
    if not 0 < n_trees <= _MOST_TREES or not ((counts > 0) & (counts <= n_nodes)).all() or counts.sum() != n_nodes:
        raise InputError(f"{n_trees} trees do not have {n_nodes} nodes together")
    if not ((depths >= 0) & (depths < counts)).all() or (seeds < 0).any():
        raise InputError("a tree has a depth or a seed that no tree has")


def _check_structure(nodes: NDArray, counts: NDArray, stops: NDArray, width: int) -> None:
    """Check that the nodes form one tree after another, in which every node but the root has one parent."""
    inner, start = nodes["left_child"] != -1, np.repeat(stops - counts, counts)
    left, right = (np.where(inner, nodes[name] + start, -1) for name in ("left_child", "right_child"))
    check_nodes(left, right, nodes["feature"], width, np.repeat(stops, counts))
    parents = np.bincount(np.concatenate([left[inner], right[inner]]), minlength=len(nodes))
    if (parents != (np.arange(len(nodes)) != start)).any():
        raise InputError("a node of a tree does not have one parent")
