"""Bayesian logistic regression: the likeliest weights exactly, and a Laplace approximation around them.

Two classes share one logit. With more, each class has one, and all share one covariance, with the
mean curvature of the softmax over its contrasts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, logsumexp, softmax

from learning.head.errors import HeadError
from learning.head.posterior import Floats, Posterior, Shrinkage

PRECISIONS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Of the prior, for rows of about unit length: weights that make logits of 18 … 1."""
TOLERANCE = 1e-6
STEPS = 200
RENEWED = 1.1
"""Growth of the labels after which the metric of the search is made anew."""
BOUND = {True: 0.25, False: 0.5}
"""Largest curvature of a logit: of one alone, and of a softmax (Böhning 1992)."""


@dataclass(frozen=True)
class Logistic:
    """L rows [L, D] with their classes; weights [D, K], K = 1 for two classes. Never changed in place."""

    rows: Floats
    classes: NDArray[np.int64]
    count: int
    precision: float
    weights: Floats
    posterior: Posterior
    gram: Floats
    """[D, D] X'X."""
    metric: Floats
    """[D, D] upper root of the bound on the curvature, of a time not long ago: any will do."""
    measured: int
    """Labels from which ``metric`` was made."""

    @classmethod
    def fit(
        cls, rows: Floats, classes: NDArray[np.int64], count: int, *, precision: float | None = None
    ) -> Logistic:
        """From all labels. Without ``precision``, the one with the largest evidence of a few.

        Raises HeadError for values that are not numbers, or a class beyond ``count``.
        """
        _check(rows, classes, count)
        if precision is not None:
            return cls._fitted(rows, classes, count, precision)
        tried = [cls._fitted(rows, classes, count, one) for one in PRECISIONS]
        return max(tried, key=Logistic.evidence)

    @classmethod
    def _fitted(
        cls, rows: Floats, classes: NDArray[np.int64], count: int, precision: float
    ) -> Logistic:
        width = rows.shape[1]
        start = np.zeros((width, _logits(count)))
        gram = rows.T @ rows
        metric = _root(gram, count, precision)
        nothing = Posterior(np.zeros((0, 0)))
        made = cls(rows, classes, count, precision, start, nothing, gram, metric, len(rows))
        return made._at_best().settled()

    def after(self, rows: Floats, classes: NDArray[np.int64]) -> tuple[Logistic, Shrinkage]:
        """With k more labels: the weights that all labels make likeliest, found from the ones before;
        the covariance by the new rows' curvature alone. ``settled`` takes all curvatures anew.
        """
        _check(rows, classes, self.count)
        more = replace(
            self,
            rows=np.concatenate([self.rows, rows]),
            classes=np.concatenate([self.classes, classes]),
            gram=self.gram + rows.T @ rows,
        )
        if len(more.rows) > RENEWED * self.measured:
            metric = _root(more.gram, self.count, self.precision)
            more = replace(more, metric=metric, measured=len(more.rows))
        more = more._at_best()
        posterior, shrinkage = self.posterior.after(rows, more._curvature(rows))
        return replace(more, posterior=posterior), shrinkage

    def settled(self) -> Logistic:
        """With the covariance that these weights give all labels."""
        known = self._curvature(self.rows)
        return replace(self, posterior=Posterior.of(self.rows, known, self.precision))

    def logits(self, rows: NDArray[np.floating]) -> Floats:
        """[N, K]."""
        return np.asarray(rows @ self.weights, np.float64)

    def predictive(self, logits: NDArray[np.floating], variance: NDArray[np.floating]) -> Floats:
        """[N, C] with the doubt about the weights: each logit is shrunk by 1 / √(1 + π v / 8).

        MacKay 1992 (probit approximation); of several classes the mean field form of Gibbs 1997.
        """
        shrunk = logits / np.sqrt(1 + np.pi / 8 * variance)[:, None]
        if self.count > 2:
            return np.asarray(softmax(shrunk, axis=1), np.float64)
        second = expit(shrunk[:, 0])
        return np.stack([1 - second, second], axis=1)

    def evidence(self) -> float:
        """Log marginal likelihood of the labels (Laplace), but for a constant."""
        _, volume = np.linalg.slogdet(self.posterior.covariance)
        contrasts = max(1, self.weights.shape[1] - 1)
        prior = self.weights.shape[0] * np.log(self.precision)
        return float(-self._loss(self.weights)[0] + contrasts / 2 * (prior + volume))

    def _at_best(self) -> Logistic:
        """The likeliest weights: L-BFGS in the metric of the bound on the curvature."""
        root = self.metric

        def loss(moved: Floats) -> tuple[float, Floats]:
            weights = solve_triangular(root, moved.reshape(self.weights.shape))
            value, slope = self._loss(weights)
            return value, solve_triangular(root, slope, trans="T").ravel()

        found = minimize(
            loss,
            (root @ self.weights).ravel(),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": STEPS, "gtol": TOLERANCE, "ftol": 1e-14},
        )
        return replace(self, weights=solve_triangular(root, found.x.reshape(self.weights.shape)))

    def _loss(self, weights: Floats) -> tuple[float, Floats]:
        logits = self.rows @ weights
        penalty = self.precision / 2 * float((weights**2).sum())
        if self.count == 2:
            z, y = logits[:, 0], self.classes
            value = float(np.logaddexp(0, z).sum() - z[y == 1].sum())
            residual = (expit(z) - y)[:, None]
        else:
            at = np.arange(len(self.rows))
            value = -float(log_softmax(logits, axis=1)[at, self.classes].sum())
            residual = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
            residual[at, self.classes] -= 1
        return value + penalty, self.rows.T @ residual + self.precision * weights

    def _curvature(self, rows: Floats) -> Floats:
        """[L] of each row's logits, at these weights."""
        logits = rows @ self.weights
        if self.count == 2:
            said = expit(logits[:, 0])
            return np.asarray(said * (1 - said))
        said = softmax(logits, axis=1)
        return np.asarray((1 - (said**2).sum(axis=1)) / (self.count - 1))


def _root(gram: Floats, count: int, precision: float) -> Floats:
    bound = BOUND[count == 2] * gram
    bound[np.diag_indices(len(bound))] += precision
    return np.asarray(cholesky(bound))


def _logits(count: int) -> int:
    return 1 if count == 2 else count


def _check(rows: Floats, classes: NDArray[np.int64], count: int) -> None:
    if not np.isfinite(rows).all():
        raise HeadError("An embedding holds values that are not numbers.")
    if len(classes) and not 0 <= classes.min() <= classes.max() < count:
        raise HeadError(f"A label lies outside the {count} classes.")
