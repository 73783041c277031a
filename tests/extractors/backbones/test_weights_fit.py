"""A file with the weights of another network is named without Keras, and one that fits is left alone."""

import h5py
import pytest
from tiers import slow

from hybrid.errors import InputError
from hybrid.extractors import Extractor
from hybrid.extractors.backbones import layer_table
from hybrid.extractors.backbones.pretrained import Pretrained
from hybrid.extractors.backbones.table import parse_backbone
from hybrid.extractors.backbones.weights_fit import check_weights_fit

LEGACY, KERAS_3 = "w.h5", "w.weights.h5"


def shapes_of(name, *, top=False, classes=1000, until=None):
    """Return the shapes of the weights of a backbone by layer, with or without its classification layers."""
    found = layer_table.variants()[name]
    without = found.only_base if top else found.only_whole
    layers = {layer.name: layer.weights for layer in found.layers if layer.weights and layer.name not in without}
    if top:
        last = [*layers][-1]
        layers[last] = [tuple(classes if side == 1000 else side for side in shape) for shape in layers[last]]
    return dict(list(layers.items())[:until])


def write(path, layers, root=""):
    """Write a weights file as one of the two kinds; its numbers are left out, so that it is small."""
    with h5py.File(path, "w") as file:
        if path.name == KERAS_3:
            for number, shapes in enumerate(layers.values()):
                for place, shape in enumerate(shapes):
                    file.create_dataset(f"layers/layer_{number}/vars/{place}", shape, "u1")
            file.create_dataset("optimizer/vars/0", (7,), "u1")
            return
        top = file.create_group(root) if root else file
        for part, names in enumerate(([*layers][:100], [*layers][100:])):  # Keras divides what is long
            top.attrs[f"layer_names{part}"] = [name.encode() for name in names]
        for name, shapes in layers.items():
            group = top.create_group(name)
            group.attrs["weight_names"] = [f"w{place}".encode() for place in range(len(shapes))]
            for place, shape in enumerate(shapes):
                group.create_dataset(f"w{place}", shape, "u1")


def refused(backbone, path):
    with pytest.raises(InputError) as caught:
        Extractor(backbone, weights=path).check()
    return str(caught.value)


@pytest.mark.parametrize("kind", [LEGACY, KERAS_3])
@pytest.mark.parametrize(
    ("backbone", "layers"),
    [
        ("mobilenet", {"name": "mobilenet"}),
        ("mobilenet", {"name": "mobilenet", "top": True}),
        ("mobilenet:alpha=1.0,dropout=0.5", {"name": "mobilenet", "top": True, "classes": 7}),
        ("mobilenet:alpha=0.25", {"name": "mobilenet:alpha=0.25"}),
        ("mobilenet:alpha=0.3", {"name": "mobilenet", "until": 3}),  # not in the table, so Keras decides
        ("mobilenet_v3_small:minimalistic=true", {"name": "mobilenet_v3_small:minimalistic=True"}),
        ("convnext_tiny", {"name": "convnext_tiny"}),
        ("convnext_tiny", {"name": "convnext_tiny", "top": True, "classes": 2}),
        slow("efficientnet_b0", {"name": "efficientnet_b0", "top": True}),
        slow("inception_v3", {"name": "inception_v3"}),
        slow("resnet50", {"name": "resnet50", "top": True}),
    ],
)
def test_weights_that_fit_are_accepted(tmp_path, kind, backbone, layers):
    write(tmp_path / kind, shapes_of(**layers))
    Extractor(backbone, weights=tmp_path / kind).check()


@pytest.mark.parametrize("kind", [LEGACY, KERAS_3])
@pytest.mark.parametrize(
    ("backbone", "other", "options"),
    [
        ("mobilenet", "mobilenet_v2", {}),
        ("mobilenet", "mobilenet:alpha=0.25", {"top": True}),
        ("mobilenet:alpha=0.5", "mobilenet", {}),
        ("mobilenet:alpha=0.3", "mobilenet_v2:alpha=0.35", {}),
        ("resnet50", "resnet101", {}),
        slow("resnet101", "resnet50", {"top": True, "classes": 3}),
        slow("efficientnet_b0", "efficientnet_v2_b0", {}),
        slow("vgg19", "vgg16", {}),
        ("mobilenet_v3_small", "mobilenet_v3_small:minimalistic=True", {}),
    ],
)
def test_weights_of_another_backbone_are_named(tmp_path, kind, backbone, other, options):
    write(tmp_path / kind, shapes_of(other, **options))
    text = refused(backbone, tmp_path / kind)
    assert f"{kind}' does not fit '{parse_backbone(backbone).name}': its weights are those of {other}." in text


def test_weights_of_an_unknown_network_are_described(tmp_path):
    write(tmp_path / LEGACY, shapes_of("mobilenet", until=6))
    assert "only the network has 'conv_dw_2'" in refused("mobilenet", tmp_path / LEGACY)
    write(tmp_path / LEGACY, {"conv1": [(5, 5, 3, 8)]} | shapes_of("mobilenet_v2"))
    text = refused("mobilenet", tmp_path / LEGACY)
    assert "layer 'conv1' has weights of 3×3×3×32, but the file's 'conv1' has weights of 5×5×3×8" in text
    write(tmp_path / KERAS_3, shapes_of("mobilenet", until=6))
    assert "layer 'conv_dw_2' has weights of 3×3×64×1, which the file lacks" in refused("mobilenet", tmp_path / KERAS_3)


def test_a_network_to_be_fine_tuned_is_checked_too(tmp_path):
    write(tmp_path / LEGACY, shapes_of("mobilenet_v2"))
    with pytest.raises(InputError, match=r"its weights are those of mobilenet_v2\."):
        Pretrained("mobilenet", str(tmp_path / LEGACY)).check_files()


def test_with_another_version_of_keras_it_is_left_to_keras(tmp_path, monkeypatch):
    write(tmp_path / LEGACY, shapes_of("mobilenet_v2"))
    monkeypatch.setattr(layer_table, "version", lambda package: "99.0")
    Extractor("mobilenet", weights=tmp_path / LEGACY).check()


def test_keras_own_efficientnet_files_are_refused_as_plain_weights(tmp_path):
    with pytest.raises(InputError, match=r"Put it into .*models.* 'imagenet'"):
        check_weights_fit(parse_backbone("efficientnet_b0"), tmp_path / "efficientnetb0_notop.h5")
