"""The reference of a model: how typical images are of its training images, and how often familiar ones are flagged."""

import numpy as np
import pytest

from hybrid.errors import InputError
from hybrid.pipelines import make_reference
from hybrid.pipelines.ranks import groups_needed, rank_shares


def unit(X):
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def drawn(rng, n, width=12):
    return rng.normal(1, 0.5, size=(n, width)).astype(np.float32)


def test_the_distance_is_that_to_the_fifth_nearest_of_scikit_learn():
    from sklearn.neighbors import NearestNeighbors

    rng = np.random.default_rng(0)
    X, new = drawn(rng, 80), drawn(rng, 10)
    reference = make_reference(X)
    nearest = NearestNeighbors(n_neighbors=5, metric="cosine").fit(X)
    np.testing.assert_allclose(reference.distance(new), nearest.kneighbors(new)[0][:, -1], atol=2e-3)
    # The distances of the training images themselves leave each of them out.
    alone = np.sort(NearestNeighbors(n_neighbors=6, metric="cosine").fit(X).kneighbors(X)[0][:, -1])
    np.testing.assert_allclose(reference.distances, alone, atol=2e-3)
    rank = [(1 + (reference.distances >= one).sum()) / 81 for one in reference.distance(new)]
    np.testing.assert_allclose(reference.typicality(new), rank)


def test_held_out_distances_leave_out_the_group_and_copies():
    rng = np.random.default_rng(1)
    centres = np.repeat(drawn(rng, 40), 6, axis=0)
    X = centres + rng.normal(0, 1e-3, centres.shape).astype(np.float32)
    groups = np.repeat(np.arange(40), 6)
    near, far = make_reference(X), make_reference(X, groups)
    assert np.median(near.distances) < 1e-5 < 1e-2 < np.median(far.distances)
    assert (far.held_out_groups, len(far.distances)) == (40, 240)
    assert "240 held-out images of 40 groups" in far.describe()
    copies = make_reference(np.repeat(drawn(rng, 40), 6, axis=0))  # copies are one group without being said to be
    assert copies.held_out_groups == 40
    assert np.median(copies.distances) > 1e-2


@pytest.mark.parametrize("per_group", [1, 4])
def test_familiar_images_are_flagged_as_often_as_stated(per_group):
    """200 sets; each group has a centre of its own, so that its images are alike."""

    def draw(rng, groups):
        centres = np.repeat(drawn(rng, groups), per_group, axis=0)
        return centres + rng.normal(0, 0.1, centres.shape), np.repeat(np.arange(groups), per_group)

    shares = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        reference = make_reference(*draw(rng, 60))
        new = reference.typicality(draw(rng, 30)[0])
        shares.append([np.mean(new <= level + 1e-9) for level in (reference.level, 0.1, 0.5)])
    found, expected = np.mean(shares, axis=0), np.array([1 / 61, 6 / 61, 30 / 61])
    deviation = np.std(shares, axis=0) / 200**0.5
    assert (found < expected + 4 * deviation).all()
    assert (found > 0.8 * expected - 4 * deviation).all()  # not far too rarely either


def test_unlike_images_are_flagged_and_have_the_lowest_typicality():
    rng = np.random.default_rng(2)
    reference = make_reference(drawn(rng, 300))
    typicality = reference.typicality(np.vstack([drawn(rng, 50), -drawn(rng, 5)]))
    assert (typicality[50:] == 1 / 301).all()
    assert reference.is_unfamiliar(typicality[50:]).all()
    assert reference.is_unfamiliar(typicality[:50]).mean() < 0.1
    assert reference.level == 0.01
    assert make_reference(drawn(rng, 49)).level == 1 / 50


def test_several_extractors_have_the_same_weight_whatever_their_scale():
    rng = np.random.default_rng(3)
    a, b = drawn(rng, 60), drawn(rng, 60, 5)
    one = make_reference(np.hstack([a, b]), widths=[12, 5])
    other = make_reference(np.hstack([1000 * a, b]), widths=[12, 5])
    new = np.hstack([drawn(rng, 8), drawn(rng, 8, 5)])
    np.testing.assert_allclose(one.distance(new), other.distance(new * np.array([1000.0] * 12 + [1.0] * 5)), atol=1e-5)
    np.testing.assert_allclose(other.embeddings, np.hstack([1000 * a, b]), rtol=2e-3, atol=1e-2)


def test_it_stays_below_one_megabyte_and_below_a_second():
    rng = np.random.default_rng(4)
    reference = make_reference(rng.normal(1, 1, size=(3000, 1280)).astype(np.float32))
    kept = (reference.directions, reference.lengths, reference.groups, reference.distances, reference.sizes)
    assert 800_000 < sum(array.nbytes for array in kept) < 1_000_000
    assert len(reference.distances) == 3000


def test_other_images_give_the_distances_if_a_network_has_seen_the_training_images():
    rng = np.random.default_rng(5)
    X = drawn(rng, 50)
    reference = make_reference(X, held_out=(drawn(rng, 30) + 1, None))
    assert len(reference.distances) == 30


def test_what_cannot_be_a_reference_is_one_sentence():
    rng = np.random.default_rng(6)
    for X, given, message in (
        (drawn(rng, 12), {}, "There are 12 embeddings of 12 columns; a reference keeps at least 19"),
        (drawn(rng, 40), {"groups": np.arange(40) % 8}, "There are 8 groups of images to take distances of"),
        (rng.normal(size=(25, 40_000)), {}, "There are 25 embeddings of 40,000 columns"),
        (np.full((30, 4), np.nan), {}, "hold NaN"),
        (drawn(rng, 40), {"widths": [3, 3]}, r"widths=\[3, 3\] were given for embeddings of 12 columns"),
    ):
        with pytest.raises(InputError, match=message):
            make_reference(X, **given)
    with pytest.raises(InputError, match=r"expected embeddings of shape \(n, 12\)"):
        make_reference(drawn(rng, 40)).typicality(np.ones((2, 5)))


def test_ranks_with_groups_count_each_group_once():
    held_out, groups = np.array([1.0, 2.0, 3.0, 4.0]), np.array(["a", "a", "b", "c"])
    # At least 2: half of a, b and c; and the new value itself, of 3 + 1 groups.
    assert rank_shares(held_out, np.array([2.0, 9.0]), groups).tolist() == [3.5 / 4, 1 / 4]
    assert [groups_needed(coverage) for coverage in (0.5, 0.8, 0.9, 0.95, 0.99)] == [1, 4, 9, 19, 99]
    with pytest.raises(InputError, match="coverage 90 was given; expected a number between 0 and 1"):
        groups_needed(90)
