"""Several layers in one pass through the network: the embeddings of each are stored as if extracted separately."""

import numpy as np
import pytest
from tiers import slow

from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.extractors.extraction import extract
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import ImageSource
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.store import EmbeddingStore

LAYERS = ["conv_a", "base/conv_b", "hidden"]


def extractor(network, cache, layers=LAYERS, **options):
    return FeatureExtractor(network, layers, cache=cache, batch_size=4, **options)


@pytest.mark.parametrize("runtime", ["openvino", "keras"])
@pytest.mark.parametrize("pooling", ["avg", slow("both"), slow("flatten"), "none"])
def test_one_pass_gives_the_same_as_extracting_each_layer_separately(
    tiny_network, image_files, computed, tmp_path, pooling, runtime
):
    alone = [
        extractor(tiny_network, tmp_path / "alone", layer, pooling=pooling, runtime=runtime).transform(image_files)
        for layer in LAYERS
    ]
    computed.clear()
    together = extractor(tiny_network, tmp_path / "each", pooling=pooling, runtime=runtime)
    done = together.extract_each(image_files)
    assert sum(computed) == len(image_files)
    assert [(one.new, one.cached, one.runtime) for one in done] == [(12, 0, runtime)] * 3
    for layer, expected in zip(LAYERS, alone, strict=True):
        found = extractor(tiny_network, tmp_path / "each", layer, pooling=pooling, runtime=runtime)
        rows = found.transform(image_files)
        assert rows.shape == expected.shape
        np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    assert sum(computed) == len(image_files), "a layer alone must find its rows"


def test_an_image_goes_only_to_the_last_layer_that_lacks_it(tiny_network, pixels, computed, cache):
    extractor(tiny_network, cache, "conv_a").extract(pixels[:8])
    extractor(tiny_network, cache, "hidden").extract(pixels[4:8])
    computed.clear()
    done = extractor(tiny_network, cache).extract_each(pixels)
    # 0-3 lack two layers, 4-7 one, 8-11 all three
    assert [(one.new, one.cached) for one in done] == [(4, 8), (12, 0), (8, 4)]
    assert sum(computed) == 12
    for one, layer in zip(done, LAYERS, strict=True):
        alone = extractor(tiny_network, cache.with_name("other"), layer).transform(pixels)
        store = EmbeddingStore(cache, extractor(tiny_network, cache, layer).resolve())
        np.testing.assert_allclose(store.gather(one.keys), alone, rtol=0, atol=1e-4 * np.abs(alone).max())


def test_stored_embeddings_are_not_computed_again(tiny_network, pixels, computed, cache):
    extractor(tiny_network, cache).extract_each(pixels)
    computed.clear()
    done = extractor(tiny_network, cache, LAYERS[::-1]).extract_each(pixels)
    assert [(one.new, one.cached, one.runtime) for one in done] == [(0, 12, None)] * 3
    assert not computed


SECOND = """
import sys
from hybrid.extractors import Extractor
done = Extractor(sys.argv[1], ["conv_a", "hidden"], batch_size=4).extract_each(sys.argv[2:])
print([one.new for one in done], "keras" in sys.modules)
"""


def test_the_graph_of_the_layers_is_kept(tiny_network, image_files, python):
    FeatureExtractor(tiny_network, ["conv_a", "hidden"]).extract_each(image_files[:4])
    assert python(SECOND, tiny_network, *image_files).strip() == "[8, 8] False"


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        (["conv_a", "hidden", "conv_a"], "'conv_a' and 'conv_a' are the same layer"),
        (["penultimate", "conv_a", "hidden"], "'penultimate' and 'hidden' are the same layer"),
        (["conv_a", "conv_c"], "Unknown layer 'conv_c'"),
    ],
)
def test_layers_that_are_unknown_or_named_twice_are_refused(tiny_network, pixels, cache, layers, reason):
    with pytest.raises(InputError, match=reason):
        extractor(tiny_network, cache, layers).extract_each(pixels)
    assert not (cache / "embeddings").exists()


# --- the extraction itself, with stand-ins for network and identities


class Corners:
    """A runtime that returns the first pixels of an image: a given number of values for each store."""

    name, batch_size = "corners", 4

    def __init__(self, widths, log):
        self.widths, self.log = widths, log

    def stream(self, batches):
        for pixels in batches:
            self.log.append((self.widths, len(pixels)))
            values = pixels.reshape(len(pixels), -1).astype(np.float32)
            yield np.hstack([values[:, :width] + width for width in self.widths])


def two_stores(cache):
    fields = {"size": [16, 16], "channels": 3, "interpolation": "bilinear"}
    return [EmbeddingStore(cache, Identity(fields | {"layers": [str(width)]}, (width,))) for width in (2, 3)]


def run(X, cache, log, **options):
    stores = two_stores(cache)
    runtime = lambda wanted: Corners([(2, 3)[number] for number in wanted], log)  # noqa: E731
    return extract(ImageSource(X), stores, FileDigests(), runtime, **options), stores


def rows_of(pixels, width):
    return pixels.reshape(len(pixels), -1)[:, :width].astype(np.float32) + width


def test_images_that_cannot_be_decoded_are_left_out_of_every_layer(image_files, pixels, cache):
    image_files[1].write_text("no image")
    image_files[6].unlink()
    done, stores = run(image_files, cache, [], on_bad="skip")
    kept = [0, 2, 3, 4, 5, 7, 8, 9, 10, 11]
    for one, store, width in zip(done, stores, (2, 3), strict=True):
        assert sorted(one.skipped) == [1, 6]
        assert (one.new, one.cached) == (10, 0)
        np.testing.assert_array_equal(store.gather(one.keys[kept]), rows_of(pixels[kept], width))


def test_only_the_last_batch_may_be_smaller_even_if_images_cannot_be_decoded(image_files, cache):
    for number in (0, 1, 5):
        image_files[number].write_text("no image")
    log = []
    run(image_files, cache, log, on_bad="skip")
    assert [length for _, length in log] == [4, 4, 1]


def test_a_stop_between_two_layers_loses_only_the_shard_of_that_layer(pixels, cache, monkeypatch):
    write = EmbeddingStore.write

    def fail(store, keys, rows):
        if store.identity.width == 3:
            raise RuntimeError("the power failed")
        return write(store, keys, rows)

    with monkeypatch.context() as patch:
        patch.setattr(EmbeddingStore, "write", fail)
        with pytest.raises(RuntimeError, match="the power failed"):
            run(pixels, cache, [])
    log = []
    done, stores = run(pixels, cache, log)
    assert {tuple(widths) for widths, _ in log} == {(3,)}
    assert [(one.new, one.cached) for one in done] == [(0, 12), (12, 0)]
    for one, store, width in zip(done, stores, (2, 3), strict=True):
        np.testing.assert_array_equal(store.gather(one.keys), rows_of(pixels, width))


def test_shards_are_counted_over_all_layers(pixels, cache, monkeypatch):
    from hybrid.extractors import extraction

    lengths = []
    write = EmbeddingStore.write
    monkeypatch.setattr(EmbeddingStore, "write", lambda s, k, r: (lengths.append(len(r)), write(s, k, r))[1])
    monkeypatch.setattr(extraction, "_SHARD_VALUES", 4 * (2 + 3))
    run(pixels, cache, [])
    assert lengths == [4, 4] * 3


def test_progress_counts_an_image_once(pixels, cache):
    seen = []
    extract(ImageSource(pixels[:6]), two_stores(cache)[:1], FileDigests(), lambda wanted: Corners([2], []))
    run(pixels, cache, [], progress=lambda done, total: seen.append((done, total)))
    assert [total for _, total in seen] == [12] * len(seen)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (12, 12)
