"""A solver that trains many linear support vector machines on the same rows at once, in the primal."""

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

_CG_TOLERANCE = 0.1  # conjugate gradients stop when the residual is this fraction of the gradient
_MAX_CG_STEPS = 100  # conjugate gradient steps for each Newton step
_MAX_HALVINGS = 30  # of the step size
_SINGLE_THREAD = 2e7  # below this number of multiplications, the overhead of threads exceeds their gain
_ARMIJO = 1e-4  # fraction of the predicted decrease of the loss that a step must reach


def squared_hinge(
    X: NDArray, signs: NDArray, costs: NDArray, max_iter: int = 1000, tol: float = 1e-4
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Minimise ``(|w|² + b²) / 2 + Σ cost · max(0, 1 − sign · (Xw + b))²`` for each column of signs and costs.

    This is the objective of ``LinearSVC(dual=False)``, minimised by truncated Newton steps [1]_, [2]_. The machines of
    the folds of a cross-validation, and of each class against the rest, differ only in `signs` and `costs`. One product
    with `X` therefore serves all of them, and such products take most of the time. Products are computed in float32,
    everything else in float64.

    Parameters
    ----------
    X : ndarray of shape (n, width)
        Embeddings.
    signs : ndarray of shape (n, k)
        For each of k machines, 1 for rows of its class and -1 for other rows.
    costs : ndarray of shape (n, k)
        C times the weight of the row, or 0 for a row that the machine is not trained on.
    max_iter : int, default=1000
        Maximum number of Newton steps. A `ConvergenceWarning` is issued if it is reached.
    tol : float, default=1e-4
        A machine has converged when the norm of its gradient is at most this fraction of the norm at 0.

    Returns
    -------
    coefficients : ndarray of shape (width + 1, k)
        Weights of the features; the intercept is the last row.
    decisions : ndarray of shape (n, k)
        Decision values of all rows, including those with a cost of 0.
    n_iter : int
        Number of Newton steps.

    References
    ----------
    .. [1] Keerthi, S., DeCoste, D. "A modified finite Newton method for fast solution of large scale linear SVMs."
       JMLR 6, 2005.
    .. [2] Lin, C.-J., Weng, R., Keerthi, S. "Trust region Newton method for large-scale logistic regression." JMLR 9,
       2008.
    """
    rows = np.column_stack([X, np.ones(len(X))]).astype(np.float32)
    with threadpool_limits(1 if rows.size * signs.shape[1] < _SINGLE_THREAD else None, "blas"):
        return _minimise(rows, signs, costs, max_iter, tol)


def _minimise(
    rows: NDArray[np.float32], signs: NDArray, costs: NDArray, max_iter: int, tol: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    w = np.zeros((rows.shape[1], signs.shape[1]))
    decisions = np.zeros(signs.shape)
    first_norms = None
    for n_iter in range(max_iter + 1):
        hinge = np.maximum(0, 1 - signs * decisions)
        gradient = w - _product(rows.T, 2 * costs * signs * hinge)
        norms = np.linalg.norm(gradient, axis=0)
        first_norms = norms if first_norms is None else first_norms
        active = norms > tol * first_norms
        if not active.any():
            return w, decisions, n_iter
        step, decision_change = _newton_step(rows, 2 * costs * (hinge > 0), gradient * active)
        size = _step_size(w, decisions, step, decision_change, signs, costs, gradient)
        w += size * step
        decisions += size * decision_change
    warnings.warn(
        f"The linear SVM did not converge in {max_iter} steps. Increase max_iter or decrease C.",
        ConvergenceWarning,
        stacklevel=3,
    )
    return w, decisions, max_iter


def _newton_step(rows: NDArray, curvature: NDArray, gradient: NDArray) -> tuple[NDArray, NDArray]:
    """Return the Newton step of each machine, and the resulting change of its decisions, by conjugate gradients."""
    step, decision_change = np.zeros(gradient.shape), np.zeros(curvature.shape)
    residual = -gradient
    direction = residual.copy()
    squared_norm = (residual**2).sum(axis=0)
    target = _CG_TOLERANCE**2 * squared_norm
    for _ in range(_MAX_CG_STEPS):
        active = squared_norm > target
        if not active.any():
            break
        projected = _product(rows, direction)
        hessian_product = direction + _product(rows.T, curvature * projected)
        length = _ratio(squared_norm, (direction * hessian_product).sum(axis=0)) * active
        step += length * direction
        decision_change += length * projected
        residual -= length * hessian_product
        previous, squared_norm = squared_norm, (residual**2).sum(axis=0)
        direction = residual + _ratio(squared_norm, previous) * direction
    return step, decision_change


def _step_size(
    w: NDArray,
    decisions: NDArray,
    step: NDArray,
    decision_change: NDArray,
    signs: NDArray,
    costs: NDArray,
    gradient: NDArray,
) -> NDArray[np.float64]:
    """Return for each machine the first of 1, 1/2, 1/4, … that decreases its loss enough (Armijo's rule)."""

    def loss(size: NDArray) -> NDArray:
        hinge = np.maximum(0, 1 - signs * (decisions + size * decision_change))
        return ((w + size * step) ** 2).sum(axis=0) / 2 + (costs * hinge**2).sum(axis=0)

    size = np.ones(w.shape[1])
    current, slope = loss(0 * size), (gradient * step).sum(axis=0)
    for _ in range(_MAX_HALVINGS):
        failed = loss(size) > current + _ARMIJO * size * slope + 1e-12 * current
        if not failed.any():
            break
        size[failed] /= 2
    return size


def _product(rows: NDArray[np.float32], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    return (rows @ columns.astype(np.float32)).astype(np.float64)


def _ratio(numerator: NDArray, denominator: NDArray) -> NDArray:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
