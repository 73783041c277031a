import numpy as np
import pytest

from hybrid.datasets.parts.split import FRACTIONS, SPLITS, complete_split, make_split
from hybrid.errors import InputError


def table(y, split):
    """Images per class (rows) and split (columns)."""
    return np.array([[np.sum((y == c) & (split == s)) for s in SPLITS] for c in np.unique(y)])


@pytest.mark.parametrize("fractions", [FRACTIONS, (0.5, 0.25, 0.25), (0.8, 0.0, 0.2), (0.1, 0.3, 0.6)])
@pytest.mark.parametrize(("n", "classes"), [(997, 2), (1500, 10), (900, 60)])
def test_fractions_hold_for_every_class_and_for_the_whole(n, classes, fractions):
    rng = np.random.default_rng(n)
    y = np.r_[np.repeat(np.arange(classes), 6), rng.choice(classes, n - 6 * classes, p=rng.dirichlet(np.ones(classes)))]
    counts = table(y, make_split(y, fractions=fractions))
    wanted = counts.sum(axis=1, keepdims=True) * np.array(fractions)
    at_least = np.array(fractions) > 0  # every class is in every split, even if its share is below one image
    assert np.all(np.abs(counts - wanted) < 1 + at_least)
    assert np.all(counts[:, at_least] > 0)
    if classes <= 10:
        assert np.all(np.abs(counts.sum(axis=0) - n * np.array(fractions)) <= 2)


def test_many_small_classes_do_not_all_round_the_same_way():
    y = np.repeat(np.arange(100), 11)  # 11 images: 7.7, 1.65, 1.65
    counts = table(y, make_split(y))
    assert np.all(np.abs(counts.sum(axis=0) - 1100 * np.array(FRACTIONS)) <= 2)


def test_the_seed_and_the_ids_decide_and_the_order_does_not():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 200)
    ids = np.array([f"{i:03}" for i in range(200)])
    order = rng.permutation(200)
    split = make_split(y, seed=1, ids=ids)
    assert np.array_equal(make_split(y[order], seed=1, ids=ids[order]), split[order])
    assert not np.array_equal(make_split(y, seed=2, ids=ids), split)


def test_no_group_is_divided_and_classes_keep_their_share():
    rng = np.random.default_rng(0)
    groups = rng.choice([f"patient {i}" for i in range(150)], 2000, p=rng.dirichlet(np.ones(150)))
    y = np.array([hash_ % 3 for hash_ in (int(g.split()[1]) * 7919 // 5 for g in groups)])
    split = make_split(y, groups)
    assert all(len(set(split[groups == g])) == 1 for g in set(groups))
    counts = table(y, split)
    assert np.allclose(counts / counts.sum(axis=1, keepdims=True), FRACTIONS, atol=0.04)


@pytest.mark.parametrize("kind", ["a class per patient", "a class per image", "several labels"])
def test_each_split_has_its_share_of_the_patients_with_several_images(kind):
    rng = np.random.default_rng(0)
    images_of = np.r_[np.ones(500, int), rng.integers(2, 6, 100)]
    groups = np.repeat(np.arange(600), images_of)
    y = {
        "a class per patient": lambda: (rng.random(600) < 0.3).astype(int)[groups],
        "a class per image": lambda: rng.choice(3, len(groups), p=[0.6, 0.3, 0.1]),
        "several labels": lambda: (rng.random((len(groups), 3)) < [0.5, 0.3, 0.1]).astype(int),
    }[kind]()
    split = make_split(y, groups)
    assert np.allclose([np.mean(split == name) for name in SPLITS], FRACTIONS, atol=0.005)
    shares_of_labels = [table(y, split)] if y.ndim == 1 else [table(column, split) for column in y.T]
    for counts in shares_of_labels:
        assert np.allclose(counts / counts.sum(axis=1, keepdims=True), FRACTIONS, atol=0.05)
    split_of_group = split[np.searchsorted(groups, np.arange(600))]
    for size in (range(2, 6), range(4, 6)):
        several = split_of_group[np.isin(images_of, size)]
        assert np.allclose([np.mean(several == name) for name in SPLITS], FRACTIONS, atol=0.06)


def test_few_large_groups_still_fill_every_split():
    groups = np.repeat(["a", "b", "c", "d", "e", "f"], 100)
    y = np.repeat([0, 0, 0, 1, 1, 1], 100)
    counts = table(y, make_split(y, groups))
    assert np.all(counts == 100)


def test_several_labels_keep_their_share_and_rare_ones_are_in_train():
    rng = np.random.default_rng(0)
    y = (rng.random((1200, 6)) < [0.5, 0.3, 0.2, 0.1, 0.05, 0.0]).astype(np.uint8)
    y[7, 5] = 1
    split = make_split(y)
    shares = np.array([y[split == s].sum(axis=0) / y.sum(axis=0) for s in SPLITS])
    assert np.allclose(shares[:, :5].T, FRACTIONS, atol=0.03)
    assert shares[0, 5] == 1
    assert abs(np.mean(split == "train") - 0.7) < 0.03


def test_a_class_of_two_is_in_train_and_test():
    y = np.array([0] * 50 + [1] * 50 + [2, 2])
    assert sorted(make_split(y)[-2:]) == ["test", "train"]


def test_only_what_is_missing_is_taken_from_train():
    y = np.tile([0, 1], 100)
    given = np.array(["train"] * 160 + ["val"] * 40)
    split, notes = complete_split(given, y, None, [str(i) for i in range(200)])
    assert np.array_equal(split[160:], given[160:])
    assert np.sum(split == "test") == 24
    assert notes == [
        "No test split was given; set aside from train: test 24 images (15.0%); stratified, seed 0. The 40 given val "
        "images stay in val: to report on the given images instead of images set aside from train, use val as test "
        "with --val-as-test (Python: val_as_test=True; recipe: val_as_test = true under [data])."
    ]


def test_the_given_val_images_are_test_on_request_and_val_is_drawn_from_train():
    y, ids = np.tile([0, 1], 100), [str(i) for i in range(200)]
    given = np.array(["train"] * 160 + ["val"] * 40)
    split, notes = complete_split(given, y, None, ids, val_as_test=True)
    assert np.flatnonzero(split == "test").tolist() == list(range(160, 200))
    assert np.sum(split == "val") == 24
    assert notes == [
        "40 given val images used as test (--val-as-test).",
        "No val split was given; set aside from train: val 24 images (15.0%); stratified, seed 0.",
    ]
    for names, reason in ((["train", "val", "test", "test"], "a test split already"), (["train"] * 4, "no val split")):
        with pytest.raises(InputError, match=reason):
            complete_split(np.array(names * 50), y, None, ids, val_as_test=True)


def test_images_that_are_kept_together_are_not_reported_as_groups():
    y, ids = np.tile([0, 1], 50), [str(i) for i in range(100)]
    together = np.arange(100) // 4
    split, notes = complete_split(None, y, None, ids, together=lambda rows: (together[rows], ["Copies."]))
    assert all(len(set(split[together == group])) == 1 for group in together)
    assert notes[0].endswith("; stratified, seed 0.")  # and no word of groups, of which there are none
    assert notes[1] == "Copies."


def test_validation_is_drawn_anew_from_train_and_the_given_one():
    y = np.tile([0, 1], 100)
    given = np.array(["train"] * 152 + ["val"] * 8 + ["test"] * 40)
    groups = np.arange(200) // 4
    split, notes = complete_split(given, y, groups, [str(i) for i in range(200)], val=0.25)
    assert np.array_equal(split == "test", given == "test")
    assert np.sum(split == "val") == 40
    assert all(len(set(split[groups == group])) == 1 for group in groups)
    assert set(split[152:160]) != {"val"}  # they were dealt out as all others
    assert notes[0].startswith("8 given val images joined train. No val split was given; set aside from train: val 40")


@pytest.mark.parametrize("val", [0, 1, -0.1, 1.5])
def test_an_invalid_share_of_validation_is_refused(val):
    with pytest.raises(InputError, match="expected a share above 0 and below 1"):
        complete_split(None, np.tile([0, 1], 50), None, [str(i) for i in range(100)], val=val)


def test_a_split_with_a_fraction_of_zero_is_empty():
    split, notes = complete_split(None, np.tile([0, 1], 50), None, [str(i) for i in range(100)], (0.8, 0, 0.2))
    assert set(split) == {"train", "test"}
    assert notes == [
        "No split was given; one was drawn: train 80 images (80.0%), test 20 images (20.0%); stratified, seed 0."
    ]


@pytest.mark.parametrize("fractions", [(0.7, 0.3), (0.7, 0.2, 0.2), (0, 0.5, 0.5), (1.2, -0.1, -0.1)])
def test_invalid_fractions_are_refused(fractions):
    with pytest.raises(InputError, match="expected three shares of train, val and test"):
        make_split(np.array([0, 1] * 9), fractions=fractions)


def test_too_few_images_or_groups_are_refused():
    with pytest.raises(InputError, match="2 groups cannot be split into train and val and test"):
        make_split(np.array([0, 1] * 9), np.array(["a", "b"] * 9))
    with pytest.raises(InputError, match="No image is left for val"):
        make_split(np.array([0, 0, 1, 1]))
