"""Bayesian linear regression: what a number is expected to be, and how sure that is. Exact."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from learning.head.errors import HeadError
from learning.head.posterior import Floats, Posterior, Shrinkage


@dataclass(frozen=True)
class Linear:
    """Weights with prior N(0, 1 / precision), of values measured with variance ``noise``."""

    posterior: Posterior
    evidence: Floats
    """[D] X'y / noise."""
    noise: float

    @classmethod
    def fit(cls, rows: Floats, values: Floats, *, precision: float, noise: float) -> Linear:
        """From all values at once. Raises HeadError for what is not a number."""
        _check(rows, values)
        weights = np.full(len(rows), 1 / noise)
        return cls(Posterior.of(rows, weights, precision), rows.T @ values / noise, noise)

    def after(self, rows: Floats, values: Floats) -> tuple[Linear, Shrinkage]:
        """With k more values; the same as a fit to all."""
        _check(rows, values)
        posterior, shrinkage = self.posterior.after(rows, np.full(len(rows), 1 / self.noise))
        evidence = self.evidence + rows.T @ values / self.noise
        return replace(self, posterior=posterior, evidence=evidence), shrinkage

    def mean(self, rows: NDArray[np.floating]) -> Floats:
        """[N] expected values."""
        return np.asarray(rows @ (self.posterior.covariance @ self.evidence), np.float64)


def _check(rows: Floats, values: Floats) -> None:
    if not (np.isfinite(rows).all() and np.isfinite(values).all()):
        raise HeadError("An embedding or a value is not a number.")
