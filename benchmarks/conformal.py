"""Coverage of prediction sets, false flags of typicality, and how well typicality separates other pictures from X-rays.

    python benchmarks/conformal.py [coverage|separation …] [--sets 2000]

"coverage" simulates sets of 300 calibration images of three classes (60%, 30%, 10%) and 400 new images, with a model
that errs. With groups there are 600 images of 120 patients, five each, whose images share their error. "separation"
needs HYBRID_TEST_DATA: the training images are 60% of the patients of the chest X-rays, and those of the others are the
new images of the same source, in five draws. The network is MobileNet 0.25 or EfficientNet-Lite0.
"""

import argparse
import os
import re
from pathlib import Path

import numpy as np
from machine import save

from hybrid.pipelines.prediction_sets import scores_of
from hybrid.pipelines.typicality import make_reference

SHARES = (0.6, 0.3, 0.1)


def drawn(rng: np.random.Generator, n: int, group_size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities of a model that errs, the true classes, and the patients."""
    groups = np.repeat(np.arange(n // group_size), group_size)
    y = rng.choice(3, size=n, p=SHARES)
    shift = rng.normal(0, 1.5, size=(n // group_size, 3))[groups]
    odds = np.exp(2 * np.eye(3)[y] + shift + rng.normal(0, 0.7, size=(n, 3)))
    return odds / odds.sum(axis=1, keepdims=True), y, groups


def coverage(sets: int) -> list[dict[str, object]]:
    """Return the share of sets that contain the true class, of all images and of each class."""
    rows = []
    for group_size in (1, 5):
        for per_class in (False, True):
            found = []
            for seed in range(sets):
                rng = np.random.default_rng(seed)
                proba, y, groups = drawn(rng, 300 if group_size == 1 else 600, group_size)
                scores = scores_of(proba, y, np.arange(3), groups, "")
                new, truth, _ = drawn(rng, 400, group_size)
                inside = scores.sets(new, 0.9, per_class=per_class)[np.arange(400), truth]
                found.append([inside.mean(), *(inside[truth == label].mean() for label in range(3))])
            shares = np.mean(found, axis=0).round(4).tolist()
            rows.append({"group_size": group_size, "per_class": per_class, "sets": sets, "coverage": shares})
            print(rows[-1], flush=True)
    return rows


def separation() -> list[dict[str, object]]:
    """Return the area under the ROC curve of typicality, and the share of X-rays that are called unfamiliar."""
    from sklearn.datasets import load_digits
    from sklearn.metrics import roc_auc_score

    from hybrid import FeatureExtractor

    data = Path(os.environ["HYBRID_TEST_DATA"])
    weights = data / "weights"
    xrays = np.array(sorted(map(str, (data / "chest_xray/train").rglob("*.*"))))
    patients = np.array([re.search(r"(person\d+_|IM-\d+)", path).group(1) for path in xrays])  # type: ignore[union-attr]
    retinas = np.load(data / "retinamnist/retinamnist.npz")
    digits = np.repeat((load_digits().images * 15.9).astype(np.uint8)[..., None], 3, axis=3)
    others = {
        "scenes": np.array(sorted(map(str, (data / "scenes/images").glob("*")))),
        "retinas": np.concatenate([retinas["train_images"], retinas["val_images"]]),
        "digits": digits,
    }
    networks = {
        "MobileNet 0.25": FeatureExtractor(
            "mobilenet:alpha=0.25", weights=str(weights / "mobilenet_2_5_224_tf_no_top.h5")
        ),
        "EfficientNet-Lite0": FeatureExtractor(str(weights / "efficientnet_lite0.keras")),
    }
    rows = []
    for name, extractor in networks.items():
        X, of_others = (
            extractor.transform(xrays),
            {kind: extractor.transform(images) for kind, images in others.items()},
        )
        for seed in range(5):
            rng = np.random.default_rng(seed)
            order = rng.permutation(np.unique(patients))
            train = np.isin(patients, order[: int(0.6 * len(order))])
            reference = make_reference(X[train], patients[train], random_state=seed)
            new = reference.typicality(X[~train])
            areas = {}
            for kind, rows_of in of_others.items():
                typicality = reference.typicality(rows_of)
                truth = np.repeat([0, 1], [len(new), len(typicality)])
                areas[kind] = float(roc_auc_score(truth, -np.concatenate([new, typicality])))
            weight = 1 / np.unique(patients[~train], return_counts=True)[1]
            weight = weight[np.unique(patients[~train], return_inverse=True)[1]]
            flagged = {level: round(float(np.average(new <= level, weights=weight)), 4) for level in (0.01, 0.05, 0.1)}
            rows.append(
                {"network": name, "seed": seed, "kept": len(reference.directions), "area": areas, "flagged": flagged}
            )
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=("coverage", "separation"), help="By default both.")
    parser.add_argument("--sets", type=int, default=2000)
    given = parser.parse_args()
    for part, run in (("coverage", lambda: coverage(given.sets)), ("separation", separation)):
        if part in (given.parts or ["coverage", "separation"]):
            save(f"conformal_{part}", {"rows": run()})


if __name__ == "__main__":
    main()
