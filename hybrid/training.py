"""Train a custom backbone end to end, by the same protocol as every head: fit on train, choose on validation."""

import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from hybrid.datasets import Dataset
from hybrid.datasets.split import make_split
from hybrid.embedding_set import TRAINING_KEYS
from hybrid.errors import InputError, unknown_name
from hybrid.extractors import BACKBONES, find_backbone
from hybrid.extractors.atomic import replace_folder, write_atomic, write_json
from hybrid.extractors.digests import FileDigests
from hybrid.extractors.images import decode, read_bytes
from hybrid.extractors.keras_import import import_keras
from hybrid.extractors.source import ImageSource
from hybrid.extractors.store import default_cache

if TYPE_CHECKING:
    import keras

EpochReport = Callable[[int, dict[str, float]], None]

_LARGEST = 64  # pixels: what a network for files of several sizes is trained at
_SAMPLE = 200
_FEW = 100  # validation images
_MOST_BYTES = 8 * 2**30


@dataclass(frozen=True)
class TrainingOptions:
    """How a network is trained.

    Attributes
    ----------
    epochs : int, default=40
        At most.
    batch_size : int, default=64
    learning_rate : float, default=1e-3
        Of Adam at the start; times 0.3 whenever the validation loss stalls for `patience` // 2 epochs.
    patience : int, default=8
        Epochs without a better validation loss before training stops. The weights of the best epoch are kept.
    class_weight : {"balanced", "none"}, default="balanced"
        Whether rare classes weigh more in the loss, as in scikit-learn.
    seed : int, default=0
        Of the weights, the order of the images and dropout.
    """

    epochs: int = 40
    batch_size: int = 64
    learning_rate: float = 1e-3
    patience: int = 8
    class_weight: str = "balanced"
    seed: int = 0


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with the record of its training.

    Attributes
    ----------
    model : keras.Model
        With the weights of its best epoch. It takes pixels from 0 to 255.
    history : dict of str to list of float
        Loss and accuracy on train and validation, and the learning rate, an epoch.
    best_epoch : int
        Counted from 1.
    seconds : float
    """

    model: "keras.Model"
    history: dict[str, list[float]]
    best_epoch: int
    seconds: float


def train_network(
    arch: str,
    dataset: Dataset,
    options: TrainingOptions,
    *,
    size: int | tuple[int, int] | None = None,
    report: EpochReport | None = None,
) -> TrainedNetwork:
    """Train a custom backbone on a dataset's train split, its epoch chosen on validation.

    Parameters
    ----------
    arch : str
        Name of a custom backbone.
    dataset : Dataset
        With a validation split; to one of less than 100 images a tenth of a large train split is added, with a
        warning. Its test split is not looked at.
    options : TrainingOptions
    size : int or (int, int), optional
        Height and width of the network's input, in pixels; the images' own if they are of one size up to 64, else 64.
    report : callable, optional
        Called after each epoch with its number, from 1, and its scores.

    Returns
    -------
    TrainedNetwork

    Raises
    ------
    InputError
        If the backbone is no custom one, there is no validation split, or the images do not fit into memory.
    """
    row = find_backbone(arch)
    custom_names = [name for name, other in BACKBONES.items() if other.kind == "custom"]
    if row.kind != "custom":
        raise unknown_name("custom backbone", arch, custom_names, "A pretrained backbone is used as it is.")
    train, val = _parts(dataset, options.seed)
    shape = input_shape(dataset, size)
    x_train, x_val = load_pixels(train, shape), load_pixels(val, shape)

    import_keras()
    import keras

    from hybrid.extractors import custom

    keras.utils.set_random_seed(options.seed)
    multilabel = dataset.task == "multilabel"
    try:
        model = getattr(custom, row.constructor)(shape, len(dataset.classes), multilabel)
    except ValueError as error:
        raise InputError(
            f"{arch} cannot be built for images of {shape[0]}×{shape[1]}: nothing is left of them after its "
            "convolutions and poolings; enlarge them, as in --size 28."
        ) from error
    targets, weights = _targets(train), _class_weights(train, options)
    model.compile(
        optimizer=keras.optimizers.Adam(options.learning_rate),
        loss=_weighted_loss(weights) if multilabel else "sparse_categorical_crossentropy",
        metrics=["binary_accuracy" if multilabel else "accuracy"],
    )
    started = time.perf_counter()
    history = model.fit(
        x_train,
        targets,
        validation_data=(x_val, _targets(val)),
        class_weight=None if multilabel or weights is None else dict(enumerate(weights[1])),
        epochs=options.epochs,
        batch_size=options.batch_size,
        callbacks=_callbacks(options, report),
        verbose=0,
    ).history
    scores = {key.replace("binary_accuracy", "accuracy"): [float(v) for v in row] for key, row in history.items()}
    best = int(np.argmin(scores["val_loss"])) + 1
    return TrainedNetwork(model, scores, best, time.perf_counter() - started)


def _parts(dataset: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    """Return what is fitted to, and what the epoch is chosen by: a tiny validation split borrows a tenth of train."""
    train, val = (np.flatnonzero(dataset.split == name) for name in ("train", "val"))
    if not len(val):
        raise InputError("There is no validation split to choose the epoch by: give one, as in --split 70/15/15.")
    if len(val) < _FEW and len(train) >= 10 * _FEW:
        part = dataset.take(train)
        lent = make_split(part.y, part.groups, (0.9, 0.1, 0.0), seed, part.ids) == "val"
        warnings.warn(
            f"The validation split has {len(val)} images, too few to choose the epoch by: {lent.sum()} images of train "
            "are used for that too, and not fitted to.",
            stacklevel=3,
        )
        train, val = train[~lent], np.concatenate([val, train[lent]])
    return dataset.take(train), dataset.take(val)


def save_network(trained: TrainedNetwork, folder: Path, arch: str, dataset: Dataset, options: TrainingOptions) -> Path:
    """Write ``network.keras``, ``training.json`` (with the history) and ``curves.png``; return the network's path."""
    from hybrid.plots import save_figure, training_curves

    with replace_folder(folder) as new:
        trained.model.save(new / "network.keras")
        seen = dataset.take(dataset.split != "test")
        keys, _ = ImageSource(seen.X).digests(FileDigests(default_cache()))
        write_atomic(new / TRAINING_KEYS, lambda file: file.write(keys.tobytes()))
        save_figure(training_curves(trained.history, title=f"{arch} on {dataset.name}"), new / "curves.png")
        record = {
            "schema": 1,
            "arch": arch,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "dataset": {"name": dataset.name, "source": dataset.source, "notes": list(dataset.notes)},
            "input_shape": list(trained.model.input_shape[1:]),
            "classes": dataset.classes.tolist(),
            "parameters": trained.model.count_params(),
            "options": asdict(options),
            "best_epoch": trained.best_epoch,
            "seconds": round(trained.seconds, 3),
            "history": trained.history,
        }
        write_json(new / "training.json", record)
    return folder / "network.keras"


def input_shape(dataset: Dataset, size: int | tuple[int, int] | None) -> tuple[int, int, int]:
    """Return height, width and channels that a network for a dataset takes; 1 channel only if all images are grey."""
    if dataset.of_files:
        sizes, grey = _sample_files(dataset.X)
    else:
        sizes, grey = {dataset.X.shape[1:3]}, dataset.X.ndim == 3
    if size is None:
        own = next(iter(sizes))
        size = own if len(sizes) == 1 and (max(own) <= _LARGEST or not dataset.of_files) else (_LARGEST, _LARGEST)
    height, width = (size, size) if isinstance(size, int) else size
    return height, width, 1 if grey else 3


def load_pixels(part: Dataset, shape: tuple[int, int, int]) -> np.ndarray:
    """Return all images as uint8 pixels (n, height, width, channels), decoded in threads.

    Raises
    ------
    InputError
        If one cannot be decoded, or all together do not fit into memory.
    """
    if len(part) * int(np.prod(shape)) > _MOST_BYTES:
        raise InputError(
            f"{len(part)} images of {shape[0]}×{shape[1]}×{shape[2]} need more than {_MOST_BYTES // 2**30} GiB of "
            "memory: train on smaller images, as in --size 64."
        )
    pixels = np.empty((len(part), *shape), np.uint8)

    def load(row: int) -> None:
        data = read_bytes(part.X[row]) if part.of_files else part.X[row]
        pixels[row] = decode(data, shape[:2], shape[2], name=str(part.ids[row]))

    with ThreadPoolExecutor() as pool:
        for _ in pool.map(load, range(len(part))):
            pass
    return pixels


def _sample_files(paths: np.ndarray) -> tuple[set[tuple[int, int]], bool]:
    """Return the sizes of some of the files, and whether all of them are grey."""
    sizes, grey = set(), True
    for path in paths[np.linspace(0, len(paths) - 1, min(len(paths), _SAMPLE)).astype(int)]:
        try:
            with Image.open(path) as image:
                sizes.add((image.height, image.width))
                grey = grey and image.mode in ("1", "L", "I;16", "I")
        except OSError:
            continue  # decoding will name it
    return sizes or {(_LARGEST, _LARGEST)}, grey


def _targets(part: Dataset) -> np.ndarray:
    if part.task == "multilabel":
        return part.y.astype(np.float32)
    return np.searchsorted(part.classes, part.y).astype(np.int32)


def _class_weights(train: Dataset, options: TrainingOptions) -> np.ndarray | None:
    """Return balanced weights (2, k): of a label being 0 and 1; for single labels only the second row counts."""
    if options.class_weight == "none":
        return None
    if options.class_weight != "balanced":
        raise unknown_name("class weight", options.class_weight, ["balanced", "none"])
    counts = train.y.sum(axis=0) if train.task == "multilabel" else np.bincount(_targets(train))
    if train.task == "multilabel":
        return len(train) / (2.0 * np.stack([len(train) - counts, counts]))
    return np.stack([np.ones(len(counts)), len(train) / (len(counts) * counts)])


def _weighted_loss(weights: np.ndarray | None) -> Any:
    """Return the binary cross-entropy in which each label's two values weigh as given."""
    import keras

    if weights is None:
        return "binary_crossentropy"
    zero, one = (weights[0].astype(np.float32), weights[1].astype(np.float32))

    def weighted_binary_crossentropy(y_true: Any, y_pred: Any) -> Any:
        y_pred = keras.ops.clip(y_pred, 1e-7, 1 - 1e-7)
        losses = one * y_true * keras.ops.log(y_pred) + zero * (1 - y_true) * keras.ops.log(1 - y_pred)
        return -keras.ops.mean(losses, axis=-1)

    return weighted_binary_crossentropy


def _callbacks(options: TrainingOptions, report: EpochReport | None) -> list[Any]:
    import keras

    def after_epoch(epoch: int, logs: dict[str, float]) -> None:
        if report:
            report(epoch + 1, {key.replace("binary_", ""): float(value) for key, value in logs.items()})

    return [
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.3, patience=max(options.patience // 2, 1)),
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=options.patience, restore_best_weights=True),
        keras.callbacks.LambdaCallback(on_epoch_end=after_epoch),
    ]
