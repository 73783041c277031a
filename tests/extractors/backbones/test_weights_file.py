"""Weights files are checked without Keras: damaged ones, and those of a whole model in place of a backbone."""

import h5py
import numpy as np
import pytest

from hybrid.errors import InputError
from hybrid.extractors import Extractor
from hybrid.extractors.backbones.weights_file import check_weights_file, file_shapes


@pytest.fixture
def path(tmp_path):
    return tmp_path / "w.h5"


def write(path, **layers):
    """Write a file in the format of Keras Applications with these layers and the shapes of their weights."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        for name, shapes in layers.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"w{number}".encode() for number in range(len(shapes))]
            for number, shape in enumerate(shapes):
                group[f"w{number}"] = np.zeros(shape, np.float32)


def changed(path, change):
    with h5py.File(path, "r+") as file:
        change(file)


def set_attribute(group, key, value):
    def change(file):
        del file[group].attrs[key]
        if value is not None:
            file[group].attrs[key] = value

    return change


def replace_group(file):
    del file["conv"]
    file["conv"] = np.zeros(3)


def replace_root(file):
    for name in list(file):
        del file[name]
    file["model_weights"] = np.zeros(3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (set_attribute("/", "layer_names", 3), "the attribute 'layer_names' of '/' is not a list of names"),
        (set_attribute("/", "layer_names", "conv"), "the attribute 'layer_names' of '/' is not a list of names"),
        (set_attribute("/", "layer_names", [1.5, 2.5]), "is not a list of names"),
        (set_attribute("/", "layer_names", np.array([[b"conv"]])), "is not a list of names"),
        (set_attribute("/", "layer_names", [b"conv", b"gone"]), "it lists the layer 'gone', but does not contain it"),
        (set_attribute("/", "layer_names", [b"\xff\xfe"]), "is damaged"),
        (set_attribute("/", "layer_names", [b"conv/w0"]), "it lists the layer 'conv/w0', but does not contain it"),
        (set_attribute("conv", "weight_names", None), "'/conv' has no attribute 'weight_names'"),
        (set_attribute("conv", "weight_names", [b"w0", b"w9"]), "it lists the weight 'w9', but does not contain it"),
        (set_attribute("conv", "weight_names", [0]), "the attribute 'weight_names' of '/conv' is not a list of names"),
        (replace_group, "it lists the layer 'conv', but does not contain it"),
        (replace_root, "is damaged"),
        (lambda file: file["conv"].create_dataset("x", data=np.array([b"text"])), "instead of numbers"),
    ],
)
def test_a_damaged_file_gives_one_sentence(path, change, reason):
    write(path, conv=[(3, 3), (3,)], dense=[(3, 2)])
    assert file_shapes(path) == [("conv", [(3, 3), (3,)]), ("dense", [(3, 2)])]
    changed(path, change)
    with pytest.raises(InputError, match="Weights file '.*w.h5' ") as caught:
        check_weights_file(path)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 400


def test_long_lists_of_names_are_divided_as_keras_does(path):
    write(path, conv=[(3,)], dense=[(2,)])
    changed(path, set_attribute("/", "layer_names", None))
    changed(path, lambda file: file.attrs.update({"layer_names0": [b"conv"], "layer_names1": [b"dense"]}))
    assert file_shapes(path) == [("conv", [(3,)]), ("dense", [(2,)])]


def test_a_whole_model_of_the_applications_format_is_named(path):
    write(path, rescaling=[], mobilenet=[(1,)] * 20, dense=[(4, 2), (2,)])
    with pytest.raises(InputError, match=r"is of a whole model in which the backbone is nested, as 'mobilenet'\. Save"):
        check_weights_file(path)


def test_a_whole_model_of_keras_3_is_named(tmp_path):
    path = tmp_path / "w.weights.h5"
    with h5py.File(path, "w") as file:
        for number in range(10):
            file[f"layers/functional/layers/conv2d_{number}/vars/0"] = np.zeros(2)
        file["layers/dense/vars/0"] = np.zeros(2)
    with pytest.raises(InputError, match=r"whole model in which the backbone is nested, as 'functional'"):
        check_weights_file(path)
    changed(path, lambda file: [file.create_dataset(f"layers/d_{n}/vars/0", data=[0.0]) for n in range(10)])
    check_weights_file(path)  # as the stem of ConvNeXt, a small nested model among other layers


def test_a_keras_file_is_no_weights_file(tmp_path):
    (tmp_path / "net.KERAS").write_bytes(b"")
    with pytest.raises(InputError, match="is a whole model, not a weights file: give it as the backbone"):
        Extractor("mobilenet", weights=tmp_path / "net.KERAS").check()


def test_wrong_files_are_reported_before_keras_is_imported(path, python):
    code = """
import sys
from hybrid.errors import InputError
from hybrid.extractors import Extractor
for backbone, weights in (("mobilenet", sys.argv[1]), ("bad.keras", "auto")):
    open("bad.keras", "w").close()
    try:
        Extractor(backbone, weights=weights).extract(["no_image.png"])
    except InputError as error:
        print(str(error))
print({"keras", "tensorflow"} & set(sys.modules))
"""
    write(path, mobilenet=[(1,)] * 20)
    first, second, modules = python(code, path).splitlines()
    assert "whole model" in first
    assert "cannot be loaded as a Keras network" in second
    assert modules == "set()"


def test_wrong_weights_of_a_training_are_refused_before_its_data_are_read(path, hybrid):
    write(path, mobilenet=[(1,)] * 20)
    assert "whole model" in hybrid("train", "mobilenet", "no_data", "--weights", str(path), code=1)
    assert "There is no weights file" in hybrid("train", "mobilenet", "no_data", "--weights", "none.h5", code=1)


def test_wrong_weights_of_an_extraction_are_refused_before_its_data_are_read(path, hybrid):
    write(path, mobilenet=[(1,)] * 20)
    assert "whole model" in hybrid("extract", "no_data", "--backbone", "mobilenet", "--weights", str(path), code=1)


@pytest.mark.parametrize(("table", "key"), [("[features.a]", "backbone"), ("[train.a]", "arch")])
def test_wrong_weights_of_a_recipe_are_refused_before_its_data_are_read(path, hybrid, table, key):
    write(path, mobilenet=[(1,)] * 20)
    path.with_name("no_images").mkdir()
    path.with_name("r.toml").write_text(
        f"data = {{source = 'no_images'}}\n{table}\n{key} = 'mobilenet'\nweights = 'w.h5'\n"
    )
    said = hybrid("run", "r.toml", code=1)
    assert f"r.toml: {table}: Weights file" in said
    assert "whole model" in said
