"""Cross-validated scores of a linear classifier that separates two samples, for many labellings at once."""

from dataclasses import dataclass

import numpy as np

from hybrid.shift.exchange import Exchange

RIDGE = 0.1  # of the mean variance of a column, added to the variance of each
MOST_COLUMNS = 2048  # wider embeddings are projected at random, which needs no labels


@dataclass(frozen=True, eq=False)
class Separation:
    """A ridge regression in folds, whose factorisations serve any labels of the images.

    Least squares on the labels gives the direction of linear discriminant analysis. Its scores are linear in the
    labels, so everything that depends on the embeddings is computed once.

    Attributes
    ----------
    rows : ndarray of float32, shape (n, p)
        The embeddings, standardised within the strata.
    hats : tuple of ndarray, each of shape (images of the fold, p)
        What multiplies the products of embeddings and labels outside a fold, to give the scores in it.
    exchange : Exchange
    """

    rows: np.ndarray
    hats: tuple[np.ndarray, ...]
    exchange: Exchange

    @classmethod
    def of(cls, X: np.ndarray, exchange: Exchange, rng: np.random.Generator, ridge: float = RIDGE) -> "Separation":
        """Return the separation of two samples.

        Parameters
        ----------
        X : ndarray of shape (n, width)
            Embeddings of the images of both samples.
        exchange : Exchange
        rng : Generator
            Draws the projection of wide embeddings.
        ridge : float, default=RIDGE
        """
        from scipy.linalg import cho_factor, cho_solve

        rows = _narrow(_standardised(X.astype(np.float32), exchange.stratum), rng)
        products, hats = rows.T @ rows, []
        diagonal = np.diag_indices(len(products))
        for fold in range(exchange.fold.max() + 1):
            inside = rows[exchange.fold == fold]
            outside = products - inside.T @ inside
            outside[diagonal] += ridge * max(float(np.trace(outside)) / len(outside), 1e-6)
            hats.append(cho_solve(cho_factor(outside, overwrite_a=True), inside.T, overwrite_b=True).T)
        return cls(rows, tuple(hats), exchange)

    def scores(self, labels: np.ndarray) -> np.ndarray:
        """Return the score of each image by the classifier that was fitted without its fold.

        Parameters
        ----------
        labels : ndarray of bool, shape (n, m)
            Whether each image is in the new sample, for each of m labellings.

        Returns
        -------
        ndarray of float32, shape (n, m)
        """
        fold, stratum = self.exchange.fold, self.exchange.stratum
        scores = np.empty(labels.shape, np.float32)
        for number, hat in enumerate(self.hats):
            outside = fold != number
            scores[~outside] = hat @ (self.rows[outside].T @ _centred(labels[outside], stratum[outside]))
        return scores


def _standardised(X: np.ndarray, stratum: np.ndarray) -> np.ndarray:
    """Return columns with mean 0 in each stratum and variance 1 within the strata. Constant columns become 0."""
    rows = _centred(X, stratum)
    spread = rows.std(axis=0)
    return rows / np.where(spread > 1e-6 * np.abs(X).mean(axis=0), spread, np.inf)


def _narrow(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return rows with nearly or exactly the same inner products, in no more columns than rows or `MOST_COLUMNS`."""
    n, width = rows.shape
    if width > MOST_COLUMNS:
        rows = rows @ rng.normal(scale=MOST_COLUMNS**-0.5, size=(width, MOST_COLUMNS)).astype(np.float32)
    if rows.shape[1] <= n:
        return rows
    products = rows.astype(np.float64) @ rows.T.astype(np.float64)  # in float32, errors may exceed what is added below
    products[np.diag_indices(n)] += 1e-6 * max(np.trace(products) / n, 1e-6)
    return np.linalg.cholesky(products).astype(np.float32)


def _centred(rows: np.ndarray, stratum: np.ndarray) -> np.ndarray:
    """Return rows minus the mean of their stratum, ndarray of float32."""
    centred = rows.astype(np.float32)
    for number in np.unique(stratum):
        members = stratum == number
        centred[members] -= centred[members].mean(axis=0)
    return centred
