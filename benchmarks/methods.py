"""Methods to compute embeddings of a folder of images and write them to disk, and the limit that the machine sets.

Every method runs in this process, after the imports and after its network is built. The time includes listing and
decoding the files, the network (with tracing or compiling at the first batch) and writing. All methods use the same
files and random weights.
"""

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np
from machine import seconds
from pictures import files
from PIL import Image

from hybrid.cli.output import print_table
from hybrid.extractors import FeatureExtractor, RandomWeightsWarning, find_backbone, parse_backbone
from hybrid.extractors.backbones.load import load_network
from hybrid.extractors.images.decoding import decode, read_bytes

warnings.simplefilter("ignore", RandomWeightsWarning)  # weights do not affect the time

BATCH = 32
CORES = os.cpu_count() or 1
TORCH_NETWORKS = {"mobilenet_v2": "MobileNetV2", "resnet50": "ResNet"}  # names in transformers
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)[:, None, None]
IMAGENET_STD = np.array([0.229, 0.224, 0.225], np.float32)[:, None, None]
NAMES = {
    "iterator": "(a) Keras directory iterator, predict per batch",
    "dataset": "(b) image_dataset_from_directory, predict",
    "torch": "(c) PyTorch DataLoader",
    "hybrid": "(d) hybrid, empty cache",
}


@dataclass(frozen=True)
class Job:
    """A backbone with random weights and a folder of images. All output goes to `scratch`."""

    backbone: str
    side: int
    folder: Path
    scratch: Path

    @property
    def output(self) -> Path:
        """File that the reference methods write."""
        return self.scratch / "embeddings.npy"


def measure(job: Job, repeats: int) -> dict[str, Any]:
    """Run every method in turn, `repeats` times. Return medians, speed-ups and the limit."""
    count = len(files(job.folder))
    methods, skipped = prepare(job)
    times: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(repeats):
        for name, run in methods.items():
            times[name].append(seconds(run))
    medians = {name: statistics.median(values) for name, values in times.items()}
    record: dict[str, Any] = {"images": count, "side": job.side, "seconds": times, "median": medians}
    record |= {"skipped": skipped, "against": _ratios(medians), "warm_process_s": warm_process(job, repeats)}
    return record | {"limit": limit(job, repeats, count / medians["hybrid"])}


def prepare(job: Job) -> tuple[dict[str, Callable[[], object]], dict[str, str]]:
    """Build the network of each method. Return functions that run the methods, and the reasons for skipped methods."""
    model, preprocess = keras_model(job)
    methods: dict[str, Callable[[], object]] = {
        "iterator": lambda: directory_iterator(job, model, preprocess),
        "dataset": lambda: image_dataset(job, model, preprocess),
    }
    skipped = {}
    if job.backbone not in TORCH_NETWORKS:
        skipped["torch"] = "the network exists only in hybrid"
    elif not (find_spec("torch") and find_spec("transformers")):
        skipped["torch"] = "torch and transformers are not installed"
    else:
        network = torch_network(job)
        methods["torch"] = lambda: torch_loader(job, network)
    export(job)
    methods["hybrid"] = lambda: hybrid_cold(job)
    return methods, skipped


def keras_model(job: Job) -> tuple[keras.Model, Callable]:
    """Return the network with pooling, as the reference systems build it, and its preprocessing function."""
    row = find_backbone(job.backbone)
    shape = (job.side, job.side, 3)
    if row.kind == "custom":
        network = load_network(parse_backbone(job.backbone), "random", shape[:2], 0, top=False)
        return keras.Model(network.inputs[0], network.get_layer("features").output), lambda pixels: pixels
    network = getattr(keras.applications, row.constructor)(
        weights=None, include_top=False, pooling="avg", input_shape=shape
    )
    return network, getattr(keras.applications, row.module).preprocess_input


def directory_iterator(job: Job, model: keras.Model, preprocess: Callable) -> None:
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    generator = ImageDataGenerator(preprocessing_function=preprocess)
    side = (job.side, job.side)
    with contextlib.redirect_stdout(sys.stderr):  # it prints the number of images
        batches = generator.flow_from_directory(job.folder, side, batch_size=BATCH, class_mode=None, shuffle=False)
    features = [model.predict(batches[number], verbose=0) for number in range(len(batches))]
    np.save(job.output, np.concatenate(features))


def image_dataset(job: Job, model: keras.Model, preprocess: Callable) -> None:
    side = (job.side, job.side)
    images = keras.utils.image_dataset_from_directory(
        job.folder, labels=None, image_size=side, batch_size=BATCH, shuffle=False, verbose=False
    )
    np.save(job.output, model.predict(images.map(preprocess), verbose=0))


@dataclass(frozen=True)
class Tensors:
    """A PyTorch dataset of images of shape (3, side, side), scaled as PyTorch's networks expect them."""

    paths: list[str]
    side: int

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> np.ndarray:
        image = Image.open(self.paths[number]).convert("RGB").resize((self.side, self.side), Image.Resampling.BILINEAR)
        pixels = np.asarray(image, np.float32).transpose(2, 0, 1) / np.float32(255)
        return (pixels - IMAGENET_MEAN) / IMAGENET_STD


def torch_network(job: Job) -> Any:
    """Return the same architecture with pooling in PyTorch."""
    import transformers

    name = TORCH_NETWORKS[job.backbone]
    return getattr(transformers, f"{name}Model")(getattr(transformers, f"{name}Config")()).eval()


def torch_loader(job: Job, network: Any) -> None:
    import torch

    loader = torch.utils.data.DataLoader(Tensors(files(job.folder), job.side), BATCH, num_workers=CORES)
    with torch.inference_mode():
        np.save(job.output, torch.cat([network(images).pooler_output.flatten(1) for images in loader]).numpy())


def hybrid_cold(job: Job) -> None:
    """Extract into an empty store. Like the networks of Keras, the graph has been prepared before."""
    shutil.rmtree(job.scratch / "cache", ignore_errors=True)
    shutil.copytree(job.scratch / "exported", job.scratch / "cache")
    extractor(job, "cache").extract(files(job.folder))


def extractor(job: Job, cache: str) -> FeatureExtractor:
    return FeatureExtractor(job.backbone, weights="random", size=job.side, cache=job.scratch / cache)


def export(job: Job) -> None:
    """Keep the files that an extractor writes only once, its identity and its graph, without any embeddings."""
    extractor(job, "first").extract(np.zeros((1, job.side, job.side, 3), np.uint8))
    for name in ("extractors", "graphs"):
        shutil.copytree(job.scratch / "first" / name, job.scratch / "exported" / name)


def warm_process(job: Job, repeats: int) -> float:
    """Return the median seconds of a whole `hybrid extract` process that finds all embeddings in the store."""
    command = [str(Path(sys.executable).with_name("hybrid")), "extract", str(job.folder), "--weights", "random"]
    command += ["--backbone", job.backbone, "--size", str(job.side), "--cache", str(job.scratch / "cache")]

    def run() -> None:
        subprocess.run(command, check=True, capture_output=True, cwd=job.scratch)

    run()  # the first one records the embedding set
    return statistics.median(seconds(run) for _ in range(repeats))


def limit(job: Job, repeats: int, reached: float) -> dict[str, float]:
    """Return the seconds per image of decoding alone and of the network alone, and the share of the limit reached."""
    paths, side = files(job.folder), (job.side, job.side)
    run = extractor(job, "cache")._runtime(extractor(job, "cache").resolve())
    batch = np.stack([decode(read_bytes(path), side, 3) for path in paths[: run.batch_size]])
    batches = max(2, -(-len(paths) // len(batch)))

    def network() -> None:
        for _ in run.stream(batch for _ in range(batches)):
            pass

    def decoding() -> None:
        with ThreadPoolExecutor(CORES) as pool:
            list(pool.map(lambda path: decode(read_bytes(path), side, 3).shape, paths))

    network()  # warm-up
    network_s = statistics.median(seconds(network) for _ in range(repeats)) / (batches * len(batch))
    decode_s = statistics.median(seconds(decoding) for _ in range(repeats)) / len(paths)
    images_per_s = 1 / (decode_s + network_s)
    return {
        "decode_s": decode_s,
        "network_s": network_s,
        "images_per_s": images_per_s,
        "share": reached / images_per_s,
    }


def print_record(title: str, record: dict[str, Any]) -> None:
    rows = []
    for name, median in record["median"].items():
        ratios = [f"{record['against'][other][name]:.2f} ×" for other in ("iterator", "dataset")]
        rows.append([NAMES[name], f"{median:.2f}", f"{record['images'] / median:.0f}", *ratios])
    rows.append(["(e) hybrid, all embeddings cached, whole process", f"{record['warm_process_s']:.2f}", "", "", ""])
    limit = record["limit"]
    rows.append(["limit: 1 / (decoding + network)", "", f"{limit['images_per_s']:.0f}", "", ""])
    columns = ["", "s", "images/s", "speed-up over (a)", "speed-up over (b)"]
    print_table(f"{title}, {record['images']} images", columns, rows)
    for name, reason in record["skipped"].items():
        print(f"  {NAMES[name]}: not run, {reason}")
    print(
        f"  decoding {1e3 * limit['decode_s']:.2f} ms, network {1e3 * limit['network_s']:.2f} ms per image; "
        f"hybrid reaches {limit['share']:.2f} of the limit\n"
    )


def _ratios(medians: dict[str, float]) -> dict[str, dict[str, float]]:
    return {
        other: {name: medians[other] / value for name, value in medians.items()} for other in ("iterator", "dataset")
    }
