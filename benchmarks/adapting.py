"""What each method of `hybrid adapt` gains with 20 to 200 labelled images of another site.

    HYBRID_TEST_DATA=FOLDER python benchmarks/adapting.py [SCENARIO ...] [--draws 10]

Each scenario has two sites that are made from the training images of one dataset; no test image is read. A softmax head
is fitted to the first site. Writes benchmarks/results/adapting.json after each scenario.
"""

import argparse
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hybrid.adaptation.curve import AdaptingCurve, adapting_curve
from hybrid.adaptation.methods import Parent, SiteImages
from hybrid.embeddings.joined_set import LabelledRows
from hybrid.extractors import FeatureExtractor
from hybrid.files import parse_json, write_json
from hybrid.pipelines import make_head_pipeline

DATA = Path(os.environ.get("HYBRID_TEST_DATA", "../shared/data"))
RESULTS = Path(__file__).parent / "results" / "adapting.json"
SIZES = (20, 50, 100, 200)
METRICS = ("balanced_accuracy", "roc_auc", "log_loss")
MOBILENET = {"backbone": "mobilenet:alpha=0.25", "weights": DATA / "weights" / "mobilenet_2_5_224_tf_no_top.h5"}


@dataclass(frozen=True)
class Site:
    """Images of a site, their labels, and their patients or series."""

    images: np.ndarray
    y: np.ndarray
    groups: np.ndarray | None


def chest(seed: int, swapped: bool = False) -> tuple[Site, Site]:
    """Divide the chest X-rays: one series of normal pictures and a third of the patients are the other site."""
    folder = DATA / "chest_xray" / "train"
    paths = [path for label in ("NORMAL", "PNEUMONIA") for path in sorted((folder / label).iterdir())]
    y = np.array([path.parent.name for path in paths])
    groups = np.array([re.search(r"person\d+|IM-\d+", path.name)[0] for path in paths])
    patients = np.unique(groups[y == "PNEUMONIA"])
    own = np.random.default_rng(seed).permutation(patients)[: len(patients) // 3]
    series = np.array([path.name.startswith("NORMAL2") for path in paths])
    other = np.where(y == "NORMAL", series, np.isin(groups, own)) != swapped
    images = np.array([str(path) for path in paths])
    return tuple(Site(images[rows], y[rows], groups[rows]) for rows in (~other, other))


def medmnist(name: str, seed: int, changed: Callable[[np.ndarray], np.ndarray]) -> tuple[Site, Site]:
    """Divide the training images of a MedMNIST dataset at random, and change the images of the second half."""
    with np.load(DATA / name / f"{name}.npz") as arrays:
        images, y = arrays["train_images"], arrays["train_labels"].ravel()
    other = np.random.default_rng(seed).permutation(len(y)) % 2 == 1
    return Site(images[~other], y[~other], None), Site(changed(images[other]), y[other], None)


def paler(images: np.ndarray) -> np.ndarray:
    """Return images with 40% less contrast, and brighter."""
    return (images * 0.6 + 80).round().astype(np.uint8)


SCENARIOS: dict[str, tuple[Callable[[int], tuple[Site, Site]], dict]] = {
    "chest, another series": (chest, MOBILENET),
    "chest, the other way round": (lambda seed: chest(seed, swapped=True), MOBILENET),
    "retinas, less contrast": (lambda seed: medmnist("retinamnist", seed, paler), MOBILENET | {"size": 64}),
    "pneumoniamnist, less contrast": (lambda seed: medmnist("pneumoniamnist", seed, paler), MOBILENET | {"size": 64}),
    "chest, another series, EfficientNet": (chest, {"backbone": DATA / "weights" / "efficientnet_lite0.keras"}),
}


def curve_of(here: Site, there: Site, extractor: FeatureExtractor, draws: int, seed: int) -> AdaptingCurve:
    """Fit a head here, and adapt it to draws of images from there."""
    old = LabelledRows(extractor.transform(here.images), here.y, here.groups)
    pipeline = make_head_pipeline("softmax").fit(old.X, old.y)
    classes = pipeline.classes_
    task = "binary" if len(classes) == 2 else "multiclass"
    X = extractor.transform(there.images)
    site = SiteImages(X, there.y, there.groups, pipeline.predict_proba(X), pipeline.predict(X))
    parent = Parent(pipeline, task, old, positive=classes[-1].item() if task == "binary" else None)
    metrics = [name if name in ("balanced_accuracy", "log_loss") or task == "binary" else f"{name}_macro"
               for name in METRICS]  # fmt: skip
    return adapting_curve(parent, site, SIZES, metrics, draws=draws, random_state=100 * seed)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("scenarios", nargs="*", default=list(SCENARIOS))
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=2, help="divisions into two sites")
    given = parser.parse_args()
    found = parse_json(RESULTS.read_bytes()) if RESULTS.is_file() else {}
    for name in given.scenarios:
        sites, settings = SCENARIOS[name]
        extractor = FeatureExtractor(**{key: str(value) if isinstance(value, Path) else value
                                        for key, value in settings.items()})  # fmt: skip
        begun = time.perf_counter()
        curves = [curve_of(*sites(seed), extractor, given.draws, seed) for seed in range(given.seeds)]
        found[name] = summary(curves) | {"draws": given.draws, "seeds": given.seeds}
        write_json(RESULTS, found)
        print(f"{name} ({time.perf_counter() - begun:.0f} s)", flush=True)
        for metric in curves[0].metrics:
            for row in found[name][metric]:
                print(" ", metric, row, flush=True)


def summary(curves: list[AdaptingCurve]) -> dict[str, list[dict]]:
    """Return for each metric a row for each method and number of images, over all draws of all divisions."""
    rows = {}
    for metric in curves[0].metrics:
        rows[metric] = []
        for method in curves[0].methods:
            for size in SIZES if method != "none" else SIZES[:1]:
                points = [curve.point(method, size, metric) for curve in curves]
                known = [point for point in points if point.gain is not None]
                values = {"score": [point.mean for point in known], "gain": [point.gain for point in known]}
                values["sd"] = [point.gain_sd or 0.0 for point in known]
                row = {"method": method, "images": size}
                row |= {name: round(float(np.mean(numbers)), 4) for name, numbers in values.items()}
                row |= {name: sum(getattr(point, name) for point in known) for name in ("better", "draws")}
                rows[metric].append(row)
    return rows


if __name__ == "__main__":
    main()
