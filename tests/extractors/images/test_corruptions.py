"""Corruptions: the documented changes of pixels, the same each time, with keys of their own."""

import io

import numpy as np
import pytest
from made_pictures import picture
from PIL import Image
from scipy.ndimage import gaussian_filter

from hybrid.errors import InputError
from hybrid.extractors.images.corruptions import KINDS, CorruptedSource, Corruption, all_corruptions
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import ImageSource

PIXELS = np.asarray(picture(1))
KEY = b"k" * 32


@pytest.mark.parametrize("sd", KINDS["blur"].strengths)
def test_blur_is_gaussian(sd):
    expected = gaussian_filter(PIXELS.astype(float), (sd, sd, 0), mode="nearest")
    error = np.abs(Corruption("blur", sd)(PIXELS, KEY) - expected)
    assert error.mean() < 1
    assert error[8:-8, 8:-8].max() < 4


def test_noise_has_the_stated_spread_and_grey_stays_grey():
    flat = np.full((200, 200, 3), 128, np.uint8)
    noisy = Corruption("noise", 16)(flat, KEY)
    assert noisy.std() == pytest.approx(16, rel=0.02)
    assert (noisy == noisy[..., :1]).all()
    coloured = flat + np.array([0, 10, 20], np.uint8)
    channels = (Corruption("noise", 16)(coloured, KEY).astype(float) - coloured).reshape(-1, 3)
    assert channels.std(0) == pytest.approx([16, 16, 16], rel=0.03)
    assert abs(np.corrcoef(channels.T)[0, 1]) < 0.02


@pytest.mark.parametrize("share", KINDS["contrast"].strengths)
def test_contrast_is_reduced_about_the_mean(share):
    reduced = Corruption("contrast", share)(PIXELS, KEY)
    assert reduced.mean() == pytest.approx(PIXELS.mean(), abs=0.5)
    assert reduced.std() == pytest.approx(share * PIXELS.std(), rel=0.02)


def test_jpeg_is_that_of_pillow_and_loses_more_at_lower_quality():
    errors = []
    for quality in KINDS["jpeg"].strengths:
        stored = Corruption("jpeg", quality)(PIXELS, KEY)
        file = io.BytesIO()
        Image.fromarray(PIXELS).save(file, "JPEG", quality=quality)
        np.testing.assert_array_equal(stored, np.asarray(Image.open(file)))
        errors.append(np.abs(stored.astype(float) - PIXELS).mean())
    assert errors == sorted(errors)


def test_rotation_turns_to_both_sides_and_repeats_the_edge():
    quarter = Corruption("rotation", 90)
    turned = [quarter(PIXELS, bytes([number]) * 32) for number in range(8)]
    sides = [np.rot90(PIXELS, k) for k in (1, 3)]
    found = [[np.abs(one.astype(int) - side).max() <= 1 for side in sides] for one in turned]
    assert all(sum(one) == 1 for one in found)
    assert {tuple(one) for one in found} == {(True, False), (False, True)}
    white = np.full((50, 50, 3), 255, np.uint8)
    assert (Corruption("rotation", 20)(white, KEY) == 255).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_every_corruption_is_repeatable_and_keeps_the_shape(channels):
    pixels = np.ascontiguousarray(PIXELS[..., :channels])
    before = pixels.copy()
    for corruption in all_corruptions():
        changed = corruption(pixels, KEY)
        assert changed.shape == pixels.shape
        assert changed.dtype == np.uint8
        assert not np.array_equal(changed, pixels)
        np.testing.assert_array_equal(changed, corruption(pixels, KEY))
    np.testing.assert_array_equal(pixels, before)


def test_keys_tell_images_corruptions_and_seeds_apart():
    images = np.stack([PIXELS, PIXELS[::-1]])
    corruptions = [*all_corruptions(), *all_corruptions(seed=1)]
    keys = [CorruptedSource(images, one).digests(FileDigests())[0] for one in corruptions]
    clean = ImageSource(images).digests(FileDigests())[0]
    assert len(np.unique(np.concatenate([clean, *keys]), axis=0)) == 2 + 2 * 2 * 25
    source = CorruptedSource(images, corruptions[7])
    key, pixels = source.decode(1, (96, 96), 3, "bilinear")
    assert key == keys[7][1].tobytes()
    np.testing.assert_array_equal(pixels, corruptions[7](images[1], key))


def test_files_that_cannot_be_read_are_named(tmp_path):
    keys, bad = CorruptedSource([str(tmp_path / "gone.png")], Corruption("blur", 1)).digests(FileDigests())
    assert not keys.any()
    assert "gone.png" in bad[0]


def test_wrong_corruptions():
    with pytest.raises(InputError, match="Unknown corruption 'blurr'. Nearest"):
        Corruption("blurr", 1)
    with pytest.raises(InputError, match="expected a strength above 0"):
        Corruption("blur", 0)
