"""Linear support vector machines in the primal, many on the same rows at once."""

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

_NEWTON_SLACK = 0.1  # share of the gradient that conjugate gradients may leave
_LONGEST = 100  # conjugate gradients a Newton step
_HALVINGS = 30
_SMALL = 2e7  # multiplications; a smaller product's threads wait for each other longer than they work
_DECREASE = 1e-4  # share of the promised decrease that a step must keep, Armijo's


def squared_hinge(
    X: NDArray, signs: NDArray, costs: NDArray, max_iter: int = 1000, tol: float = 1e-4
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Minimise ``(|w|² + b²) / 2 + Σ cost · max(0, 1 − sign · (Xw + b))²`` for each column of signs and costs.

    What ``LinearSVC(dual=False)`` minimises, by truncated Newton steps [1]_, [2]_. The machines of a cross-validation
    and of one class against the rest differ in signs and costs alone, so a product with `X`, which is where the time
    goes, serves them all. Products are in float32, all else in float64.

    Parameters
    ----------
    X : ndarray of shape (n, width)
    signs : ndarray of shape (n, k)
        1 for rows of the class, -1 for the others.
    costs : ndarray of shape (n, k)
        C times the weight of the row; 0 for one that a machine is not to see.
    max_iter : int, default=1000
        Newton steps at most.
    tol : float, default=1e-4
        Share of the gradient at 0 at which a machine is done.

    Returns
    -------
    coefficients : ndarray of shape (width + 1, k)
        The intercepts last.
    decisions : ndarray of shape (n, k)
        Of all rows, seen or not.
    n_iter : int
        Newton steps taken.

    References
    ----------
    .. [1] Keerthi, S., DeCoste, D. "A modified finite Newton method for fast solution of large scale linear SVMs."
       JMLR 6, 2005.
    .. [2] Lin, C.-J., Weng, R., Keerthi, S. "Trust region Newton method for large-scale logistic regression." JMLR 9,
       2008.
    """
    rows = np.column_stack([X, np.ones(len(X))]).astype(np.float32)
    with threadpool_limits(1 if rows.size * signs.shape[1] < _SMALL else None, "blas"):
        return _minimise(rows, signs, costs, max_iter, tol)


def _minimise(
    rows: NDArray[np.float32], signs: NDArray, costs: NDArray, max_iter: int, tol: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    w = np.zeros((rows.shape[1], signs.shape[1]))
    decisions = np.zeros(signs.shape)
    first = None
    for n_iter in range(max_iter + 1):
        short = np.maximum(0, 1 - signs * decisions)
        gradient = w - _product(rows.T, 2 * costs * signs * short)
        norms = np.linalg.norm(gradient, axis=0)
        first = norms if first is None else first
        undone = norms > tol * first
        if not undone.any():
            return w, decisions, n_iter
        step, change = _newton_step(rows, 2 * costs * (short > 0), gradient * undone)
        size = _step_size(w, decisions, step, change, signs, costs, gradient)
        w += size * step
        decisions += size * change
    warnings.warn(
        f"The linear SVM has not converged in {max_iter} steps: give a larger max_iter or a smaller C.",
        ConvergenceWarning,
        stacklevel=3,
    )
    return w, decisions, max_iter


def _newton_step(rows: NDArray, curvature: NDArray, gradient: NDArray) -> tuple[NDArray, NDArray]:
    """Return Newton's step and what it changes in the decisions, a machine a column, by conjugate gradients."""
    step, change = np.zeros(gradient.shape), np.zeros(curvature.shape)
    residual = -gradient
    direction = residual.copy()
    size = (residual**2).sum(axis=0)
    enough = _NEWTON_SLACK**2 * size
    for _ in range(_LONGEST):
        running = size > enough
        if not running.any():
            break
        seen = _product(rows, direction)
        bent = direction + _product(rows.T, curvature * seen)
        length = _ratio(size, (direction * bent).sum(axis=0)) * running
        step += length * direction
        change += length * seen
        residual -= length * bent
        before, size = size, (residual**2).sum(axis=0)
        direction = residual + _ratio(size, before) * direction
    return step, change


def _step_size(
    w: NDArray, decisions: NDArray, step: NDArray, change: NDArray, signs: NDArray, costs: NDArray, gradient: NDArray
) -> NDArray[np.float64]:
    """Return for each machine the largest of 1, 1/2, 1/4 … that lowers its loss as it should."""

    def loss(size: NDArray) -> NDArray:
        short = np.maximum(0, 1 - signs * (decisions + size * change))
        return ((w + size * step) ** 2).sum(axis=0) / 2 + (costs * short**2).sum(axis=0)

    size = np.ones(w.shape[1])
    now, promised = loss(0 * size), (gradient * step).sum(axis=0)
    for _ in range(_HALVINGS):
        failed = loss(size) > now + _DECREASE * size * promised + 1e-12 * now
        if not failed.any():
            break
        size[failed] /= 2
    return size


def _product(rows: NDArray[np.float32], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    return (rows @ columns.astype(np.float32)).astype(np.float64)


def _ratio(above: NDArray, below: NDArray) -> NDArray:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
