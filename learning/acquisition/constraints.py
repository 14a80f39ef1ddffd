"""What a batch must be, whatever function asks for it: no copies, every site, the rare class."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from learning.acquisition.errors import AcquisitionError
from learning.acquisition.features import FloatArray, Indices, unit
from learning.acquisition.pool import PoolScores, Selection

LOOK = 512
"""Cases looked at together."""
SPARE = 4
"""The function is asked for so many times the batch, to choose from."""


@dataclass(frozen=True)
class Constraints:
    """All may be given together. Where too few cases satisfy them, the last named gives way first."""

    distinct: float | None = None
    """Cosine similarity of embeddings from which two cases are copies: one of them is asked for,
    and neither if one is labelled."""
    one_per_patient: bool = False
    balance: bool = False
    """Every stratum (site, scanner) gets an even share of the batch, as far as it has cases."""
    rare: int | None = None
    """Class to which ``rare_share`` of the batch goes: cases whose likeliest class it is."""
    rare_share: float = 0.3

    def __post_init__(self) -> None:
        if self.distinct is not None and not 0 < self.distinct <= 1:
            raise AcquisitionError("distinct must be above 0, and at most 1.")
        if not 0 <= self.rare_share <= 1:
            raise AcquisitionError("rare_share must be from 0 to 1.")

    def said(self) -> str:
        """What the batch is held to, in sentences; '' for nothing."""
        parts = (
            ("No case is a copy of another or of a labelled one.", self.distinct is not None),
            ("No patient comes twice.", self.one_per_patient),
            ("Sites share the batch evenly.", self.balance),
            (
                f"{self.rare_share:.0%} of the batch goes to the rare class.",
                self.rare is not None,
            ),
        )
        return " ".join(sentence for sentence, holds in parts if holds)

    def check(self, pool: PoolScores) -> None:
        if self.distinct is not None and pool.embeddings is None:
            raise AcquisitionError("To leave out copies needs the embeddings of the cases.")
        if self.one_per_patient and pool.patients is None:
            raise AcquisitionError("One case per patient needs the number of the patient.")
        if self.balance and pool.strata is None:
            raise AcquisitionError("Balance needs the number of each case's site or group.")
        if self.rare is not None and not 0 <= self.rare < pool.ensemble.shape[1]:
            raise AcquisitionError("The rare class needs a model that knows it.")


NONE = Constraints()
LEVELS = 4


def kept(pool: PoolScores, found: Selection, k: int, constraints: Constraints) -> Indices:
    """The first ``k`` of ``found``'s order that satisfy the constraints."""
    walk = _Walk.begin(pool, k, constraints)
    order = found.order()
    for level in range(LEVELS):
        for start in range(0, len(order), LOOK):
            if len(walk.picks) >= k:
                break
            walk.look(order[start : start + LOOK], level)
    return _mixed(np.array(walk.picks, np.int64), walk.rare)


@dataclass
class _Walk:
    """One way through the order; each level asks less than the one before."""

    pool: PoolScores
    k: int
    known: FloatArray | None
    """[L, D] of unit length: what a case must not be a copy of; None where it may."""
    similar: float
    patient: Indices
    """[N], of consecutive numbers; all different where a patient may come twice."""
    stratum: Indices
    quota: Indices
    rare: NDArray[np.bool_]
    common_left: int
    picks: list[int] = field(default_factory=list)
    vectors: list[FloatArray] = field(default_factory=list)

    @classmethod
    def begin(cls, pool: PoolScores, k: int, asked: Constraints) -> _Walk:
        n = len(pool)
        patient = stratum = np.arange(n)
        if asked.one_per_patient and pool.patients is not None:
            patient = np.unique(pool.patients, return_inverse=True)[1]
        if asked.balance and pool.strata is not None:
            stratum = np.unique(pool.strata, return_inverse=True)[1]
        rare = _rare(pool, k, asked)
        common = k if asked.rare is None else k - min(int(rare.sum()), _share(k, asked))
        return cls(
            pool=pool,
            k=k,
            known=None if asked.distinct is None else unit(pool.known),
            similar=asked.distinct or np.inf,
            patient=patient,
            stratum=stratum,
            quota=_even(np.bincount(stratum, minlength=1), k)
            if asked.balance
            else np.ones(n, np.int64),
            rare=rare,
            common_left=common,
        )

    def look(self, rows: Indices, level: int) -> None:
        """Level 0 asks for all, 1 no share of a class, 2 no balance of strata, 3 for nothing."""
        taken = np.zeros(len(self.pool), bool)
        taken[self.picks] = True
        rows = rows[~taken[rows]]
        rows = rows[self._open(rows, level)]
        vectors, copies = self._compared(rows, level)
        for at, row in enumerate(rows.tolist()):
            if len(self.picks) >= self.k:
                return
            if copies[at] or not self._open(rows[at : at + 1], level)[0]:
                continue
            self.picks.append(row)
            self.quota[self.stratum[row]] -= 1
            self.common_left -= not self.rare[row]
            if self.known is not None:
                self.vectors.append(vectors[at])
                copies |= (level < LEVELS - 1) & (vectors @ vectors[at] >= self.similar)

    def _open(self, rows: Indices, level: int) -> NDArray[np.bool_]:
        fine = np.ones(len(rows), bool)
        if level < 1 and self.common_left <= 0:
            fine &= self.rare[rows]
        if level < 2:
            fine &= self.quota[self.stratum[rows]] > 0
        if level < LEVELS - 1:
            fine &= ~np.isin(self.patient[rows], self.patient[self.picks])
        return fine

    def _compared(self, rows: Indices, level: int) -> tuple[FloatArray, NDArray[np.bool_]]:
        """The cases' directions, and whether each is a copy of a labelled or picked one."""
        if self.known is None:
            return np.zeros((len(rows), 0)), np.zeros(len(rows), bool)
        vectors, copies = unit(self.pool.features.rows(rows)), np.zeros(len(rows), bool)
        if level < LEVELS - 1:
            for others in (self.known, np.array(self.vectors, np.float32)):
                if len(others):
                    copies |= (vectors @ others.T).max(axis=1) >= self.similar
        return vectors, copies


def _share(k: int, asked: Constraints) -> int:
    return round(asked.rare_share * k)


def _rare(pool: PoolScores, k: int, asked: Constraints) -> NDArray[np.bool_]:
    """[N]: the cases whose likeliest class is the rare one; if too few, those it is likeliest in."""
    if asked.rare is None:
        return np.zeros(len(pool), bool)
    found = np.asarray(pool.ensemble.argmax(axis=1) == asked.rare)
    if found.sum() < _share(k, asked):
        seen = np.asarray(pool.ensemble)[:, asked.rare]
        found[np.argsort(-seen, kind="stable")[: _share(k, asked)]] = True
    return found


def _even(sizes: Indices, k: int) -> Indices:
    """How many of ``k`` each stratum gets: as even as their sizes allow, larger ones first."""
    quota, left = np.zeros(len(sizes), np.int64), min(k, int(sizes.sum()))
    while left:
        hungry = np.flatnonzero(quota < sizes)
        if left < len(hungry):
            quota[hungry[np.argsort(-sizes[hungry], kind="stable")[:left]]] += 1
            break
        more = np.minimum(sizes[hungry] - quota[hungry], left // len(hungry))
        quota[hungry] += more
        left -= int(more.sum())
    return quota


def _mixed(picks: Indices, rare: NDArray[np.bool_]) -> Indices:
    """The rare class's cases evenly among the others, each kind in its order."""
    of_class = rare[picks]
    if not of_class.any() or of_class.all():
        return picks
    place = np.empty(len(picks))
    for kind in (of_class, ~of_class):
        place[kind] = (np.arange(kind.sum()) + 0.5) / kind.sum()
    return picks[np.argsort(place, kind="stable")]
