"""Fitted pipelines on small data, and saved models changed the way an attacker would."""

import hashlib

import numpy as np

from hybrid.extractors.store.identity import fingerprint
from hybrid.files import read_json, write_json
from hybrid.pipelines import make_head_pipeline

# A forest adds up its trees in the order in which its threads finish: the last bit needs one thread.
QUICK = {"forest": {"n_estimators": 10, "n_jobs": 1}, "xgboost": {"n_estimators": 10}}


def embeddings():
    return np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)


def labels(kind):
    X = embeddings()
    return {
        "strings": np.where(X[:, 0] > 0, "sick", "healthy"),
        "numbers": np.where(X[:, 0] > 0, 2, 1),
        "truths": X[:, 0] > 0,
        "classes": np.array(["a", "b", "ç"])[np.digitize(X[:, 0], [-0.4, 0.4])],
        "multilabel": (X[:, :3] > 0).astype(int),
    }[kind]


def fitted(head="svm", kind="strings", **params):
    return make_head_pipeline(head, **QUICK.get(head, {}), **params).fit(embeddings(), labels(kind))


def rewrite(folder, **values):
    """Change a manifest the way an attacker would: with a checksum that fits."""
    manifest = read_json(folder / "manifest.json") | values
    del manifest["sha256"]
    write_json(folder / "manifest.json", manifest | {"sha256": fingerprint(manifest)})


def put(folder, name, data):
    """Replace a file of a model the way an attacker would: with checksums that fit."""
    (folder / name).write_bytes(data)
    manifest = read_json(folder / "manifest.json")
    del manifest["sha256"]
    manifest["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    write_json(folder / "manifest.json", manifest | {"sha256": fingerprint(manifest)})
