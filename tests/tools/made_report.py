"""Fitted models as a workspace holds them, without a network or a fit: made probabilities, evaluated and saved."""

from dataclasses import replace

import numpy as np
from made_sets import made_set_record

from hybrid.datasets import Dataset
from hybrid.embeddings.embedding_set import EmbeddingSet, save_set
from hybrid.evaluation import evaluate
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import ImageSource
from hybrid.run import compare_results
from hybrid.workspace.fitted_models import load_records, save_record
from hybrid.workspace.model_record import ModelRecord, Seconds
from hybrid.workspace.predictions import Predictions
from hybrid.workspace.workspace import Workspace

HOSTILE = [
    "<script>window.hacked=1</script>",
    '"><img src=x onerror="window.hacked=1">',
    "</script><script>window.hacked=1</script>",
    "{{7*7}}{% raw %}",
    "\u202egpj.exe\u2066",
    "line\nbreak\rand\ttab",
    "lone\udcffbyte",
    "' onmouseover='window.hacked=1",
    "]]><!-- & amp; -->",
    "javascript:window.hacked=1//",
    "漢字 العربية",
    "$\\frac{a}{b}$ `code` [x](javascript:1)",
]

THREE_SKILLS = {"svm-made": 2.0, "forest-made": 1.5, "xgboost-made": 2.2}


def made_dataset(n, classes, *, multilabel=False, ids=None, seed=0, shape=(8, 8), of_each=None):
    """Return noise images with labels: half train, a quarter each validation and test; `of_each` images a patient."""
    rng = np.random.default_rng(seed)
    y = np.array(classes)[np.arange(n) % len(classes)]
    if multilabel:
        y = (rng.random((n, len(classes))) < 0.3).astype(np.uint8)
        y[: len(classes)] = np.eye(len(classes), dtype=np.uint8)
    split = np.array(["train", "train", "val", "test"])[(np.arange(n) // len(classes)) % 4]
    ids = np.array([f"img/{i}.png" for i in range(n)] if ids is None else [f"{one} {i}" for i, one in enumerate(ids)])
    pixels = rng.integers(0, 256, (n, *shape), np.uint8)
    groups = None if of_each is None else patients_of(y, split, of_each)
    return Dataset("made", pixels, y, np.array(classes), split, groups, ids, "made")


def patients_of(y, split, of_each):
    """Return a patient for each image, with so many images of one label and split each."""
    groups = np.empty(len(y), dtype="U40")
    for part in np.unique(split):
        for label in np.unique(y, axis=0):
            rows = np.flatnonzero((split == part) & (y == label if y.ndim == 1 else (y == label).all(axis=1)))
            groups[rows] = [f"{part} {label} {number // of_each}" for number in range(len(rows))]
    return groups


def save_made_model(workspace, name, dataset, skill, seed, n_boot=100, **record):
    """Write one model and return its record: the greater its skill, the nearer its probabilities are to the truth."""
    rng = np.random.default_rng(seed)
    multilabel = dataset.y.ndim == 2
    truth = dataset.y.astype(bool) if multilabel else dataset.y[:, None] == dataset.classes[None, :]
    noise = rng.normal(size=truth.shape) + skill * truth
    if multilabel:
        proba = 1 / (1 + np.exp(-(noise - skill / 2)))
        predicted = (proba >= 0.5).astype(np.uint8)
    else:
        proba = np.exp(noise)
        proba /= proba.sum(axis=1, keepdims=True)
        predicted = dataset.classes[proba.argmax(axis=1)]
    classes = dataset.classes.tolist()
    positive = classes[1] if dataset.task == "binary" else None
    splits = {}
    for split in ("train", "val", "test"):
        rows = dataset.split == split
        given = {"y_pred": predicted[rows], "pos_label": positive, "n_boot": n_boot}
        given["groups"] = None if dataset.groups is None else dataset.groups[rows]
        splits[split] = evaluate(dataset.y[rows], proba[rows], classes, **given)
    made = {
        "name": name,
        "head": name.partition("-")[0],
        "backbones": ("made",),
        "layers": ("penultimate",),
        "poolings": ("avg",),
        "sets": ("made-set",),
        "dataset": "made",
        "dataset_fingerprint": "f" * 64,
        "extractor_fingerprints": ("e" * 64,),
        "task": dataset.task,
        "classes": tuple(classes),
        "positive": positive,
        "width": 128,
        "parameters": 308_650,
        "bytes": 1_300_000,
        "created": "2026-01-01T00:00:00+00:00",
        "seconds": Seconds(extract=1.5, fit=0.1 * (seed + 1), predict=0.004, measure="wall"),
        "processor": Seconds(extract=2.5, fit=0.2 * (seed + 1), predict=0.008, measure="processor"),
        "splits": splits,
    }
    saved = Predictions(dataset.ids, dataset.split, dataset.y, predicted, proba, dataset.classes, dataset.groups)
    return save_record(ModelRecord(**made | record), saved, workspace / "models" / name)


def save_made_set(workspace, dataset, name="made-set", fingerprint="f" * 64):
    """Write the embedding set of a dataset, whose embeddings are in no store, and return it."""
    record = made_set_record(dataset.task, dataset=fingerprint)
    extractor = replace(record.extractor, fingerprint=record.extractor.identity.fingerprint)
    keys = ImageSource(dataset.X).digests(FileDigests())[0]
    rows = (keys, dataset.ids, dataset.y, dataset.classes, dataset.split, dataset.groups)
    embeddings = EmbeddingSet("", *rows, replace(record, extractor=extractor), columns=dataset.columns)
    return save_set(embeddings, Workspace(workspace), name)


def made_comparison(workspace, dataset, skills, *, with_set=False, **record):
    """Return the comparison of models of these skills, by name; with the embedding set that they were fitted to."""
    if with_set:
        record["extractor_fingerprints"] = (save_made_set(workspace, dataset).fingerprint,)
    for seed, (name, skill) in enumerate(skills.items()):
        save_made_model(workspace, name, dataset, skill, seed, **record)
    return compare_results(load_records(Workspace(workspace)))
