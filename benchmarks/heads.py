"""Times of fitting and predicting, and test scores, of every head and of the reference systems' classifiers.

    [HYBRID_TEST_DATA=…] python benchmarks/heads.py [--repeats 5] [--skip-slow]

The data are synthetic embeddings of overlapping classes with 5% of the labels flipped. If HYBRID_TEST_DATA names the
data, there are also embeddings of the chest X-rays by MobileNet 0.25, in five folds of train with all images of a
patient in the same fold. Every classifier gets the same standardized float32 embeddings. Times are medians of the
repeats or, for the X-rays, of the folds. A fit of more than 30 s is not repeated. SVC is not run on 50,000 rows,
because its time grows with the square of the number of rows.
"""

import argparse
import os
import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from machine import save, seconds
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from xgboost import XGBClassifier

from hybrid.classifiers import HEADS, make_head
from hybrid.cli.output import print_table

REFERENCES = {
    "svm": ("SVC(kernel='linear')", SVC(kernel="linear")),
    "forest": ("RandomForestClassifier(100)", RandomForestClassifier(n_estimators=100, random_state=0)),
    "xgboost": ("XGBClassifier()", XGBClassifier(random_state=0)),
}
_SLOW = 30.0  # seconds; a slower fit is not repeated


@dataclass(frozen=True)
class Fold:
    """Standardized embeddings and labels (0 or 1) for fitting and testing."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--skip-slow", action="store_true", help="Leave out SVC at 5,000×1280, which takes minutes.")
    parser.add_argument(
        "--set", dest="sets", choices=("5k", "50k", "chest"), action="append", help="Only this set (repeatable)."
    )
    given = parser.parse_args()
    data = os.environ.get("HYBRID_TEST_DATA")
    results = {}
    for name in given.sets or ["5k", "50k", *(["chest"] if data else [])]:
        title, folds = load(name, data)
        left_out = {"svm"} if name == "50k" or (name == "5k" and given.skip_slow) else set()
        repeats = given.repeats if len(folds) == 1 else 1
        results[title] = [measured(label, model, folds, repeats) for label, model in classifiers(left_out)]
        show(title, results[title])
    save("heads", {"sets": results})


def load(name: str, data: str | None) -> tuple[str, list[Fold]]:
    if name == "chest":
        if not data:
            raise SystemExit("HYBRID_TEST_DATA is not set. It must name the folder that contains the chest X-rays.")
        return "chest X-rays, 5 folds inside train", list(chest_xray(Path(data).resolve()))
    return ("5,000 × 1280", [made(5_000, 1280)]) if name == "5k" else ("50,000 × 512", [made(50_000, 512)])


def made(rows: int, width: int) -> Fold:
    """Return two overlapping classes that are linearly separable with accuracy .85, like those of embeddings."""
    test = rows // 4
    X, y = make_classification(
        rows + test,
        width,
        n_informative=40,
        n_redundant=width // 2,
        n_clusters_per_class=1,
        class_sep=0.7,
        flip_y=0.05,
        random_state=0,
    )
    return standardised(X[:rows], y[:rows], X[rows:], y[rows:])


def chest_xray(data: Path) -> Iterator[Fold]:
    """Yield five folds of train. All images of a patient are in the same fold."""
    from hybrid.extractors import FeatureExtractor

    paths = sorted((data / "chest_xray" / "train").glob("*/*"))
    weights = data / "weights" / "mobilenet_2_5_224_tf_no_top.h5"
    X = FeatureExtractor("mobilenet:alpha=0.25", weights=weights).transform(paths)
    y = np.array([path.parent.name == "PNEUMONIA" for path in paths], int)
    patients = [found[0] if (found := re.search(r"person\d+_|IM-\d+", path.name)) else path.name for path in paths]
    for train, test in StratifiedGroupKFold(5, shuffle=True, random_state=0).split(X, y, patients):
        yield standardised(X[train], y[train], X[test], y[test])


def standardised(X: np.ndarray, y: np.ndarray, X_test: np.ndarray, y_test: np.ndarray) -> Fold:
    scaler = StandardScaler().fit(X)
    return Fold(scaler.transform(X).astype(np.float32), y, scaler.transform(X_test).astype(np.float32), y_test)


def classifiers(left_out: set[str]) -> Iterator[tuple[str, Any]]:
    """Yield each head, preceded by the classifier that the reference systems use for it."""
    for name in HEADS:
        if name in REFERENCES and name not in left_out:
            yield REFERENCES[name]
            if name != "xgboost" and find_spec("sklearnex"):
                yield f"{REFERENCES[name][0]}, intelex", _intelex(REFERENCES[name][1])
        yield f"hybrid {name}", make_head(name)
    yield "hybrid forest, pls=16", make_head("forest", pls=16)


def measured(label: str, model: Any, folds: list[Fold], repeats: int) -> dict[str, Any]:
    """Return times and test scores of a classifier. Scores are means over the folds."""
    fits, predictions, accuracies, aucs = [], [], [], []
    for fold in folds:
        for _ in range(repeats):
            fitted = clone(model)
            fits.append(seconds(partial(fitted.fit, fold.X, fold.y)))
            predictions.append(seconds(partial(fitted.predict, fold.X_test)))
            if fits[-1] > _SLOW:
                break
        accuracies.append(float((fitted.predict(fold.X_test) == fold.y_test).mean()))
        aucs.append(float(roc_auc_score(fold.y_test, _scores(fitted, fold.X_test))))
    accuracy, tested = statistics.mean(accuracies), sum(len(fold.y_test) for fold in folds)
    return {
        "classifier": label,
        "fit_s": statistics.median(fits),
        "predict_s": statistics.median(predictions),
        "fits": len(fits),
        "accuracy": accuracy,
        "accuracy_half_interval": 1.96 * (accuracy * (1 - accuracy) / tested) ** 0.5,
        "auc": statistics.mean(aucs),
    }


def show(title: str, results: list[dict[str, Any]]) -> None:
    seconds_of = {result["classifier"]: result["fit_s"] for result in results}
    rows = []
    for result in results:
        reference = REFERENCES.get(result["classifier"].removeprefix("hybrid "), ("",))[0]
        ratio = f"{seconds_of[reference] / result['fit_s']:.1f} ×" if reference in seconds_of else ""
        accuracy = f"{result['accuracy']:.3f} ± {result['accuracy_half_interval']:.3f}"
        shown = [f"{result['fit_s']:.2f}", f"{result['predict_s']:.3f}", ratio, accuracy, f"{result['auc']:.4f}"]
        rows.append([result["classifier"], *shown])
    columns = ["", "fit s", "predict s", "fit, speed-up over its reference", "test accuracy", "test AUC"]
    print_table(title, columns, rows)


def _scores(fitted: Any, X: np.ndarray) -> np.ndarray:
    return fitted.decision_function(X) if hasattr(fitted, "decision_function") else fitted.predict_proba(X)[:, 1]


def _intelex(reference: Any) -> Any:
    """Return the same classifier of scikit-learn-intelex."""
    from sklearnex.ensemble import RandomForestClassifier as FastForest
    from sklearnex.svm import SVC as FastSVC

    return (FastSVC if isinstance(reference, SVC) else FastForest)(**reference.get_params())


if __name__ == "__main__":
    main()
