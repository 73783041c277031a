import importlib.util
import types
from pathlib import Path

import numpy as np
import pytest

from hybrid.datasets import load_dataset
from hybrid.datasets.readers import named
from hybrid.errors import InputError, MissingExtraError

RNG = np.random.default_rng(0)


class FakeMedMNIST:
    """Stands in for a class of the medmnist package: 60, 20 and 20 images."""

    asked: list = []  # noqa: RUF012  (reset by the fixture)

    def __init__(self, split, download, size):
        self.asked.append((split, download, size))
        n = 60 if split == "train" else 20
        self.imgs = np.zeros((n, size, size, 3), np.uint8)
        self.labels = (np.arange(n) % 3)[:, None]


class FakeMultiLabel(FakeMedMNIST):
    def __init__(self, split, download, size):
        super().__init__(split, download, size)
        self.labels = RNG.integers(0, 2, (len(self.imgs), 3))


class Unreachable:
    def __init__(self, **options):
        raise RuntimeError("Something went wrong\nwhen downloading!")


@pytest.fixture
def fake_import(monkeypatch):
    """Let `import_module` return given modules, or fail for a module that is None."""

    def install(**modules):
        def import_module(name):
            if modules[name.replace(".", "_")] is None:
                raise ImportError(name)
            return modules[name.replace(".", "_")]

        monkeypatch.setattr(named, "importlib", types.SimpleNamespace(import_module=import_module))

    return install


def medmnist_package(made):
    label = {"0": "a", "1": "b", "2": "c"}
    info = {name: {"python_class": "Made", "label": label} for name in named.MEDMNIST}
    FakeMedMNIST.asked.clear()
    return types.SimpleNamespace(INFO=info, Made=made)


def refused(name):
    with pytest.raises(InputError) as caught:
        load_dataset(name)
    return str(caught.value)


def test_digits_fill_the_grey_range_and_keep_their_labels():
    from sklearn.datasets import load_digits

    data = load_dataset("digits")
    digits = load_digits()
    assert data.X.dtype == np.uint8
    assert np.array_equal(data.y, digits.target)
    assert np.max(np.abs(data.X - digits.images * 255 / 16)) <= 0.5
    assert (data.X.min(), data.X.max()) == (0, 255)


def test_a_folder_called_digits_is_given_with_its_path(tmp_path, monkeypatch):
    for name in ("digits/a", "digits/b"):
        (tmp_path / name).mkdir(parents=True)
        for i in range(10):
            (tmp_path / name / f"{i}.jpg").write_bytes(b"\xff\xd8\xff")
    monkeypatch.chdir(tmp_path)
    assert len(load_dataset("digits")) == 1797
    assert len(load_dataset("./digits")) == 20


@pytest.mark.parametrize(("name", "size"), [("medmnist:bloodmnist", 28), ("medmnist:bloodmnist:64", 64)])
def test_medmnist_keeps_splits_and_integers_and_downloads_once(fake_import, name, size):
    fake_import(medmnist=medmnist_package(FakeMedMNIST))
    data = load_dataset(name)
    assert [len(data.part(s)) for s in ("train", "val", "test")] == [60, 20, 20]
    assert data.X.shape[1:] == (size, size, 3)
    assert data.classes.tolist() == [0, 1, 2]
    assert "Classes: 0 a, 1 b, 2 c." in data.notes
    assert [download for _, download, _ in FakeMedMNIST.asked] == [True, False, False]


def test_medmnist_with_several_labels_takes_their_names(fake_import):
    fake_import(medmnist=medmnist_package(FakeMultiLabel))
    data = load_dataset("medmnist:chestmnist")
    assert data.task == "multilabel"
    assert data.classes.tolist() == ["a", "b", "c"]


def test_medmnist_faults_say_what_to_do(fake_import):
    assert "Nearest: 'pneumoniamnist'" in refused("medmnist:pnuemoniamnist")
    assert "Expected one of: 128, 224, 28, 64" in refused("medmnist:bloodmnist:65")
    fake_import(medmnist=None)
    with pytest.raises(MissingExtraError, match=r"pip install 'hybrid-features\[medmnist\]'"):
        load_dataset("medmnist:bloodmnist")
    fake_import(medmnist=medmnist_package(Unreachable))
    text = refused("medmnist:bloodmnist")
    assert "(Something went wrong when downloading!): the first use needs an internet connection; otherwise" in text


def test_keras_keeps_its_test_split_and_val_is_drawn(fake_import):
    def load_data():
        rng = np.random.default_rng(0)
        return tuple((rng.integers(0, 256, (n, 32, 32, 3), np.uint8), (np.arange(n) % 10)[:, None]) for n in (200, 50))

    fake_import(keras_datasets_cifar10=types.SimpleNamespace(load_data=load_data))
    data = load_dataset("keras:cifar10")
    assert [len(data.part(s)) for s in ("train", "val", "test")] == [170, 30, 50]
    assert data.ids[-1] == "test/49"


def test_keras_faults_say_what_to_do(fake_import):
    assert "Expected one of: cifar10, cifar100, fashion_mnist, mnist" in refused("keras:imdb")

    def load_data():
        raise Exception("URL fetch failure on https://example.org: None")

    fake_import(keras_datasets_mnist=types.SimpleNamespace(load_data=load_data))
    assert "keras:mnist could not be downloaded (URL fetch failure" in refused("keras:mnist")


@pytest.mark.network
@pytest.mark.parametrize("name", named.KERAS)
def test_keras_has_the_modules_of_the_table(name):
    keras = Path(importlib.util.find_spec("keras").origin).parent  # looked at, not imported: that takes seconds
    assert (keras / "src" / "datasets" / f"{name}.py").is_file()
