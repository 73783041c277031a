"""False positives, power and time of the test for dataset shift.

    python benchmarks/shift.py errors [--sets 2000]
    python benchmarks/shift.py features NETWORK.npz --backbone NETWORK [--weights FILE]
    python benchmarks/shift.py power NETWORK.npz [--draws 100]
    python benchmarks/shift.py seconds

"errors": each simulated set has 80 patients with 1 to 7 images of three classes, whose embeddings share an effect of
the patient and one of the class, and a tenth of the images are copies of others. It is divided at random, and the test
should find a difference in at most 5 of 100 sets. "power": chest X-rays with 20% less contrast, blurred with a radius
of one pixel, or normal pictures of another series, 300 in each draw, against the pictures of all other patients. Their
embeddings come from the .npz file that "features" writes. "seconds": 5,000 images with 1,280 features, of which 1,000
images are new.
"""

import argparse
import os
import re
import time
from pathlib import Path

import numpy as np
from machine import save
from PIL import Image, ImageFilter

from hybrid import FeatureExtractor
from hybrid.classifiers.fold_groups import fold_groups
from hybrid.shift.strata import strata_of
from hybrid.shift.two_sample import TwoSampleTest, compare_rows

PATIENTS, WIDTH, CLASSES = 80, 24, 3
SETTINGS = {
    "a patient has one class": (),
    "a patient has several classes": ("mixed",),
    "copies are divided between the samples": ("divided",),
    "a class is rarer in the new sample": ("shares",),
    "a class is rarer, and a patient has several": ("shares", "mixed"),
    "without labels": ("unlabelled",),
    "patients are ignored": ("ignored",),
}
PATIENT = re.compile(r"(person\d+|(?:NORMAL2-)?IM-\d+)")


def simulated_test(seed: int, setting: tuple[str, ...], permutations: int = 99) -> TwoSampleTest:
    """Return the test of two random parts of one simulated set."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(PATIENTS), rng.integers(1, 8, PATIENTS))
    n = len(patient)
    y = rng.integers(0, CLASSES, n if "mixed" in setting else PATIENTS)
    y = y if "mixed" in setting else y[patient]
    own, of_patient = rng.normal(size=(n, WIDTH)), rng.normal(size=(PATIENTS, WIDTH))[patient]
    X = (rng.normal(size=(CLASSES, WIDTH))[y] + 0.7 * of_patient + 0.7 * own).astype(np.float32)
    copies, drawn = np.arange(n), rng.permutation(n)[: 2 * (n // 10)]
    first, second = np.split(drawn, 2)
    X[second], y[second], copies[second] = X[first], y[first], first
    group = fold_groups(patient, copies)
    assert group is not None
    unit = patient if "divided" in setting else group
    count = unit.max() + 1
    if "shares" in setting:
        usual = np.array([np.bincount(y[unit == one], minlength=CLASSES).argmax() for one in range(count)])
        is_new = (rng.random(count) < np.where(usual == 0, 0.15, 0.45))[unit]
    else:
        is_new = np.isin(unit, rng.permutation(count)[: int(0.3 * count)])
    strata = None if "unlabelled" in setting else strata_of(y, is_new)
    if "ignored" in setting:
        return compare_rows(X, is_new, strata, None, permutations, seed)
    return compare_rows(X, is_new, strata, group, permutations, seed, patient)


def errors(sets: int) -> list[dict]:
    """Return the share of sets in which a difference is found although there is none."""
    rows = []
    for name, setting in SETTINGS.items():
        tests = [simulated_test(seed, setting) for seed in range(sets)]
        tested = [test for test in tests if test.auc is not None]
        covered = [test.interval[0] <= 0.5 <= test.interval[1] for test in tested if test.interval]
        row = {
            "setting": name,
            "sets": len(tested),
            "found": float(np.mean([test.found for test in tested])),
            "interval_holds_half": float(np.mean(covered)),
        }
        rows.append(row)
        print(row, flush=True)
    return rows


def features(path: Path, backbone: str, weights: str | None) -> None:
    """Write the embeddings of the chest X-rays, and of 1,000 of them with less contrast and blurred, to a file."""
    folder = Path(os.environ["HYBRID_TEST_DATA"]) / "chest_xray" / "train"
    paths = np.array(sorted(map(str, folder.rglob("*.jpeg"))))
    pool = np.sort(np.random.default_rng(0).choice(len(paths), 1000, replace=False))
    extractor = FeatureExtractor(backbone, **({"weights": weights} if weights else {}))
    contrast, blur = [], []
    for one in paths[pool]:
        with Image.open(one) as image:
            picture = image.convert("RGB")
        pixels = np.asarray(picture, np.float32)
        contrast.append(np.rint(pixels.mean() + 0.8 * (pixels - pixels.mean())).clip(0, 255).astype(np.uint8))
        blur.append(np.asarray(picture.filter(ImageFilter.GaussianBlur(1))))
    np.savez(
        path,
        names=np.array([str(Path(one).relative_to(folder)) for one in paths]),
        X=extractor.transform(paths),
        pool=pool,
        contrast=extractor.transform(np.stack(contrast)),
        blur=extractor.transform(np.stack(blur)),
    )


def power(path: Path, draws: int) -> list[dict]:
    """Return in how many draws a real difference is found, and how large it is."""
    with np.load(path) as arrays:
        given = dict(arrays)
    names, X, pool = given["names"], given["X"], given["pool"]
    name = np.array([one.replace("\\", "/").rsplit("/", 1)[-1] for one in names])
    y = np.array(["PNEUMONIA" in one for one in names]).astype(int)
    patient = np.unique([PATIENT.match(one)[0] for one in name], return_inverse=True)[1]  # type: ignore[index]
    series = np.array([one.startswith("NORMAL2") for one in name])
    rows = []
    for kind in ("contrast", "blur", "series", "none"):
        tests = []
        for seed in range(draws):
            rng = np.random.default_rng(seed)
            if kind == "series":
                new = rng.choice(np.flatnonzero(series), 300, replace=False)
                reference, changed = np.flatnonzero((y == 0) & ~series), X[new]
            elif kind == "none":
                new = np.flatnonzero(np.isin(patient, rng.permutation(patient.max() + 1)[: patient.max() // 10]))
                reference, changed = np.flatnonzero(~np.isin(patient, patient[new])), X[new]
            else:
                drawn = rng.choice(len(pool), 300, replace=False)
                new = pool[drawn]
                reference, changed = np.flatnonzero(~np.isin(patient, patient[new])), given[kind][drawn]
            both = np.concatenate([reference, new])
            is_new = np.arange(len(both)) >= len(reference)
            strata = None if kind == "series" else y[both]
            group = np.unique(patient[both], return_inverse=True)[1]
            values = np.concatenate([X[reference], changed])
            tests.append(compare_rows(values, is_new, strata, group, 99, seed, group))
        areas = [test.auc for test in tests]
        row = {
            "difference": kind,
            "draws": draws,
            "found": int(sum(test.found for test in tests)),
            "auc": [float(np.min(areas)), float(np.median(areas)), float(np.max(areas))],
        }
        rows.append(row)
        print(path.stem, row, flush=True)
    return rows


def seconds() -> list[dict]:
    """Return the time of one test by the wall clock and by the processor."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 1280)).astype(np.float32)
    is_new = np.arange(5000) < 1000
    group, y = np.arange(5000) // 2, rng.integers(0, 2, 2500).repeat(2)
    wall, busy = time.perf_counter(), time.process_time()
    compare_rows(X, is_new, y, group, parts=group)
    row = {
        "images": 5000,
        "width": 1280,
        "seconds": time.perf_counter() - wall,
        "processor": time.process_time() - busy,
    }
    print(row)
    return [row]


def main() -> None:
    """Run one part of the benchmark and save its results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=["errors", "features", "power", "seconds"])
    parser.add_argument("path", nargs="?", type=Path)
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--backbone")
    parser.add_argument("--weights", help="file with the weights, if the backbone is given by its name")
    given = parser.parse_args()
    if given.part == "errors":
        save("shift-errors", {"rows": errors(given.sets)})
    elif given.part == "features":
        features(given.path, given.backbone, given.weights)
    elif given.part == "power":
        save(f"shift-power-{given.path.stem}", {"rows": power(given.path, given.draws)})
    else:
        save("shift-seconds", {"rows": seconds()})


if __name__ == "__main__":
    main()
