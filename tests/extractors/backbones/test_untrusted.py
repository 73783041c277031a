"""Untrusted network files that could run code, read files or fill memory are refused before Keras loads them."""

import io
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest

from hybrid.errors import InputError
from hybrid.extractors.backbones.extent import check_outputs
from hybrid.extractors.backbones.load import load_network
from hybrid.extractors.backbones.table import parse_backbone
from hybrid.extractors.backbones.untrusted import check_keras_file
from hybrid.extractors.backbones.weights_file import file_shapes

pytestmark = pytest.mark.network


@pytest.fixture
def members(tiny_network):
    with zipfile.ZipFile(tiny_network) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def refused(tmp_path):
    """Pack members into a .keras file, and return the reason why it is refused."""

    def pack(members, compression=zipfile.ZIP_STORED):
        path = tmp_path / "x.keras"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, data in members.items() if isinstance(members, dict) else members:
                archive.writestr(name, data)
        return reason(path)

    def reason(path):
        with pytest.raises(InputError, match="cannot be loaded as a Keras network in safe mode") as caught:
            check_keras_file(path)
        assert len(str(caught.value)) < 700
        return str(caught.value)

    pack.reason = reason
    return pack


def with_layer(members, layer):
    """Append a layer to the network that is nested in the tiny network."""
    config = json.loads(members["config.json"])
    nested = next(one for one in config["config"]["layers"] if one["class_name"] == "Functional")
    nested["config"]["layers"].append(layer)
    return members | {"config.json": json.dumps(config)}


def test_a_file_saved_by_keras_is_accepted(tiny_network):
    check_keras_file(tiny_network)


@pytest.mark.parametrize(
    ("kind", "module"),
    [
        ("LayerScale", "keras.src.applications.convnext"),
        ("TrueDivide", "keras.src.ops.numpy"),
        ("Functional", "keras.src.models.functional"),
        ("Sequential", "keras"),
        ("DTypePolicy", "keras"),
        ("GlorotUniform", "keras.initializers"),
        ("SeedGenerator", "keras.random"),
        ("__numpy__", None),
    ],
)
def test_objects_of_keras_itself_are_accepted(members, tmp_path, kind, module):
    path = tmp_path / "x.keras"
    made = layer(kind, module, kind, activation=function("builtins", "relu"))
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in with_layer(members, made).items():
            archive.writestr(name, data)
    check_keras_file(path)


def layer(kind, module="keras.layers", registered=None, **config):
    return {"class_name": kind, "module": module, "registered_name": registered, "config": {"name": "x", **config}}


def function(module, name):
    return {"class_name": "function", "module": module, "config": name, "registered_name": name}


LAMBDA = layer("Lambda", function={"class_name": "__lambda__", "config": {"value": "4wEA"}})
ATTACKS = [
    (LAMBDA, "contains a Lambda, which runs code from"),
    (layer("TimeDistributed", layer=LAMBDA), "contains a Lambda, which runs code from"),
    (layer("Bidirectional", layer=layer("LSTM", units=2), backward_layer=LAMBDA), "contains a Lambda"),
    (layer("Sequential", "keras", layers=[layer("Sequential", "keras", layers=[LAMBDA])]), "contains a Lambda"),
    (layer("Dense", activation={"class_name": "__lambda__", "config": {}}), "contains a __lambda__"),
    (layer("TFSMLayer", filepath="/tmp/x"), "contains a TFSMLayer, which runs code from"),
    (layer("Wrapper", layer=layer("TFSMLayer", filepath="/tmp/x")), "contains a TFSMLayer"),
    (layer("TorchModuleWrapper", module_="x"), "contains a TorchModuleWrapper"),
    (layer("system", "os"), "names os.'system'"),
    (layer("Popen", "subprocess"), "names subprocess.'Popen'"),
    (layer("Dense", "keras_hub.layers"), "names keras_hub.layers.'Dense'"),
    (layer("Dense", "kerasx"), "names kerasx.'Dense'"),
    (layer("Mine", "mine", "package>Mine"), "needs the custom class 'package>Mine'"),
    (layer("Dense", registered="package>Mine"), "needs the custom class 'package>Mine'"),
    (layer("load_model", "keras.models"), "names keras.models.'load_model'"),
    (layer("Model", "keras.src.saving.saving_lib"), "names keras.src.saving"),
    (
        layer("Dense", activation={"class_name": "function", "module": "keras.utils", "config": "get_file"}),
        "'get_file'",
    ),
    (layer("Dense", activation=function("os", "system")), "names os.'system'"),
    (
        layer("Dense", activation={"class_name": "function", "module": "keras.models", "config": "load_model"}),
        "load_mod",
    ),
    (layer("StringLookup", vocabulary="/etc/passwd"), "contains a StringLookup, which reads files"),
    (layer("IntegerLookup", vocabulary="/etc/passwd"), "contains a IntegerLookup, which reads files"),
    (layer("TextVectorization", vocabulary="/etc/passwd"), "contains a TextVectorization, which reads files"),
    (layer(["Lambda"]), "invalid object"),
    (layer("Dense", ["os"]), "invalid object"),
]


@pytest.mark.parametrize(("attack", "says"), ATTACKS, ids=[str(number) for number in range(len(ATTACKS))])
def test_objects_that_are_not_part_of_a_network(members, refused, attack, says):
    assert says in refused(with_layer(members, attack))


def test_a_legacy_model_by_another_name(refused, tmp_path):
    path = tmp_path / "old.keras"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "{}"
    assert "is a legacy HDF5 model: load it in Keras and save it" in refused.reason(path)


def test_a_file_that_is_not_an_archive_or_is_truncated(refused, tiny_network, tmp_path):
    path = tmp_path / "cut.keras"
    for data in (b"", b"no zip", tiny_network.read_bytes()[:-50]):
        path.write_bytes(data)
        refused.reason(path)
    assert "No such file" in refused.reason(tmp_path / "none.keras")


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a\\..\\x", "assets/vocabulary.txt", "model.weights.npz", "x.py"])
def test_members_that_keras_does_not_write_for_a_network(members, refused, name):
    assert f"contains {name!r}" in refused(members | {name: b"x"})


def test_members_that_are_missing_or_occur_twice(members, refused):
    for name in members:
        assert "once each" in refused({other: data for other, data in members.items() if other != name})
    with pytest.warns(UserWarning, match="Duplicate name"):
        assert "once each" in refused([*members.items(), ("config.json", b"{}")])


def test_bombs_and_members_of_another_size_than_stated(members, refused, tmp_path):
    large = b" " * (2**26 + 1)
    assert "would be unpacked from" in refused(members | {"config.json": large}, zipfile.ZIP_DEFLATED)
    assert "would be unpacked from" in refused(members | {"metadata.json": large[: 2**20 + 1]})
    assert "would be unpacked from" in refused(members | {"model.weights.h5": large}, zipfile.ZIP_DEFLATED)
    assert "nested too deeply" in refused(members | {"config.json": "[" * 100_000})
    for name in ("config.json", "model.weights.h5"):
        refused.reason(relisted(tmp_path / "x.keras", members, name, -22, (3 * 10**7).to_bytes(4, "little")))


def test_members_that_are_links_encrypted_or_packed_in_an_unusual_way(members, refused, tmp_path):
    for place, value in ((-6, (0xA1FF0000).to_bytes(4, "little")[2:]), (-38, b"\1\0"), (-36, b"\x0e\0")):
        path = relisted(tmp_path / "x.keras", members, "config.json", place, value)
        assert "config.json is a link, encrypted, or compressed in an unusual way" in refused.reason(path)


def relisted(path, members, name, place, value):
    """Pack members, and change one member's entry in the archive's directory, some bytes before its name."""
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in members.items():
            archive.writestr(member, data)
        start = archive.start_dir
    data = bytearray(path.read_bytes())
    end = data.index(name.encode(), start)
    data[end + place : end + place + len(value)] = value
    path.write_bytes(data)
    return path


# --- HDF5


def link_out(file):
    file["out"] = h5py.ExternalLink("/etc/other.h5", "/x")


def link_inside(file):
    file["soft"] = h5py.SoftLink("/x/y")


def store_outside(file):
    file.create_dataset("outside", (8,), "u1", external=[("/etc/passwd", 0, 8)])


def map_another_file(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "x", (4,))
    file.create_virtual_dataset("virtual", layout)


def hold_objects(file):
    file["words"] = np.array(["a", "b"], dtype=h5py.string_dtype())


def declare_much(file):
    file.create_dataset("bomb", (10**6, 10**6), "f4", chunks=(1000, 1000), compression="gzip")


def go_round(file):
    file["group/round"] = file.create_group("group")


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        (link_out, "/out is a link to another place"),
        (link_inside, "/soft is a link to another place"),
        (store_outside, "/outside are stored in another file"),
        (map_another_file, "/virtual are stored in another file"),
        (hold_objects, "/words are of type object instead of numbers"),
        (declare_much, "would be unpacked to 4,000,000,000,000 or more"),
        (go_round, "occurs twice"),
    ],
)
def test_weights_that_are_in_another_file_not_numbers_or_too_many(members, refused, tmp_path, attack, says):
    buffer = io.BytesIO(members["model.weights.h5"])
    with h5py.File(buffer, "r+") as file:
        attack(file)
    assert says in refused(members | {"model.weights.h5": buffer.getvalue()})
    for name in ("w.h5", "w.weights.h5"):
        path = tmp_path / name
        path.write_bytes(buffer.getvalue())
        with pytest.raises(InputError, match=f"{name}' cannot be loaded safely") as caught:
            file_shapes(path)
        assert says in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Dense": {"units": 10**9}}, r"describes weights of [\d,]{13,} bytes, but contains"),
        ({"Conv2D": {"filters": 10**9}}, r"describes weights of [\d,]{13,} bytes"),
        (
            {"Dropout": ("RepeatVector", {"n": 10**9})},
            r"its layer '\w+' computes \d+,.* values from each image",
        ),
    ],
)
def test_layers_far_larger_than_the_weights_are_refused_before_they_fill_the_memory(members, tmp_path, change, message):
    from hybrid.extractors.backbones.load import load_keras_file

    ((kind, changed),) = change.items()
    config = json.loads(members["config.json"])
    for layer in all_layers(config):
        layer["build_config"] = None  # what follows is built anew, too
        if layer["class_name"] == kind:
            new, settings = changed if isinstance(changed, tuple) else (kind, layer["config"] | changed)
            layer |= {"class_name": new, "config": {"name": layer["config"]["name"]} | settings}
    path = tmp_path / "x.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (members | {"config.json": json.dumps(config)}).items():
            archive.writestr(name, data)
    with pytest.raises(InputError, match=message):
        load_keras_file(path)


def all_layers(config):
    """Yield the layers of a network's configuration, including those of nested networks."""
    for layer in config["config"]["layers"]:
        yield layer
        if layer["class_name"] == "Functional":
            yield from all_layers(layer)


def outputs_of(kind, length):
    """Return a network with one attention layer on a sequence of this length, as small as its weights may be."""
    x = keras.Input((length, 8))
    heads = keras.layers.Reshape((length, 2, 4))(x)
    made = {
        "MultiHeadAttention": lambda: keras.layers.MultiHeadAttention(4, 2)(x, x),
        "nested": lambda: keras.Model(inner := keras.Input((length, 8)), keras.layers.Attention()([inner, inner]))(x),
        "GroupQueryAttention": lambda: keras.layers.GroupQueryAttention(2, 4, 2)(x, x),
        "Attention": lambda: keras.layers.Attention()([x, x]),
        "AdditiveAttention": lambda: keras.layers.AdditiveAttention()([x, x]),
        "Dot": lambda: keras.layers.GlobalMaxPooling1D()(keras.layers.Dot(2)([x, x])),
        "matmul": lambda: keras.ops.max(keras.ops.matmul(x, keras.ops.transpose(x, (0, 2, 1))), axis=1),
        "dot_product_attention": lambda: keras.ops.dot_product_attention(heads, heads, heads),
        "einsum": lambda: keras.ops.einsum("bia,bja,bjc->bic", x, x, x),
        "EinsumDense": lambda: keras.ops.max(keras.layers.EinsumDense("abc,cd->abd", (length, length))(x), axis=1),
    }
    return keras.Model(x, made[kind]())


@pytest.mark.parametrize(
    "kind",
    [
        *("MultiHeadAttention", "nested", "GroupQueryAttention", "Attention", "AdditiveAttention"),
        *("Dot", "matmul", "dot_product_attention", "einsum", "EinsumDense"),
    ],
)
def test_inner_products_of_attention_count_as_values(kind):
    with keras.StatelessScope(initialize_variables=False):
        check_outputs(outputs_of(kind, 197))  # the sequence of a vision transformer
        with pytest.raises(
            InputError, match=r"its layer .* computes (inner products of )?[\d,]+ values from each image"
        ):
            check_outputs(outputs_of(kind, 2**15))


def test_attention_along_one_axis_is_counted_along_it():
    inputs = keras.Input((256, 256, 4))
    keras_layer = keras.layers.MultiHeadAttention(2, 2, attention_axes=(2,))
    check_outputs(keras.Model(inputs, keras_layer(inputs, inputs)))  # 2 · 256 · 256²
    whole = keras.layers.MultiHeadAttention(2, 2)
    with pytest.raises(InputError, match="inner products"):
        check_outputs(keras.Model(inputs, whole(inputs, inputs)))


@pytest.mark.parametrize(
    ("backbone", "size", "reason"),
    [
        ("resnet_small:width=4096", None, "weights, of at most"),
        ("dense_128", (3000, 3000), "weights, of at most"),
        ("mobilenet:alpha=1000", None, "weights, of at most"),
        ("mobilenet:alpha=1e308", None, "cannot be built for images of 224×224"),
        ("mobilenet", (8000, 8000), "values from each image"),
    ],
)
def test_a_backbone_of_the_table_that_would_be_very_large_is_refused(backbone, size, reason):
    with pytest.raises(InputError, match=r"The backbone .* cannot be built for images of \d+×\d+: ") as caught:
        load_network(parse_backbone(backbone), "random", size, seed=0, top=False)
    assert reason in str(caught.value)
