"""Training a custom backbone: the epoch is chosen on validation, the test split is not looked at, seeds repeat."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score, log_loss
from sklearn.utils.class_weight import compute_sample_weight

from hybrid.datasets import Dataset
from hybrid.errors import InputError
from hybrid.models.fit import fit_network
from hybrid.training import TrainingOptions, input_shape, save_network, train_network
from hybrid.training.convolutions import apply_strides_first, multiply_small_maps
from hybrid.training.optimizer import make_optimizer
from hybrid.workspace.workspace import Workspace

pytestmark = pytest.mark.network

QUICK = TrainingOptions(epochs=4, batch_size=16, schedule="plateau", patience=2, augment=(), random_state=1)


def stripes(n=90, seed=0, size=12):
    """Return images of upright and level stripes, a third of them level, in noise."""
    rng = np.random.default_rng(seed)
    labels = np.array(["upright", "level", "upright"] * (n // 3))
    images = rng.integers(0, 120, (n, size, size))
    images[:, :, ::4] += np.where(labels == "upright", 130, 0)[:, None, None]
    images[:, ::4, :] += np.where(labels == "level", 130, 0)[:, None, None]
    return images.astype(np.uint8), labels


@pytest.fixture
def striped():
    images, labels = stripes()
    split = np.array((["train"] * 9 + ["val"] * 3 + ["test"] * 3) * 6)
    return Dataset.from_arrays(images, labels, split=split)


def predict(trained, dataset):
    return trained.model.predict(dataset.X[..., None], verbose=0)


def test_the_weights_kept_are_those_of_the_best_epoch_on_validation(striped):
    trained = train_network("convnet_small", striped, replace(QUICK, learning_rate=0.02, epochs=8))
    losses = trained.history["val_loss"]
    assert trained.best_epoch == np.argmin(losses) + 1
    val, train = striped.part("val"), striped.part("train")
    weight = dict(zip(train.y, compute_sample_weight("balanced", train.y), strict=True))
    for model, loss in ((trained.model, min(losses)), (trained.last, losses[-1])):
        proba = model.predict(val.X[..., None], verbose=0)
        total = log_loss(val.y, proba, sample_weight=[weight[label] for label in val.y], normalize=False)
        assert total / len(val) == pytest.approx(loss, abs=1e-5)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_a_large_layer_is_updated_as_keras_updates_it(name):
    import keras

    first = keras.Sequential([keras.Input((1100,)), keras.layers.Dense(1000), keras.layers.Dense(1)])
    second = keras.models.clone_model(first)
    second.set_weights(before := first.get_weights())
    ours = make_optimizer(TrainingOptions(optimizer=name, learning_rate=0.01))
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3, 8, 1100)).astype(np.float32), rng.normal(size=(3, 8, 1)).astype(np.float32)
    for model, optimizer in ((first, ours), (second, type(ours).from_config(ours.get_config()))):
        model.compile(optimizer, loss="mse", jit_compile=False)
        for step in range(3):
            optimizer.learning_rate = 0.001 / (step + 1)
            model.train_on_batch(X[step], y[step])
    assert np.abs(first.get_weights()[0] - before[0]).mean() > 1e-6
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("side", "kernel", "options", "multiplied"),
    [
        (6, 5, {}, True),
        (3, 2, {"padding": "same"}, True),
        (4, 3, {"padding": "same"}, True),
        (9, 5, {}, False),
        (3, 1, {}, False),
        (8, 5, {"strides": 2}, False),
        (7, 3, {"dilation_rate": 3}, False),
        (5, 5, {"groups": 2}, False),
    ],
)
def test_a_convolution_of_small_maps_gives_and_learns_what_that_of_keras_does(side, kernel, options, multiplied):
    import keras
    import tensorflow

    shape = (side, side, 256)
    inner = keras.Sequential([keras.Input(shape), keras.layers.Conv2D(256, kernel, **options)])
    first = keras.Sequential([keras.Input(shape), inner, keras.layers.Flatten()])
    second = keras.models.clone_model(first)
    second.set_weights(before := first.get_weights())
    multiply_small_maps(first)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4, *shape)).astype(np.float32)
    y = rng.normal(size=(4, *first.output_shape[1:])).astype(np.float32)
    graph = tensorflow.function(first).get_concrete_function(X).graph
    assert ("Pack" in {operation.type for operation in graph.get_operations()}) == multiplied
    np.testing.assert_allclose(first(X), second(X), rtol=0, atol=1e-4)
    for model in (first, second):
        model.compile("sgd", loss="mse", jit_compile=False)
        model.train_on_batch(X, y)
    assert np.abs(first.get_weights()[0] - before[0]).mean() > 1e-7
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    assert "convolution_op" not in vars(keras.models.clone_model(inner).layers[0])


@pytest.mark.parametrize(
    ("channels", "kernel", "options", "changed"),
    [
        (8, 1, {"strides": 2}, True),
        (15, 1, {"strides": (1, 3), "padding": "same"}, True),
        (8, 1, {"strides": 2, "groups": 2}, False),
        (16, 1, {"strides": 2}, False),
        (8, 1, {}, False),
        (8, 3, {"strides": 2}, False),
    ],
)
def test_a_strided_convolution_of_few_channels_gives_and_learns_what_its_pixels_give(
    channels, kernel, options, changed
):
    import keras
    import tensorflow

    inner = keras.Sequential([keras.Input((47, 47, channels)), keras.layers.Conv2D(4, kernel, **options)])
    model = keras.Sequential([keras.Input((47, 47, channels)), inner])
    apply_strides_first(model)
    assert ("convolution_op" in vars(inner.layers[0])) == changed
    if not changed:
        return
    function = tensorflow.function(model)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2, 47, 47, channels)).astype(np.float32)
    # If the convolution in the graph had strides, the gradient below could end the process.
    operations = function.get_concrete_function(X).graph.get_operations()
    assert [list(node.get_attr("strides")) for node in operations if node.type == "Conv2D"] == [[1, 1, 1, 1]]
    weights = rng.normal(size=model.compute_output_shape(X.shape)).astype(np.float32)
    with tensorflow.GradientTape() as tape:
        outputs = function(X)
        loss = tensorflow.reduce_sum(outputs * weights)
    gradient = tape.gradient(loss, model.trainable_variables[0].value)
    down, right = np.broadcast_to(options["strides"], 2)
    pixels = X[:, ::down, ::right]
    np.testing.assert_allclose(outputs, np.tensordot(pixels, model.get_weights()[0][0, 0], 1), rtol=0, atol=1e-4)
    expected = np.tensordot(pixels, weights, ([0, 1, 2], [0, 1, 2]))
    np.testing.assert_allclose(gradient[0, 0], expected, rtol=0, atol=1e-3)
    assert "convolution_op" not in vars(keras.models.clone_model(inner).layers[0])


def test_it_learns_and_the_history_has_train_and_validation(striped):
    trained = train_network("resnet_small:width=8", striped, replace(QUICK, epochs=16, patience=16))
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"} <= set(trained.history)
    val = striped.part("val")
    assert accuracy_score(val.y, val.classes[predict(trained, val).argmax(axis=1)]) > 0.9


def test_the_same_seed_gives_the_same_network_and_another_seed_another(striped):
    one, same, other = (
        train_network("convnet_bn", striped, replace(QUICK, random_state=seed, epochs=2)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(predict(one, striped), predict(same, striped))
    assert not np.array_equal(predict(one, striped), predict(other, striped))


def test_the_test_split_changes_nothing(striped):
    inverted = striped.X.copy()
    inverted[striped.split == "test"] = 255 - inverted[striped.split == "test"]
    runs = [train_network("convnet_small", data, QUICK) for data in (striped, replace(striped, X=inverted))]
    assert runs[0].history == runs[1].history


def test_a_tiny_validation_split_borrows_from_train():
    images, labels = stripes(n=1200, size=10)
    split = np.array(["val"] * 16 + ["train"] * 1100 + ["test"] * 84)
    data = Dataset.from_arrays(images, labels, split=split)
    with pytest.warns(UserWarning, match="has 16 images, too few to choose the best epoch on. 110 images of the train"):
        trained = train_network("convnet_small", data, replace(QUICK, epochs=1))
    assert trained.best_epoch == 1
    few = train_network("convnet_small", data, replace(QUICK, epochs=1, borrow=False))
    assert few.history["val_accuracy"][0] * 16 == pytest.approx(round(few.history["val_accuracy"][0] * 16))


def test_balanced_weights_move_predictions_to_the_rare_class(striped):
    means = {}
    for weight in ("balanced", "none"):
        options = replace(QUICK, epochs=1, learning_rate=1e-4, class_weight=weight)
        means[weight] = predict(train_network("convnet_small", striped, options), striped).mean(axis=0)[0]
    assert striped.classes[0] == "level"
    assert means["balanced"] > means["none"]


def test_several_labels_train_with_one_sigmoid_each():
    images, labels = stripes()
    targets = np.stack([labels == "level", labels == "upright", images.mean(axis=(1, 2)) > images.mean()], axis=1)
    data = Dataset.from_arrays(images, targets.astype(np.uint8), label_names=["level", "upright", "bright"])
    trained = train_network("resnet_small:width=8", data, replace(QUICK, epochs=16, patience=16))
    proba = predict(trained, data)
    assert proba.shape == (90, 3)
    assert not np.allclose(proba.sum(axis=1), 1)
    assert accuracy_score(labels == "level", proba[:, 0] > 0.5) > 0.9


def test_a_single_sigmoid_gives_the_probabilities_of_both_classes(striped, tmp_path):
    trained = train_network("convnet_bn", striped, replace(QUICK, epochs=2))
    path = save_network(trained, tmp_path / "networks/one", "convnet_bn", striped, QUICK)
    model = fit_network(path, striped, Workspace(tmp_path), "network-one")
    outputs = predict(trained, striped)
    assert outputs.shape == (90, 1)
    proba = model.pipeline.predict_proba(outputs)
    # The network was trained with balanced weights; its probabilities are corrected to the frequencies of train.
    share = (striped.y[striped.split == "train"] == "upright").mean()
    yes, no = outputs * share, (1 - outputs) * (1 - share)
    np.testing.assert_allclose(proba, np.hstack([no, yes]) / (yes + no), rtol=1e-5)
    predicted = np.where(outputs[:, 0] > 0.5, "upright", "level")
    np.testing.assert_array_equal(model.pipeline.predict(outputs), predicted)
    val = striped.split == "val"
    assert model.splits["val"].metrics["accuracy"].value == pytest.approx(
        accuracy_score(striped.y[val], predicted[val])
    )


def test_the_input_is_sized_to_the_images(tmp_path):
    grey = Dataset.from_arrays(*stripes(size=12))
    assert input_shape(grey, None) == (12, 12, 1)
    assert input_shape(grey, 20) == (20, 20, 1)
    images, labels = stripes(size=12)
    paths = []
    for number, image in enumerate(images):
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(image).resize((90, 60 + number % 2)).save(paths[-1])
    files = Dataset.from_arrays(paths, labels)
    assert input_shape(files, None) == (64, 64, 1)
    Image.new("RGB", (90, 60)).save(paths[0])
    assert input_shape(files, (30, 40)) == (30, 40, 3)


def test_what_cannot_be_trained_is_said(striped):
    without_val = striped.take(striped.split != "val")
    with pytest.raises(InputError, match="no validation split"):
        train_network("convnet_small", without_val, QUICK)
    with pytest.raises(InputError, match=r"There is no network file 'own\.keras'"):
        train_network("own.keras", striped, QUICK)
    with pytest.raises(InputError, match="Nearest: 'resnet_small'"):
        train_network("resnet_smal", striped, QUICK)
    with pytest.raises(InputError, match="convnet_small cannot be built for images of 6×6"):
        train_network("convnet_small", striped, QUICK, size=6)
    with pytest.raises(InputError, match=r"Unknown option of convnet_bn 'rate'\. .*dropout, l2"):
        train_network("convnet_bn:rate=0.3", striped, QUICK)
    with pytest.raises(InputError, match="dropout=2 was given for convnet_bn; expected a rate from 0 to below 1"):
        train_network("convnet_bn:dropout=2", striped, QUICK)
    with pytest.raises(InputError, match="In epoch 1 the loss became infinite or NaN. Give a lower --learning-rate"):
        train_network("convnet_small", striped, replace(QUICK, optimizer="sgd", learning_rate=1e9))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"class_weight": "balance"}, "Unknown class weight 'balance'. Nearest: 'balanced'"),
        ({"optimizer": "adamm"}, "Unknown optimizer 'adamm'. Nearest: 'adam"),
        ({"schedule": "cos"}, "Expected one of: constant, cosine, plateau"),
        ({"epochs": 0}, "epochs=0 was given; expected a whole number of 1 or more"),
        ({"plateau_patience": 0}, "plateau_patience=0 was given; expected a whole number"),
        ({"momentum": 1.0}, "momentum=1.0 was given; expected a share"),
        ({"learning_rate": -1.0}, "learning_rate=-1.0 was given"),
        ({"label_smoothing": 1.0}, "label_smoothing=1.0 was given; expected a share"),
        ({"augment": ("rotat=5",)}, "Nearest: 'rotate'"),
    ],
)
def test_options_out_of_range_are_said(values, message):
    with pytest.raises(InputError, match=message):
        TrainingOptions(**values)


@pytest.mark.usefixtures("no_report")
def test_the_command_leaves_a_network_its_history_and_its_own_result(hybrid, tmp_path):
    images, labels = stripes()
    rows = np.arange(90)
    parts = {"train": rows % 5 > 1, "val": rows % 5 == 0, "test": rows % 5 == 1}
    codes = (labels == "upright").astype(np.uint8)
    arrays = {f"{name}_images": images[here] for name, here in parts.items()}
    np.savez("stripes.npz", **arrays, **{f"{name}_labels": codes[here] for name, here in parts.items()})

    record = hybrid.json("train", "resnet_small", "stripes.npz", "--epochs", "6", "--class-weight", "none")
    folder = tmp_path / "hybrid_runs/networks/stripes-resnet_small"
    history = json.loads((folder / "training.json").read_text())["history"]
    with Image.open(folder / "curves.png") as image:
        assert min(image.size) > 200
    assert record["model"] == "network-stripes-resnet_small"
    for model, loss in ((record, min(history["val_loss"])), (record["last"], history["val_loss"][-1])):
        assert model["splits"]["val"]["metrics"]["log_loss"]["value"] == pytest.approx(loss, abs=1e-5)
    assert {path.name for path in folder.parent.iterdir()} == {folder.name}

    found = hybrid.json("extract", "stripes.npz")
    assert found["set"] == "stripes-resnet_small"
    assert found["width"] == 128
    hybrid.json("fit", "svm")
    models = {row["model"] for row in hybrid.json("compare")["groups"][0]["models"]}
    network = "network-stripes-resnet_small"
    best_is_last = np.argmin(history["val_loss"]) == len(history["val_loss"]) - 1  # then it is shown once
    assert models == {network, "svm-stripes-resnet_small"} | (set() if best_is_last else {f"{network}-last"})
    Image.fromarray(images[0]).save("upright.png")
    row = hybrid.json("predict", "network-stripes-resnet_small", "upright.png")["predictions"][0]
    assert row["p_0"] + row["p_1"] == pytest.approx(1)
