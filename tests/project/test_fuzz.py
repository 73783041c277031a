"""Fuzzing, see `fuzz.py`: in a short form, and in the promised numbers by `make test-long`, which prints its counts."""

import os
import re
import subprocess
import sys
from pathlib import Path

import fuzz
import numpy as np
import pytest
from paths import ROOT, TOOLS

from hybrid.errors import InputError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="fork, and limits of memory that hold, are Linux's")


def in_fresh_process(function, folder, *arguments):
    """Run a function of `fuzz_targets` or `crafted` in a process of its own, which has no threads and may fork."""
    code = f"import sys; sys.path.insert(0, {str(TOOLS)!r})\n"
    code += f"import crafted, fuzz_targets; {function}({', '.join(map(repr, (str(folder), *arguments)))})"
    env = os.environ | {
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=5400)
    assert done.returncode == 0, done.stderr[-20_000:]
    print(done.stdout)


@pytest.fixture(scope="module")
def models(tmp_path_factory, tiny_network):
    """Saved heads of every kind: calibrated, with a threshold, of several labels, averaged, and one with a network."""
    from hybrid.extractors import FeatureExtractor
    from hybrid.pipelines import make_head_pipeline, save_model

    folder, rng = tmp_path_factory.mktemp("models"), np.random.default_rng(1)
    X = rng.normal(size=(60, 8)).astype(np.float32)
    binary = np.where(X[:, 0] > 0, "sick", "healthy")
    several, many = (X[:, :3] > 0).astype(int), np.digitize(X[:, 1], (-0.5, 0.5))
    few = {"forest": {"n_estimators": 3}, "xgboost": {"n_estimators": 3}}
    for head in ("svm", "forest", "xgboost", "softmax"):
        for name, y in (("binary", binary), ("several", several), ("many", many)):
            save_model(make_head_pipeline(head, **few.get(head, {})).fit(X, y), folder / f"{head}-{name}")
    network = FeatureExtractor(str(tiny_network), layers="hidden")
    save_model(make_head_pipeline("svm", pca=3).fit(X[:, :5], binary), folder / "network", extractor=network)
    return folder


@pytest.mark.medium
def test_1000_mutated_images(tmp_path):
    in_fresh_process("fuzz_targets.images", tmp_path, 1000)


def test_150_mutated_models(models):
    in_fresh_process("fuzz_targets.models", models, 150)


def test_models_crafted_in_every_array_and_number(models):
    in_fresh_process("crafted.models", models, "svm-many", "forest-binary", "xgboost-several", "softmax-binary")


def test_100_mutated_networks(tmp_path, tiny_network):
    in_fresh_process("fuzz_targets.networks", tmp_path, str(tiny_network), 100)


def test_300_mutated_texts(models):
    in_fresh_process("fuzz_targets.texts", models, 300)


@pytest.mark.long
def test_20000_mutated_images(tmp_path):
    in_fresh_process("fuzz_targets.images", tmp_path, 20_000, 1_000_000)


@pytest.mark.long
def test_10000_mutated_models(models):
    in_fresh_process("fuzz_targets.models", models, 10_000, 1_000_000)


@pytest.mark.long
def test_5000_mutated_networks(tmp_path, tiny_network):
    in_fresh_process("fuzz_targets.networks", tmp_path, str(tiny_network), 5_000, 1_000_000)


@pytest.mark.long
def test_5000_mutated_texts(models):
    in_fresh_process("fuzz_targets.texts", models, 5_000, 1_000_000)


@pytest.mark.long
def test_parsers_of_our_own_guided_by_coverage(tmp_path):
    pytest.importorskip("atheris", reason="pip install atheris: there is no wheel of it for every Python")
    (tmp_path / "corpus").mkdir()
    network = "conv 32 5x3 same\npool 2 stride 1\nresidual 64 stride 2\nlstm 12 sequences\noutput sigmoid"
    samples = (network, "rotate=15,flip")
    for number, text in enumerate(samples):
        (tmp_path / "corpus" / str(number)).write_text(text)
    options = ("-runs=500000", "-seed=1", "-timeout=10", "-rss_limit_mb=2048", f"-artifact_prefix={tmp_path}/")
    command = [sys.executable, str(TOOLS / "fuzz_guided.py"), *options, str(tmp_path / "corpus")]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-5000:]
    print("descriptions and augmentations, guided by coverage:", done.stderr.strip().splitlines()[-1])


# --- the harness itself


def crash(seed):
    os.abort()


def hang(seed):
    while True:
        pass


def devour(seed):
    return np.ones(2**29).sum() and "read"


def write_outside(seed):
    Path("..", "outside").write_text("x")


def start_a_program(seed):
    subprocess.run(["true"], check=True)


def unpickle(seed):
    import pickle

    return pickle.loads(b"cos\nsystem\n(S'true'\ntR.")


@pytest.mark.parametrize(
    ("case", "says"),
    [
        (crash, "seed 5: signal SIGABRT"),
        (hang, "seed 5: more than 10 s"),
        (devour, "MemoryError"),
        (write_outside, "Trespass: ('open'"),
        (start_a_program, "Trespass: ('subprocess.Popen'"),
        (unpickle, "Trespass: ('pickle.find_class'"),
        (lambda seed: 1 / 0, "seed 5: an exception: Traceback"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_the_harness_sees_faults_and_names_their_seeds(tmp_path, monkeypatch, case, says):
    monkeypatch.setattr(fuzz, "SECONDS", 0.5 if case is hang else 10)
    (tmp_path / "folder").mkdir()

    def one_bad(seed):
        if seed == 5:
            return case(seed)
        if seed == 6:
            raise InputError("refused")
        return "read"

    with pytest.raises(AssertionError) as caught:
        fuzz.run(one_bad, range(3, 9), tmp_path / "folder")
    assert says.replace("10 s", f"{fuzz.SECONDS} s") in str(caught.value)
    assert len(re.findall(r"^seed \d+: ", str(caught.value), re.MULTILINE)) == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]
    assert fuzz.run(lambda seed: "read" if seed < 5 else one_bad(6), range(3, 9), tmp_path / "folder") == {
        "read": 2,
        "refused": 4,
    }
