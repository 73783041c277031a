"""A solver that trains many linear support vector machines on the same rows at once, in the primal."""

import warnings
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

_CG_TOLERANCE = 0.05  # conjugate gradients stop when the residual is this fraction of the gradient
_MIN_CG_STEPS = 4  # so that not only the directions of the largest curvature are seen
_SAFETY = 3  # the smallest curvature is estimated as that seen by conjugate gradients, divided by this
_ROUNDING = 2e-7  # relative error of a product in float32
_STEP_TOLERANCE = 1e-6  # a machine has converged when an exact Newton step is at most this fraction of its weights
_MAX_HALVINGS = 30  # of the step size
_ARMIJO = 1e-4  # fraction of the predicted decrease of the loss that a step must reach
_SINGLE_THREAD = 2e7  # below this number of multiplications, the overhead of threads exceeds their gain
_BLOCK = 2**23  # number of values that are converted to float64 at a time
_LARGE = 2**29  # bytes of embeddings from which on no copy of them is made


def squared_hinge(
    X: NDArray, signs: NDArray, costs: NDArray, max_iter: int = 1000, tol: ArrayLike = 1e-4
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Minimise ``(|w|² + b²) / 2 + Σ cost · max(0, 1 − sign · (Xw + b))²`` for each column of signs and costs.

    This is the objective of ``LinearSVC(dual=False)``, minimised by Newton steps [1]_, [2]_. The machines of the folds
    of a cross-validation, and of each class against the rest, differ only in `signs` and `costs`. One product with `X`
    therefore serves all of them, and such products take most of the time.

    The Newton steps are computed by conjugate gradients in float32. Where the rounding errors of float32 are too large
    for `tol`, gradients and decision values are computed in float64. If conjugate gradients need too many steps, as for
    features of very different scales, the Newton steps are computed by Cholesky decompositions.

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
    tol : float or array-like of shape (k,), default=1e-4
        Largest error of the weights, as a fraction of their norm. The error is at most the norm of the gradient divided
        by the smallest curvature, which is at least 1. If more rows than features have a loss, a larger curvature is
        estimated from the conjugate gradients.

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
    tolerance = np.broadcast_to(np.asarray(tol, np.float64), signs.shape[1])
    with threadpool_limits(1 if X.size * signs.shape[1] < _SINGLE_THREAD else None, "blas"):
        machines = _Machines(_LargeRows(X) if is_large(X) else _Rows(X), signs, costs, tolerance)
        n_iter = machines.minimise(max_iter)
    if not machines.converged.all():
        warnings.warn(
            f"The linear SVM did not converge in {n_iter} steps, so its solution is not exact. Standardise the "
            "features, decrease C, or increase max_iter.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return machines.w, signs * machines.margins, n_iter


def is_large(X: NDArray) -> bool:
    """Return whether embeddings are so large that the solver goes over blocks of their rows and copies none of them."""
    return X.nbytes >= _LARGE


class _Rows:
    """The rows with a column of ones, whose weight is the intercept, for products in float32 and in float64."""

    def __init__(self, X: NDArray):
        self.X, self.shape = X, (len(X), X.shape[1] + 1)
        self.single = np.column_stack([X, np.ones(len(X), X.dtype)]).astype(np.float32, copy=False)
        self.norms = np.sqrt(np.einsum("ij,ij->i", self.single, self.single), dtype=np.float64)

    @cached_property
    def blocks(self) -> list[tuple[slice, NDArray]]:
        """Slices of the rows. A single one is kept in float64, others are converted when they are used."""
        size = max(1, _BLOCK // self.shape[1])
        slices = [slice(start, start + size) for start in range(0, len(self.X), size)]
        kind = np.float64 if len(slices) == 1 else self.X.dtype
        return [(rows, self.X[rows].astype(kind, copy=False)) for rows in slices]

    def times(self, w: NDArray, exact: bool) -> NDArray[np.float64]:
        """Return the product of the rows with weights of shape (width + 1, k)."""
        if not exact:
            return (self.single @ w.astype(np.float32)).astype(np.float64)
        return np.concatenate([block.astype(np.float64, copy=False) @ w[:-1] for _, block in self.blocks]) + w[-1]

    def transposed_times(self, values: NDArray, exact: bool) -> NDArray[np.float64]:
        """Return the product of the transposed rows with values of shape (n, k)."""
        if not exact:
            return (self.single.T @ values.astype(np.float32)).astype(np.float64)
        total = sum(block.T.astype(np.float64, copy=False) @ values[rows] for rows, block in self.blocks)
        return np.vstack([total, values.sum(axis=0)])

    def curved(self, used: NDArray[np.bool_]) -> tuple[Callable[[NDArray, NDArray], NDArray], NDArray | slice]:
        """Return a function that multiplies directions by the Hessian matrix, and the rows whose curvatures it takes.

        These are the rows that are used, or all. The function takes directions of shape (width + 1, k) and curvatures
        of shape (n, k), both in float32.
        """
        few = used.mean() < 0.6
        rows = self.single[used] if few else self.single
        return (lambda direction, curvature: rows.T @ (curvature * (rows @ direction))), used if few else slice(None)

    def double(self, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return some of the rows in float64."""
        return np.column_stack([self.X[mask].astype(np.float64), np.ones(int(mask.sum()))])


class _LargeRows(_Rows):
    """Rows of which only blocks are in memory. They may be mapped from a file."""

    def __init__(self, X: NDArray):
        self.X, self.shape = X, (len(X), X.shape[1] + 1)
        self.norms = np.empty(len(X))
        for rows, block in self.blocks:
            self.norms[rows] = np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.float64) + 1)

    def times(self, w: NDArray, exact: bool) -> NDArray[np.float64]:
        if exact:
            return super().times(w, exact)
        single = w.astype(np.float32)
        found = np.empty((len(self.X), w.shape[1]))
        for rows, block in self.blocks:
            found[rows] = block.astype(np.float32, copy=False) @ single[:-1] + single[-1]
        return found

    def transposed_times(self, values: NDArray, exact: bool) -> NDArray[np.float64]:
        if exact:
            return super().transposed_times(values, exact)
        total = np.zeros((self.shape[1], values.shape[1]))
        for rows, block in self.blocks:
            total[:-1] += block.T.astype(np.float32, copy=False) @ values[rows].astype(np.float32)
        total[-1] = values.sum(axis=0)
        return total

    def curved(self, used: NDArray[np.bool_]) -> tuple[Callable[[NDArray, NDArray], NDArray], NDArray | slice]:
        return self._hessian_times, slice(None)

    def _hessian_times(self, direction: NDArray, curvature: NDArray) -> NDArray[np.float64]:
        total = np.zeros(direction.shape)
        for rows, block in self.blocks:
            single = block.astype(np.float32, copy=False)
            projected = curvature[rows] * (single @ direction[:-1] + direction[-1])
            total[:-1] += single.T @ projected
            total[-1] += projected.sum(axis=0)
        return total


class _Machines:
    """The state of all machines: weights, and margins, which are the decision values times the signs."""

    def __init__(self, rows: _Rows, signs: NDArray, costs: NDArray, tol: NDArray):
        self.rows, self.signs, self.costs, self.tol = rows, signs, costs, tol
        n_machines = signs.shape[1]
        self.w, self.margins = np.zeros((rows.shape[1], n_machines)), np.zeros(signs.shape)
        self.converged, self.stuck, self.by_cholesky = np.zeros((3, n_machines), bool)
        self.exact = False  # whether products are computed in float64
        self.curvature = np.full(n_machines, np.nan)  # the smallest one seen by conjugate gradients
        self.row_length = np.sqrt(np.mean(rows.norms**2))
        self.rounding = _ROUNDING * np.linalg.norm(2 * costs * rows.norms[:, None], axis=0)

    def minimise(self, max_iter: int) -> int:
        """Take Newton steps until each machine has converged or cannot get better; return the number of steps."""
        for n_iter in range(max_iter + 1):
            left, hinge, gradient = self._not_converged()
            if not left.size or n_iter == max_iter:
                break
            self._step(left, hinge, gradient)
        return n_iter

    def _not_converged(self) -> tuple[NDArray[np.intp], NDArray, NDArray]:
        """Return the machines that have not converged, with their hinge losses and gradients."""
        left = np.flatnonzero(~(self.converged | self.stuck))
        hinge = np.maximum(0, 1 - _columns(self.margins, left))
        slopes = 2 * _columns(self.costs, left) * _columns(self.signs, left) * hinge
        # The curvature is at least 1. It is more in every direction only if enough rows have a loss.
        few = np.count_nonzero(slopes, axis=0) < min(self.rows.shape)
        inverse_curvature = np.where(
            few | self.by_cholesky[left], 1, _SAFETY / np.maximum(_SAFETY, self.curvature[left])
        )
        gradient = _columns(self.w, left) - self.rows.transposed_times(slopes, self.exact)
        norms, lengths = np.linalg.norm(gradient, axis=0), np.linalg.norm(self.w[:, left], axis=0)
        rounding = 0 if self.exact else self.rounding[left] * (1 + self.row_length * lengths)
        error = (norms + rounding) * inverse_curvature
        done = error <= self.tol[left] * np.linalg.norm(self.w[:-1, left], axis=0)
        if not self.exact and (self.by_cholesky.any() or self.stuck.any() or (norms < 3 * rounding)[~done].any()):
            self.exact, self.stuck = True, np.zeros(len(self.stuck), bool)
            self.margins = self.signs * self.rows.times(self.w, True)
            return self._not_converged()
        self.converged[left] = done
        open_ = np.flatnonzero(~done)
        return left[open_], _columns(hinge, open_), _columns(gradient, open_)

    def _step(self, left: NDArray[np.intp], hinge: NDArray, gradient: NDArray) -> None:
        cost, margin, w = (_columns(values, left) for values in (self.costs, self.margins, self.w))
        step = self._newton_steps(left, 2 * cost * (hinge > 0), gradient)
        change = _columns(self.signs, left) * self.rows.times(step, self.exact)
        size = _step_size(w, step, margin, change, cost, hinge, gradient)
        step[:, size == 0], change[:, size == 0] = 0, 0  # they may be NaN
        self.w[:, left] = w + size * step
        self.margins[:, left] = margin + size * change
        lengths = np.linalg.norm(step, axis=0)
        small = lengths <= _STEP_TOLERANCE * np.linalg.norm(self.w[:-1, left], axis=0)
        self.converged[left] = self.exact & self.by_cholesky[left] & small & (size > 0)
        self.stuck[left] = size == 0

    def _newton_steps(self, left: NDArray[np.intp], curvature: NDArray, gradient: NDArray) -> NDArray[np.float64]:
        """Return the Newton steps, by Cholesky decompositions once conjugate gradients have not found them."""
        step = np.zeros(gradient.shape)
        by_cg = np.flatnonzero(~self.by_cholesky[left])
        if by_cg.size:
            step[:, by_cg], found, seen = _by_conjugate_gradients(
                self.rows, _columns(curvature, by_cg), _columns(gradient, by_cg)
            )
            self.by_cholesky[left[by_cg]] = ~found
            self.curvature[left[by_cg]] = np.fmin(self.curvature[left[by_cg]], seen)
        for column in np.flatnonzero(self.by_cholesky[left]):
            step[:, column] = _by_cholesky(self.rows, curvature[:, column], gradient[:, column])
        return step


def _by_conjugate_gradients(
    rows: _Rows, curvature: NDArray, gradient: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Return the Newton step of each machine, whether it is accurate, and the smallest curvature along a direction."""
    used_rows: NDArray[np.bool_] = np.asarray((curvature > 0).any(axis=1))
    hessian, used = rows.curved(used_rows)
    curvature = curvature[used].astype(np.float32)
    n_used = len(curvature), rows.shape[1]
    step, left = np.zeros(gradient.shape), np.arange(gradient.shape[1])
    residual = -gradient
    direction = residual
    squared_norm = (residual**2).sum(axis=0)
    target = _CG_TOLERANCE**2 * squared_norm
    smallest = np.full(gradient.shape[1], np.inf)
    for number in range(max(10, min(n_used) // 4)):
        active = (squared_norm > target) | (number < _MIN_CG_STEPS)
        if not active.all():
            columns = np.flatnonzero(active)
            left, target, squared_norm = left[columns], target[columns], squared_norm[columns]
            residual, direction, curvature = residual[:, columns], direction[:, columns], curvature[:, columns]
        if not left.size:
            break
        hessian_product = direction + hessian(direction.astype(np.float32), curvature)
        curved = (direction * hessian_product).sum(axis=0)
        smallest[left] = np.minimum(smallest[left], curved / (direction**2).sum(axis=0))
        length = squared_norm / curved
        step[:, left] += length * direction
        residual = residual - length * hessian_product
        previous, squared_norm = squared_norm, (residual**2).sum(axis=0)
        direction = residual + squared_norm / previous * direction
    found = np.ones(gradient.shape[1], bool)
    found[left] = squared_norm <= target
    return step, found, smallest


def _by_cholesky(rows: _Rows, curvature: NDArray, gradient: NDArray) -> NDArray[np.float64]:
    """Return the Newton step of one machine; NaN if the Hessian matrix is not positive definite in float64."""
    mask = curvature > 0
    scaled = rows.double(mask) * np.sqrt(curvature[mask])[:, None]
    try:
        if len(scaled) >= len(gradient):
            return -cho_solve(cho_factor(_plus_identity(scaled.T @ scaled), overwrite_a=True), gradient)
        # The Woodbury identity
        inner = cho_solve(cho_factor(_plus_identity(scaled @ scaled.T), overwrite_a=True), scaled @ gradient)
        return scaled.T @ inner - gradient
    except (LinAlgError, ValueError):
        return np.full(len(gradient), np.nan)


def _columns(values: NDArray, columns: NDArray[np.intp]) -> NDArray:
    return values if len(columns) == values.shape[1] else values[:, columns]


def _plus_identity(matrix: NDArray) -> NDArray:
    matrix.flat[:: len(matrix) + 1] += 1
    return matrix


def _step_size(
    w: NDArray, step: NDArray, margin: NDArray, change: NDArray, cost: NDArray, hinge: NDArray, gradient: NDArray
) -> NDArray[np.float64]:
    """Return for each machine the first of 1, 1/2, 1/4, … that decreases its loss enough (Armijo's rule), or 0."""
    current, slope = _loss(w, cost, hinge), (gradient * step).sum(axis=0)
    size = np.ones(w.shape[1])
    for _ in range(_MAX_HALVINGS):
        loss = _loss(w + size * step, cost, np.maximum(0, 1 - margin - size * change))
        failed = ~(loss <= current + _ARMIJO * size * slope + 1e-12 * current)
        if not failed.any():
            return size
        size[failed] /= 2
    return np.where(failed, 0, size)


def _loss(w: NDArray, cost: NDArray, hinge: NDArray) -> NDArray[np.float64]:
    return np.einsum("ij,ij->j", w, w) / 2 + np.einsum("ij,ij,ij->j", cost, hinge, hinge)
