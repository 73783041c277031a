"""Convert the trees of scikit-learn's forests to arrays and back.

skops takes seconds to save 300 trees one by one; as arrays they take about 0.1 s.

A saved forest holds a single tree with the attributes that all trees share. In place of its nodes it has the name of a
.npz file, which holds the nodes of all trees, one tree after another, in one array per field of a node.
"""

import copy
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble._forest import ForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.tree._tree import NODE_DTYPE, Tree

from hybrid.errors import InputError, reason_of
from hybrid.pipelines.saved.trees import check_nodes, check_widths
from hybrid.pipelines.saved.trusted import check_unpacked_size
from hybrid.pipelines.saved.walk import replace_estimators

_TREE_ARRAYS = ("node_count", "max_depth", "random_state")  # one value per tree; the other arrays have one per node
_NODE_ARRAYS = (*NODE_DTYPE.names, "value")
_MOST_TREES = 100_000  # a loaded tree needs some thousand bytes, however small the file is


def detach_trees(pipeline: Pipeline) -> tuple[Pipeline, dict[str, bytes]]:
    """Return a copy of a fitted pipeline without the trees of its forests, and the trees as .npz files by name."""
    files: dict[str, bytes] = {}

    def detach(forest: ForestClassifier) -> ForestClassifier:
        trees = getattr(forest, "estimators_", [])
        if not trees or not _are_alike(trees):
            return forest  # skops saves it whole
        stripped, common = copy.copy(forest), copy.copy(trees[0])
        common.tree_ = name = f"trees/{len(files)}.npz"
        stripped.estimators_ = [common]
        files[name] = _pack(trees)
        return stripped

    return replace_estimators(pipeline, ForestClassifier, detach), files


def attach_trees(pipeline: Pipeline, files: Mapping[str, bytes]) -> Pipeline:
    """Return a copy of a pipeline with the trees of its forests, the inverse of :func:`detach_trees`.

    Parameters
    ----------
    pipeline : Pipeline
        A fitted pipeline whose forests have no trees.
    files : mapping of str to bytes
        The trees as .npz files, by name.

    Raises
    ------
    InputError
        If the trees of a forest are missing, damaged, or do not fit the forest; or if no forest uses one of the files.
    """
    unused = dict(files)

    def attach(forest: Any) -> ForestClassifier:
        match getattr(forest, "estimators_", None):
            case [common] if isinstance(getattr(common, "tree_", None), str):
                complete = copy.copy(forest)
                complete.estimators_ = _unpack(unused.pop(common.tree_), common)
                return complete
        return forest

    try:
        complete = replace_estimators(pipeline, ForestClassifier, attach)
        if unused:
            raise InputError(f"no forest uses {min(unused)}")
        check_widths(complete)
    except Exception as error:  # an untrusted file can fail in any way
        raise InputError(f"The model's forests cannot be loaded: {reason_of(error)}") from error
    return complete


def _are_alike(trees: list[Any]) -> bool:
    """Return whether trees differ in nothing but their nodes and their integer seeds."""
    if len(trees) > _MOST_TREES:
        return False
    shared = _shared_attributes(trees[0])
    width, classes = trees[0].n_features_in_, _n_classes(trees[0])
    return all(
        type(tree) is type(trees[0])
        and type(tree.random_state) is int
        and isinstance(tree.tree_, Tree)
        and tree.tree_.n_features == width
        and np.array_equal(tree.tree_.n_classes, classes)
        and vars(tree).keys() == vars(trees[0]).keys()
        and all(_equal(getattr(tree, name), value) for name, value in shared.items())
        for tree in trees
    )


def _shared_attributes(tree: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(tree).items() if name not in ("tree_", "random_state")}


def _equal(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    return a is b or (np.array_equal(a, b) if isinstance(a, np.ndarray) else bool(a == b))


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
    with ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            file, narrow = BytesIO(), _narrow(array)
            np.lib.format.write_array(file, narrow, allow_pickle=False)
            # Fractions are nearly random bits: compressing them takes most of the time and saves little.
            method = ZIP_STORED if narrow.dtype.kind == "f" and name != "value" else ZIP_DEFLATED
            archive.writestr(ZipInfo(f"{name}.npy"), file.getbuffer(), method, compresslevel=1)
    return buffer.getvalue()


def _narrow(array: NDArray) -> NDArray:
    """Return an array of whole numbers in the smallest integer type that holds all of them, and any other as it is."""
    low, high = array.min(), array.max()
    for kind in ("u1", "i1", "i2", "i4", "i8"):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            whole = array.astype(kind)
            return whole if array.dtype.kind != "f" or (whole == array).all() else np.ascontiguousarray(array)
    return np.ascontiguousarray(array)


def _unpack(data: bytes, common: Any) -> list[Any]:
    """Return the trees of one forest; every array is checked first."""
    check_unpacked_size(data)
    with ZipFile(BytesIO(data)) as archive:
        expected = sorted(f"{name}.npy" for name in (*_TREE_ARRAYS, *_NODE_ARRAYS))
        if sorted(archive.namelist()) != expected:
            raise InputError(
                f"a file holds the arrays {', '.join(sorted(archive.namelist()))}; expected {', '.join(expected)}"
            )
        arrays = {name.removesuffix(".npy"): read_array(archive, name) for name in expected}
    counts, depths, seeds = (arrays[name].astype(np.int64) for name in _TREE_ARRAYS)
    _check_sizes(arrays, counts, depths, seeds, common)
    nodes = np.zeros(counts.sum(), NODE_DTYPE)
    for name in NODE_DTYPE.names:
        nodes[name] = arrays[name]
    stops = np.cumsum(counts)
    _check_structure(nodes, counts, stops, common.n_features_in_)
    classes, value = _n_classes(common), np.array(arrays["value"], np.float64)
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


def read_array(archive: ZipFile, name: str) -> NDArray:
    """Return the array of a .npy file. It uses the file's bytes as memory, so no stated shape can make it larger."""
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
    """Check that the arrays have the types and shapes of trees like `common`."""
    classes = _n_classes(common)
    if common.n_outputs_ != len(classes) or classes.min() < 1:
        raise InputError(f"a tree has {common.n_outputs_!r:.40} outputs with {classes.tolist()!r:.40} classes")
    n_nodes, n_trees = len(arrays["value"]), len(counts)
    shapes = dict.fromkeys(_TREE_ARRAYS, (n_trees,)) | dict.fromkeys(NODE_DTYPE.names, (n_nodes,))
    shapes["value"] = (n_nodes, len(classes), int(classes.max()))
    kinds = {name: np.dtype(np.int64) for name in _TREE_ARRAYS} | {"value": np.dtype(np.float64)}
    for name, shape in shapes.items():
        array, kind = arrays[name], kinds.get(name) or NODE_DTYPE[name]
        matches = array.dtype == kind or (array.dtype.kind in "iu" and np.can_cast(array.dtype, kind))
        if array.shape != shape or not matches:
            raise InputError(f"{name} has shape {array.shape} and type {array.dtype}; expected {shape} and {kind}")
        if kind.kind == "f" and not np.isfinite(array).all():
            raise InputError(f"{name} holds NaN or infinity")
    if not 0 < n_trees <= _MOST_TREES or not ((counts > 0) & (counts <= n_nodes)).all() or counts.sum() != n_nodes:
        raise InputError(f"the node counts of {n_trees} trees do not add up to the {n_nodes} nodes of the file")
    if not ((depths >= 0) & (depths < counts)).all() or (seeds < 0).any():
        raise InputError("a tree has an impossible depth or seed")


def _check_structure(nodes: NDArray, counts: NDArray, stops: NDArray, width: int) -> None:
    """Check that the nodes form consecutive trees in which every node except the root has exactly one parent."""
    inner, start = nodes["left_child"] != -1, np.repeat(stops - counts, counts)
    left, right = (np.where(inner, nodes[name] + start, -1) for name in ("left_child", "right_child"))
    check_nodes(left, right, nodes["feature"], width, np.repeat(stops, counts))
    parents = np.bincount(np.concatenate([left[inner], right[inner]]), minlength=len(nodes))
    if (parents != (np.arange(len(nodes)) != start)).any():
        raise InputError("a node of a tree does not have exactly one parent")
