"""The Gaussian that stands for all weights that fit: its covariance, made smaller by each label."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shrinkage:
    """What k more labels take from every variance: v - rowsum((x U) M * (x U)) for a row x."""

    directions: Floats
    """U, [D, k]."""
    middle: Floats
    """M, [k, k]."""

    def taken(self, along: NDArray[np.floating]) -> Floats:
        """[N]: what is taken from the variances of rows, given their products with U, [N, k]."""
        return np.asarray(np.einsum("ij,ij->i", along @ self.middle, along), np.float64)


@dataclass(frozen=True)
class Posterior:
    """Covariance [D, D] of weights with prior N(0, 1 / precision) after weighted rows."""

    covariance: Floats = field(repr=False)

    @classmethod
    def of(cls, rows: Floats, weights: Floats, precision: float) -> Posterior:
        """After all rows [L, D] at once, each with its weight: 1 / (precision I + X' diag(w) X).

        Through L × L where labels are fewer than features (Woodbury).
        """
        labels, width = rows.shape
        if labels >= width:
            whole = (rows * weights[:, None]).T @ rows
            whole[np.diag_indices(width)] += precision
            return cls(cho_solve(cho_factor(whole), np.eye(width)))
        return cls(np.eye(width) / precision).after(rows, weights)[0]

    def after(self, rows: Floats, weights: Floats) -> tuple[Posterior, Shrinkage]:
        """With k more rows [k, D]: exact, in time k D²."""
        along = self.covariance @ rows.T
        scaled = along * np.sqrt(weights)
        inner = np.eye(len(rows)) + np.sqrt(weights)[:, None] * (rows @ scaled)
        middle = np.sqrt(weights)[:, None] * cho_solve(cho_factor(inner), np.diag(np.sqrt(weights)))
        fresh = self.covariance - along @ middle @ along.T
        return Posterior((fresh + fresh.T) / 2), Shrinkage(along, middle)

    def variance(self, rows: NDArray[np.floating]) -> Floats:
        """[N] of x' w for each row x, [N, D]."""
        found = np.einsum("ij,ij->i", rows @ self.covariance, rows)
        return np.asarray(np.maximum(found, 0), np.float64)
