"""`FeatureExtractor` as a scikit-learn transformer, and work that it must not repeat."""

import os
import pickle
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from hybrid import pipelines
from hybrid.errors import InputError
from hybrid.extractors import BadImageError, FeatureExtractor
from hybrid.extractors.shared_graphs import graphs
from hybrid.extractors.store.store import DamagedShardWarning


@pytest.fixture
def extractor(tiny_network):
    return FeatureExtractor(tiny_network)


# --- input


def test_paths_and_pixels_in_every_form_give_the_same_rows(extractor, pixels, image_files):
    expected = extractor.transform(pixels)
    assert expected.shape == (12, 5)
    assert expected.dtype == np.float32
    texts = [str(path) for path in image_files]
    table = pd.DataFrame({"path": texts})
    forms = [image_files, texts, np.array(texts), np.array(image_files, dtype=object), list(pixels)]
    forms += [table["path"], table, np.array(texts)[:, None], pd.DataFrame({"path": image_files})]
    for X in forms:
        np.testing.assert_array_equal(extractor.transform(X), expected)


def test_grey_images_into_an_rgb_network(extractor, pixels):
    grey = pixels[..., 0]
    rgb = np.repeat(grey[..., None], 3, axis=3)
    expected = extractor.transform(rgb)
    np.testing.assert_array_equal(extractor.transform(grey), expected)
    np.testing.assert_array_equal(extractor.transform(grey[..., None]), expected)


@pytest.mark.network
def test_rgb_images_into_a_grey_network(tmp_path, pixels):
    import keras

    inputs = keras.Input((16, 16, 1))
    x = keras.layers.Rescaling(1.0)(inputs)
    keras.Model(inputs, keras.layers.Flatten()(x)).save(tmp_path / "grey.keras")
    found = FeatureExtractor(tmp_path / "grey.keras").transform(pixels).reshape(pixels.shape[:3])
    luma = [np.asarray(Image.fromarray(image).convert("L")) for image in pixels]
    np.testing.assert_array_equal(found, luma)


@pytest.mark.parametrize(
    ("X", "reason"),
    [
        ("image.png", "One path 'image.png' was given"),
        (np.zeros((2, 16, 16, 3)), "dtype float64 .*expected paths .* uint8"),
        (np.zeros((2, 16, 16, 4), np.uint8), r"shape \(2, 16, 16, 4\)"),
        (np.zeros((16, 16, 3), np.uint8), r"a single RGB image"),
        (np.zeros((2, 2), np.uint8), "expected paths"),
        ([1, 2], "expected paths"),
        ([np.zeros((2, 2), np.uint8), np.zeros((3, 3), np.uint8)], "different shapes"),
        ([["a.png", "b.png"]], "expected paths"),
    ],
)
def test_input_other_than_images_is_refused(extractor, X, reason):
    for call in (extractor.fit, extractor.transform, extractor.extract):
        with pytest.raises(InputError, match=reason):
            call(X)


def test_no_images_give_no_rows(extractor):
    assert extractor.transform([]).shape == (0, 5)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"pooling": "mean"}, "Unknown pooling 'mean'"),
        ({"preprocessing": "keras"}, "Unknown preprocessing 'keras'"),
        ({"interpolation": "cubic"}, "Unknown interpolation 'cubic'.*'bicubic'"),
        ({"layers": []}, "expected one or more names of layers"),
        ({"layers": ["conv_a", 3]}, "expected one or more names of layers"),
        ({"layers": "conv_c"}, "Unknown layer 'conv_c'.*'conv_a'|'conv_b'"),
        ({"layers": ["conv_a", "pool"], "pooling": "none"}, "cannot be concatenated with pooling='none'"),
        ({"size": (1, 2, 3)}, "size=.*expected a number of pixels"),
        ({"random_state": -1}, "random_state=-1"),
        ({"batch_size": -1}, "batch_size=-1"),
        ({"backbone": "resnet51"}, "Unknown backbone 'resnet51'.*'resnet50'"),
    ],
)
def test_bad_parameters_are_refused_at_use_not_at_construction(tiny_network, pixels, params, reason):
    extractor = FeatureExtractor(**{"backbone": tiny_network} | params)
    with pytest.raises(InputError, match=reason):
        extractor.transform(pixels)


def test_a_bad_image_is_named(extractor, image_files):
    image_files[3].write_bytes(image_files[3].read_bytes()[:40])
    with pytest.raises(BadImageError, match=r"3\.png"):
        extractor.transform(image_files)


def test_a_network_that_overflows_is_refused_and_the_image_named(tmp_path, image_files, tiny_network):
    import keras

    network = keras.saving.load_model(tiny_network)
    layer = network.get_layer("hidden")
    layer.set_weights([np.full_like(value, 3e38) for value in layer.get_weights()])
    network.save(tmp_path / "huge.keras")
    with pytest.raises(InputError, match=r"0\.png.*NaN or infinity"):
        FeatureExtractor(tmp_path / "huge.keras").transform(image_files)


def test_a_network_with_nan_among_its_weights_is_refused(tmp_path, pixels, tiny_network):
    import keras

    network = keras.saving.load_model(tiny_network)
    layer = network.get_layer("hidden")  # the ReLU behind it turns NaN into 0 on some machines
    layer.set_weights([np.full_like(value, np.nan) for value in layer.get_weights()])
    network.save(tmp_path / "nan.keras")
    with pytest.raises(InputError, match="hidden/kernel' .*NaN or infinity"):
        FeatureExtractor(tmp_path / "nan.keras").transform(pixels)


# --- scikit-learn


def test_clone_and_parameters(extractor):
    copy = clone(extractor.set_params(layers=["conv_a", "pool"], pooling="max"))
    assert copy is not extractor
    assert copy.get_params() == extractor.get_params()
    assert copy.get_params()["layers"] == ["conv_a", "pool"]


def test_set_params_takes_effect_at_once(extractor, pixels, tiny_network):
    assert extractor.transform(pixels).shape == (12, 5)
    inner = extractor.set_params(layers="conv_a").transform(pixels)
    np.testing.assert_array_equal(inner, FeatureExtractor(tiny_network, "conv_a").transform(pixels))
    assert inner.shape == (12, 4)
    assert extractor.set_params(pooling="both").transform(pixels).shape == (12, 8)


def test_a_pickle_holds_no_network(extractor, pixels):
    rows = extractor.fit_transform(pixels)
    data = pickle.dumps(extractor)
    assert len(data) < 2000
    np.testing.assert_array_equal(pickle.loads(data).transform(pixels), rows)


def test_several_layers_come_in_the_order_asked(tiny_network, pixels):
    parts = {name: FeatureExtractor(tiny_network, name).transform(pixels) for name in ("pool", "conv_a", "base/conv_b")}
    for names in (["pool", "conv_a", "base/conv_b"], ["conv_a", "base/conv_b", "pool"]):
        found = FeatureExtractor(tiny_network, names).transform(pixels)
        np.testing.assert_allclose(found, np.hstack([parts[name] for name in names]), rtol=1e-5, atol=1e-6)


def test_feature_names(extractor, pixels):
    names = extractor.get_feature_names_out()
    assert names.tolist() == [f"featureextractor{number}" for number in range(5)]
    frame = clone(extractor).set_output(transform="pandas").transform(pixels)
    assert frame.columns.tolist() == names.tolist()


@pytest.mark.parametrize("column", ["path", ["path"]], ids=["Series", "DataFrame"])
def test_one_column_of_a_table_beside_others(extractor, image_files, column):
    table = pd.DataFrame({"path": image_files, "age": np.arange(12.0)}, index=np.arange(100, 112))
    both = ColumnTransformer([("images", extractor, column), ("age", "passthrough", ["age"])])
    rows = both.fit_transform(table)
    np.testing.assert_array_equal(rows[:, :5], extractor.transform(image_files))
    np.testing.assert_array_equal(rows[:, 5], table["age"])
    names = [*(f"images__featureextractor{number}" for number in range(5)), "age__age"]
    assert both.get_feature_names_out().tolist() == names
    frame = clone(both).set_output(transform="pandas").fit_transform(table)
    assert frame.columns.tolist() == names
    assert frame.index.tolist() == table.index.tolist()
    np.testing.assert_array_equal(frame, rows)


def test_the_former_name_of_random_state_is_accepted_with_a_warning():
    with pytest.warns(FutureWarning, match="'seed' of Extractor is called 'random_state' now"):
        extractor = FeatureExtractor("convnet_small", seed=3)
    assert extractor.get_params()["random_state"] == 3
    assert "seed" not in extractor.get_params()
    with pytest.warns(FutureWarning, match="'seed'"):
        extractor.set_params(seed=4)
    with pytest.warns(FutureWarning, match="'seed'"):
        assert extractor.seed == 4 == clone(extractor).random_state


def test_pooling_none_keeps_the_shape_of_the_feature_map(tiny_network, pixels):
    assert FeatureExtractor(tiny_network, "conv_a", pooling="none").transform(pixels).shape == (12, 14, 14, 4)


def test_in_a_pipeline_each_image_goes_through_the_network_once(extractor, pixels, image_files, computed):
    y = np.arange(12) % 2
    pipeline = make_pipeline(extractor, LogisticRegression())
    assert cross_val_score(pipeline, image_files, y, cv=3, error_score="raise").shape == (3,)
    assert sum(computed) == 12
    grid = {"featureextractor__layers": ["conv_a", "penultimate"], "logisticregression__C": [0.1, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(image_files, y)
    assert len(search.cv_results_["params"]) == 4
    assert sum(computed) == 24
    assert search.predict(pixels[:2]).shape == (2,)  # arrays of pixels are other images than their files


# --- what is not done twice


def test_identical_images_are_computed_once(extractor, image_files, computed, tmp_path):
    copies = [shutil.copy(path, tmp_path / f"copy{path.name}") for path in image_files[:4]]
    done = extractor.extract([*image_files, *copies, *image_files[:2]])
    assert sum(computed) == 12
    assert (done.new, done.cached) == (12, 6)
    rows = extractor.transform([*image_files[:4], *copies])
    np.testing.assert_array_equal(rows[:4], rows[4:])


def test_names_order_and_times_of_files_do_not_matter(extractor, image_files, computed, tmp_path):
    rows = extractor.transform(image_files)
    os.utime(image_files[0], (1, 1))
    image_files[1] = image_files[1].rename(tmp_path / "renamed")
    np.testing.assert_array_equal(extractor.transform(image_files[::-1]), rows[::-1])
    assert sum(computed) == 12


def test_a_changed_file_is_seen(extractor, image_files, computed):
    rows = extractor.transform(image_files)
    stat = image_files[0].stat()
    shutil.copyfile(image_files[1], image_files[0])
    os.utime(image_files[0], ns=(stat.st_atime_ns, stat.st_mtime_ns))
    changed = extractor.transform(image_files)
    np.testing.assert_array_equal(changed[0], rows[1])
    assert sum(computed) == 12


def test_an_interrupted_extraction_continues_with_identical_bits(tiny_network, pixels, tmp_path, computed):
    whole = FeatureExtractor(tiny_network, cache=tmp_path / "whole", batch_size=4).transform(pixels)
    parts = FeatureExtractor(tiny_network, cache=tmp_path / "parts", batch_size=4)

    class Stop(Exception):
        pass

    def stop(done, todo):
        if done >= 8:
            raise Stop

    with pytest.raises(Stop):
        parts.extract(pixels[::-1], progress=stop)
    computed.clear()
    np.testing.assert_array_equal(parts.transform(pixels), whole)
    assert sum(computed) == 4


SECOND = """
import sys
from hybrid.extractors import FeatureExtractor
done = FeatureExtractor(sys.argv[1], ["conv_a", "pool"]).extract(sys.argv[2:])
heavy = {name for name in ("keras", "tensorflow", "jax", "torch", "h5py", "matplotlib") if name in sys.modules}
print(done.new, done.cached, sorted(heavy))
"""


@pytest.fixture
def losing(cache, monkeypatch):
    """Damage the store's only shard after each of the first extractions, before its rows are read."""

    def start(harm, often):
        extract, harmed = FeatureExtractor._extract, []

        def extract_and_lose(*args, **kwargs):
            done = extract(*args, **kwargs)
            if len(harmed) < often:
                (rows,) = {path.with_suffix(".npy") for path in cache.glob("embeddings/*/*.keys")} - set(harmed)
                data = rows.read_bytes()
                rows.unlink()
                if harm != "lose":
                    rows.write_bytes(data[:-1] + bytes([data[-1] ^ 1]) if harm == "flip" else data[:-8])
                harmed.append(rows)
            return done

        monkeypatch.setattr(FeatureExtractor, "_extract", extract_and_lose)

    return start


@pytest.mark.parametrize("harm", ["flip", "cut", "lose"])
def test_rows_lost_before_they_are_read_are_computed_again(extractor, image_files, computed, losing, harm):
    expected = extractor.transform(image_files)
    losing(harm, often=1)
    with pytest.warns(DamagedShardWarning):
        rows = extractor.transform(image_files)
    np.testing.assert_array_equal(rows, expected)
    assert sum(computed) == 24


@pytest.mark.filterwarnings("ignore::hybrid.extractors.store.store.DamagedShardWarning")
def test_rows_lost_repeatedly_give_an_error_of_one_sentence(extractor, image_files, losing):
    losing("flip", often=2)
    with pytest.raises(InputError, match=r"12 of 12 embeddings are no longer .* run `hybrid extract` again"):
        extractor.transform(image_files)


def test_a_second_run_in_a_new_process_imports_no_keras(tiny_network, image_files, python):
    FeatureExtractor(tiny_network, ["conv_a", "pool"]).transform(image_files)
    assert python(SECOND, tiny_network, *image_files).strip() == "0 12 []"


def test_few_networks_are_held_in_memory(tiny_network, pixels):
    for layer in ("conv_a", "conv_b", "pool", "hidden"):
        FeatureExtractor(tiny_network, layer).transform(pixels)
    assert len(graphs) <= 2


def test_a_keras_model_object_gets_a_sentence_and_can_be_displayed(pixels):
    keras = pytest.importorskip("keras")
    network = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    extractor = FeatureExtractor(network)
    for use in (extractor.fit, extractor.transform):
        with pytest.raises(InputError, match=r"is a Keras model object; save it with model\.save\('network\.keras'\)"):
            use(pixels)
    with pytest.raises(InputError, match="The extractor is a Keras model object"):
        pipelines.make_pipeline(network, "svm")
    with pytest.raises(InputError, match="The backbone is an object of type int"):
        FeatureExtractor(5).fit(pixels)
    assert "Sequential" in repr(extractor)
    assert "FeatureExtractor" in extractor._repr_html_()
    assert "FeatureExtractor" in FeatureExtractor("not_there.keras")._repr_html_()
