"""Views: seeded random changes of an image, stored under their own keys. No Keras here."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from made_store import IDENTITY, Means

from hybrid.errors import InputError
from hybrid.extractors import BadImageError
from hybrid.extractors.extraction import extract
from hybrid.extractors.images.augment import Augmentation
from hybrid.extractors.images.decoding import decode, pixels_digest
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import ImageSource
from hybrid.extractors.images.views import MILD, Views, ViewSource
from hybrid.extractors.store.store import EmbeddingStore

TURN = Augmentation.parse(["rotate=90", "brightness=0.5"])
HOW = (IDENTITY.size, IDENTITY.fields["channels"], IDENTITY.fields["interpolation"])


@pytest.fixture
def made_images():
    return np.random.default_rng(5).integers(0, 256, (6, 8, 8, 3), np.uint8)


@pytest.fixture
def chosen():
    return np.array([True, False, True, True, False, True])


def run(source, cache, runtime=None, **options):
    store = EmbeddingStore(cache, IDENTITY)
    runtime = runtime or Means()
    [done] = extract(source, [store], FileDigests(), lambda wanted: runtime, **options)
    return done, store


def digests(images):
    return np.array([np.frombuffer(pixels_digest(image), np.uint8) for image in images])


# --- keys


def test_a_key_depends_on_image_augmentation_policy_seed_and_number(made_images):
    found = Views(2, TURN, seed=3).keys(digests(made_images))
    assert found.shape == (6, 2, 32)
    fields = {"augmentation": TURN.fields(), "seed": 3, "view": 2}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    assert found[4, 1].tobytes() == hashlib.sha256(pixels_digest(made_images[4]) + text.encode()).digest()
    assert "policy" in TURN.fields()


def test_keys_differ_whenever_anything_does_but_not_with_the_number_of_views(made_images):
    keys = Views(3, TURN).keys(digests(made_images))
    others = [Views(3, TURN, seed=1), Views(3, MILD), Views(3, Augmentation.parse(["brightness=0.5", "rotate=90"]))]
    rows = np.concatenate([keys, *(views.keys(digests(made_images)) for views in others)]).reshape(-1, 32)
    assert len(np.unique(np.concatenate([rows, digests(made_images)]), axis=0)) == 4 * 6 * 3 + 6
    np.testing.assert_array_equal(Views(2, TURN).keys(digests(made_images)), keys[:, :2])


def test_views_can_be_restored_from_their_fields(made_images):
    views = Views(4, TURN, seed=9)
    fields = json.loads(json.dumps(views.fields()))
    assert Views.from_fields(fields) == views
    np.testing.assert_array_equal(
        Views.from_fields(fields).keys(digests(made_images)), views.keys(digests(made_images))
    )
    fields["augmentation"]["policy"] += 1
    with pytest.raises(InputError, match=r"another version of the augmentation policy.*Extract them again"):
        Views.from_fields(fields)


def test_bad_views_are_refused():
    with pytest.raises(InputError, match="views=0 was given; expected 1 or more"):
        Views(0)
    with pytest.raises(InputError, match="no operation"):
        Views(1, Augmentation(()))


# --- the source


def test_an_image_then_its_views(made_images, chosen, cache):
    views = Views(2, TURN)
    source = ViewSource(made_images, views, chosen)
    keys, bad = source.digests(FileDigests())
    assert (len(source), len(keys), bad) == (6 + 4 * 2, 14, {})
    assert source.image_of(np.arange(14)).tolist() == [0, 0, 0, 1, 2, 2, 2, 3, 3, 3, 4, 5, 5, 5]
    for number in range(14):
        image = source.image_of(np.array([number]))[0]
        key, pixels = source.decode(number, *HOW)
        assert key == keys[number].tobytes()
        own = decode(made_images[image], *HOW)
        first = number == 0 or source.image_of(np.array([number - 1]))[0] != image
        expected = own if first else TURN(own, key)
        np.testing.assert_array_equal(pixels, expected)
        assert first or not np.array_equal(pixels, own)


def test_views_get_the_embeddings_of_changed_pixels_and_images_keep_theirs(made_images, chosen, cache):
    views = Views(3, TURN)
    done, store = run(source := ViewSource(made_images, views, chosen), cache)
    keys, view_keys, skipped = source.by_image(done)
    plain, other = run(ImageSource(made_images), cache.with_name("plain"))
    np.testing.assert_array_equal(keys, plain.keys)
    np.testing.assert_array_equal(store.gather(keys), other.gather(keys))
    assert view_keys.shape == (6, 3, 32)
    assert not view_keys[~chosen].any()
    assert not skipped
    np.testing.assert_array_equal(view_keys[chosen], views.keys(keys[chosen]))
    changed = np.stack([TURN(decode(made_images[2], *HOW), key.tobytes()) for key in view_keys[2]])
    np.testing.assert_array_equal(store.gather(view_keys[2]), Means()(changed))


def test_each_image_is_decoded_once_for_all_its_views(made_images, cache, image_files, monkeypatch):
    decoded = []
    decode = ImageSource.decode
    monkeypatch.setattr(
        ImageSource, "decode", lambda self, number, *how: decoded.append(number) or decode(self, number, *how)
    )
    run(ViewSource(image_files, Views(5), np.ones(12, bool)), cache)
    assert sorted(decoded) == list(range(12))


def test_nothing_is_computed_twice(made_images, chosen, cache):
    runtime = Means()
    run(ImageSource(made_images), cache, runtime)
    for views, new in ((Views(2, TURN), 8), (Views(2, TURN), 0), (Views(3, TURN), 4), (Views(3, TURN, seed=1), 12)):
        runtime.images = 0
        done, _ = run(ViewSource(made_images, views, chosen), cache, runtime)
        assert (done.new, runtime.images) == (new, new)
    done, _ = run(ViewSource(made_images[::-1], Views(3, TURN), chosen[::-1]), cache, runtime)
    assert done.new == 0


def test_a_bad_image_is_left_out_with_its_views_and_counted_once(image_files, cache):
    image_files[3].write_text("no image")
    image_files[8].unlink()
    source = ViewSource(image_files, Views(2), np.ones(12, bool))
    with pytest.raises(BadImageError) as error:
        run(source, cache)
    assert "8.png" in str(error.value)
    assert "such images so far" not in str(error.value)
    done, store = run(source, cache, on_bad="skip")
    keys, view_keys, skipped = source.by_image(done)
    assert sorted(skipped) == [3, 8]
    assert "3.png" in skipped[3]
    assert not keys[[3, 8]].any()
    assert not view_keys[[3, 8]].any()
    kept = [number for number in range(12) if number not in skipped]
    assert store.contains(np.concatenate([keys[kept], view_keys[kept].reshape(-1, 32)])).all()


def test_an_image_that_changes_between_its_views_is_left_out(image_files, cache):
    run(ViewSource(image_files[:1], Views(1), np.array([True])), cache)
    source = ViewSource(image_files, Views(2), np.ones(12, bool))

    class Changes(FileDigests):
        """Return the digests that the files had before one of them changed."""

        def __call__(self, paths):
            found = super().__call__(paths)
            shutil.copy(image_files[1], image_files[0])
            return found

    store = EmbeddingStore(cache, IDENTITY)
    [done] = extract(source, [store], Changes(), lambda wanted: Means(), on_bad="skip")
    _, _, skipped = source.by_image(done)
    assert list(skipped) == [0]
    assert "changed during the extraction" in skipped[0]
