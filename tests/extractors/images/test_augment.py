"""Augmentation: each operation does what its row of the table says, and the same seed gives the same result."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hybrid.errors import InputError
from hybrid.extractors.images.augment import OPERATIONS, Augmentation

STRENGTHS = {name: operation.default or operation.max_strength / 3 for name, operation in OPERATIONS.items()}
EACH = [f"{name}={strength}" for name, strength in STRENGTHS.items()]
SEEDS = range(40)


def noise(*shape):
    return np.random.default_rng(5).integers(0, 256, shape, np.uint8)


def dot(row, column, side=41):
    image = np.zeros((side, side, 1), np.uint8)
    image[row - 1 : row + 2, column - 1 : column + 2] = 250
    return image


def centroid(image):
    """Return the row and column of an image's centre of mass, relative to the image's centre."""
    weights = image[..., 0] / image.sum()
    rows, columns = np.indices(weights.shape)
    centre = (np.array(weights.shape) - 1) / 2
    return np.array([(weights * rows).sum(), (weights * columns).sum()]) - centre


@pytest.mark.parametrize("shape", [(28, 28, 1), (20, 33, 3)])
@pytest.mark.parametrize("text", EACH)
def test_an_operation_keeps_shape_and_input_and_repeats_by_seed(text, shape):
    augmentation, image = Augmentation.parse([text]), noise(*shape)
    before = image.copy()
    results = [augmentation(image, seed) for seed in SEEDS]
    assert {(result.shape, result.dtype) for result in results} == {(shape, np.dtype(np.uint8))}
    np.testing.assert_array_equal(image, before)
    with ThreadPoolExecutor(4) as pool:
        for result, again in zip(results, pool.map(lambda seed: augmentation(image, seed), SEEDS), strict=True):
            np.testing.assert_array_equal(result, again)
    assert len({result.tobytes() for result in results}) > 1


@pytest.mark.parametrize("text", [text for text in EACH if not text.startswith("brightness")])
def test_a_plain_image_stays_plain_to_its_edges(text):
    image = np.full((25, 30, 3), 90, np.uint8)
    for seed in SEEDS:
        np.testing.assert_array_equal(Augmentation.parse([text])(image, seed), image)


def test_flips_are_exact_mirrors():
    image = noise(28, 31, 3)
    np.testing.assert_array_equal(Augmentation.parse(["flip=1"])(image, 0), image[:, ::-1])
    np.testing.assert_array_equal(Augmentation.parse(["vflip=1"])(image, 0), image[::-1])
    flipped = [not np.array_equal(Augmentation.parse(["flip"])(image, seed), image) for seed in range(200)]
    assert 60 < sum(flipped) < 140


def test_rotate_turns_about_the_centre_both_ways_within_its_degrees():
    moved = np.array([centroid(Augmentation.parse(["rotate=60"])(dot(5, 20), seed)) for seed in SEEDS])
    np.testing.assert_allclose(np.hypot(*moved.T), 15, atol=0.5)
    angles = np.degrees(np.arctan2(moved[:, 1], -moved[:, 0]))
    assert -60.5 < angles.min() < -30
    assert 30 < angles.max() < 60.5


def test_shift_and_shear_move_by_fractions_of_the_side():
    moved = np.array([centroid(Augmentation.parse(["shift=0.25"])(dot(20, 20), seed)) for seed in SEEDS])
    assert np.abs(moved).max() <= 0.25 * 41 + 0.1
    assert np.abs(moved).max(axis=0).min() > 0.12 * 41
    assert abs(np.corrcoef(moved.T)[0, 1]) < 0.5
    sheared = np.array([centroid(Augmentation.parse(["shear=0.4"])(dot(10, 20), seed)) for seed in SEEDS])
    np.testing.assert_allclose(sheared[:, 0], -10, atol=0.2)
    assert 3 < np.abs(sheared[:, 1]).max() <= 0.4 * 10 + 0.2


@pytest.mark.parametrize(
    ("text", "low", "high"), [("zoom=0.3", 1 / 1.3, 1 / 0.7), ("crop=0.3", 0.7, 1), ("pad=0.2", 1, 1.4)]
)
def test_sizes_change_within_the_range_of_the_strength(text, low, high):
    ramp = np.tile(np.arange(0, 202, 2, dtype=np.uint8)[:, None, None], (1, 101, 1))
    slopes = []
    for seed in SEEDS:
        steps = np.diff(Augmentation.parse([text])(ramp, seed)[40:61, 50, 0].astype(int))
        slopes.append(steps.mean() / 2)
    assert min(slopes) > low - 0.03
    assert max(slopes) < high + 0.03
    assert max(slopes) - min(slopes) > 0.5 * (high - low)


def test_brightness_and_contrast_scale_values():
    image = np.tile(np.array([50, 100, 150], np.uint8).repeat(8)[:, None, None], (1, 24, 1))
    bright = np.array([Augmentation.parse(["brightness=0.2"])(image, seed)[::8, 0, 0] for seed in SEEDS])
    factors = bright / [50, 100, 150]
    np.testing.assert_allclose(factors, factors[:, 1:2].repeat(3, axis=1), atol=0.02)
    assert 0.79 < factors.min() < 0.9 < 1.1 < factors.max() < 1.21
    hard = np.array([Augmentation.parse(["contrast=0.2"])(image, seed)[::8, 0, 0] for seed in SEEDS], float)
    np.testing.assert_array_equal(hard[:, 1], 100)
    np.testing.assert_array_equal(hard[:, 0] + hard[:, 2], 200)
    assert 39 < hard[:, 0].min() < 45
    assert 55 < hard[:, 0].max() < 61


def test_blur_smooths_and_keeps_the_mean_in_proportion_to_the_size():
    image = noise(56, 56, 1)
    spreads = [Augmentation.parse(["blur=8"])(image, seed).std() for seed in SEEDS]
    assert min(spreads) < 0.5 * image.std()
    assert Augmentation.parse(["blur=8"])(image, 1).mean() == pytest.approx(image.mean(), abs=2)
    small = [Augmentation.parse(["blur=8"])(image[:14, :14], seed).std() for seed in SEEDS]
    assert min(small) > 1.5 * min(spreads)


def test_cutout_is_a_square_of_the_mean_colour():
    image = noise(30, 40, 3)
    for seed in SEEDS:
        result = Augmentation.parse(["cutout=0.4"])(image, seed)
        changed = (result != image).any(axis=2)
        assert changed.sum() <= 12 * 12
        assert changed.any(axis=1).sum() <= 12
        np.testing.assert_allclose(result[changed], np.tile(image.mean(axis=(0, 1)), (changed.sum(), 1)), atol=1.5)


def test_operations_are_applied_in_order():
    image = noise(30, 30, 1) // 4 + dot(5, 8, side=30) // 2
    turned = Augmentation.parse(["rotate=40"])(image, 3)
    np.testing.assert_allclose(
        Augmentation.parse(["rotate=40", "flip=1"])(image, 3).astype(int), turned[:, ::-1].astype(int), atol=1
    )
    bright = Augmentation.parse(["brightness=0.5"])(image, 3)
    both = Augmentation.parse(["brightness=0.5", "flip=1"])(image, 3)
    np.testing.assert_array_equal(both, bright[:, ::-1])


def test_seeds_may_be_bytes():
    image, augmentation = noise(28, 28, 1), Augmentation.parse(EACH)
    np.testing.assert_array_equal(augmentation(image, b"\x01\x02"), augmentation(image, 258))


def test_fields_are_json_and_give_the_same_augmentation_back():
    augmentation = Augmentation.parse(["rotate=15, flip", "Shift=0.1"])
    assert augmentation.operations == (("rotate", 15.0), ("flip", 0.5), ("shift", 0.1))
    fields = json.loads(json.dumps(augmentation.fields()))
    assert Augmentation(fields["operations"]) == augmentation
    assert fields == Augmentation((("rotate", 15), ("flip", 0.5), ("shift", 0.1))).fields()
    assert "policy" in fields
    assert "rotate ±15°" in augmentation.describe()
    assert Augmentation.parse(["light,flip"]).operations[-1] == ("flip", 0.5)
    assert Augmentation.parse(["none"]).operations == ()
    image = noise(8, 8, 1)
    np.testing.assert_array_equal(Augmentation.parse([])(image, 0), image)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["rotat=15"], "Unknown augmentation 'rotat'.*Nearest: 'rotate'"),
        (["rotate"], "'rotate' was given; expected rotate=NUMBER, above 0 and at most 180"),
        (["shift=far"], "'shift=far' was given; expected shift=NUMBER"),
        (["zoom=0"], "zoom=0 was given; expected a strength above 0 and at most 0.9"),
        (["crop=1"], "crop=1 was given"),
        (["rotate=nan"], "rotate=nan was given"),
        (["flip", "flip"], "flip is given twice"),
    ],
)
def test_an_invalid_augmentation_is_refused(texts, message):
    with pytest.raises(InputError, match=message):
        Augmentation.parse(texts)
