"""The k-nearest-neighbours head, compared with scikit-learn's, and its weights."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from hybrid.classifiers import KNN
from hybrid.errors import InputError


def rows(n=200, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 12)).astype(np.float32)
    return X, (X[:, :3] + rng.normal(size=(n, 3))).argmax(axis=1)


def even_vote(shares, k):
    """Return shares of votes after adding the vote that the head splits evenly between the classes."""
    return (k * shares + 1 / shares.shape[1]) / (k + 1)


@pytest.mark.parametrize("k", [1, 11])
def test_unweighted_votes_are_those_of_scikit_learn(k):
    (X, y), (new, _) = rows(), rows(seed=1)
    other = KNeighborsClassifier(k, weights="distance", metric="cosine").fit(X.astype(float), y)
    expected = even_vote(other.predict_proba(new.astype(float)), k)
    np.testing.assert_allclose(KNN(k, class_weight=None).fit(X, y).predict_proba(new), expected, atol=1e-5)


def test_an_identical_training_image_outvotes_all_others():
    X, y = rows()
    head = KNN().fit(X, y)
    assert (head.predict(X) == y).all()
    assert (head.predict(1000 * X) == y).all()  # only directions count


def test_sample_weights_multiply_the_votes():
    X = np.array([[1, 0.1], [1, -0.1], [1, 0.3]])
    y = ["a", "b", "b"]
    even = KNN(2, class_weight=None).fit(X, y).predict_proba([[1, 0]])
    np.testing.assert_allclose(even, [[0.5, 0.5]])
    weighted = KNN(2, class_weight=None).fit(X, y, sample_weight=[3, 1, 1]).predict_proba([[1, 0]])
    np.testing.assert_allclose(weighted, even_vote(np.array([[0.75, 0.25]]), 2))


def test_n_neighbors_may_exceed_the_number_of_rows_and_zero_rows_can_be_predicted():
    X, y = rows(8)
    np.testing.assert_array_equal(KNN(99).fit(X, y).predict_proba(X), KNN(8).fit(X, y).predict_proba(X))
    assert np.isfinite(KNN(3).fit(X, y).predict_proba(np.zeros((1, 12)))).all()


def test_many_rows_are_predicted_in_blocks(monkeypatch):
    (X, y), (new, _) = rows(), rows(seed=1)
    head = KNN().fit(X, y)
    whole = head.predict_proba(new)
    monkeypatch.setattr("hybrid.classifiers.knn._BLOCK_VALUES", 1000)
    np.testing.assert_allclose(head.predict_proba(new), whole, rtol=1e-9)


@pytest.mark.parametrize("k", [0, -1, 2.5, True, "11"])
def test_invalid_numbers_of_neighbours_are_refused(k):
    with pytest.raises(InputError, match=r"n_neighbors=.* was given; expected a whole number, 1 or more"):
        KNN(k).fit(*rows(20))
