"""A project's pool as the fast loop keeps it in memory: what the head thinks of each case that waits.

Nothing here is written anywhere: a process that was killed opens it again from the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from annotation.models import Project
from learning import acquisition
from learning.acquisition import Features, Need, PoolScores, Selection
from learning.acquisition.core_set import distances
from learning.engine.spec import Recipe
from learning.head import Standing
from learning.models import Score, TrainedModel
from learning.pool import costs, ranking, scoring
from learning.pool.pools import Stored

LEAST, MOST = 1024, 4096
"""Cases among which the acquisition function chooses."""
WRITTEN_LEAST, WRITTEN_MOST, BATCHES = 256, 2000, 8
"""Cases whose place is written: so many batches, within these."""
SAMPLE = 4096
ATTEMPTS = 3
"""At an order without cases that wait no more; then they are left out of what there is."""
DRAWS = 8
"""Opinions drawn from the head for functions that ask a committee."""
SETTLED_AGAIN = 1.5
"""Growth of the labels after which all curvatures are taken anew."""

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Order:
    """The first cases to read, in order, and what made the first ones so."""

    pool: ranking.Pool
    selection: Selection
    cases: list[int]
    whole: bool
    """Whether they are all that waits."""


@dataclass
class FastPool:
    project: Project
    model: TrainedModel
    recipe: Recipe
    rule: str
    """The acquisition function of the last round's ranking."""
    round: int
    stored: Stored
    standing: Standing
    known: dict[int, str]
    waiting: NDArray[np.bool_]
    """[N]: wanted by a reader, as far as is known; what has a label is left out besides."""
    labelled: NDArray[np.bool_]
    uncertainty: NDArray[np.float32] | None = None
    """[N], of masks: as the round measured it."""
    distance: NDArray[np.float32] | None = None
    """[N] to the nearest labelled case, kept for k-center."""
    took: costs.Times | None = None
    """How long cases take readers; as it was when the pool was opened."""
    settled: int = field(default=0)

    @classmethod
    def open(
        cls,
        model: TrainedModel,
        recipe: Recipe,
        stored: Stored,
        *,
        rule: str,
        round_: int,
        known: Mapping[int, str],
    ) -> FastPool:
        """Slow: minutes for a million cases the first time, seconds later."""
        project = model.project
        rows, targets = _taught(stored, recipe, known)
        if recipe.task == "segmentation":
            standing = Standing.of_places(stored.rows, rows)
        else:
            standing = Standing.of_answers(stored.rows, rows, targets, len(recipe.classes))
        made = cls(
            project=project,
            model=model,
            recipe=recipe,
            rule=rule,
            round=round_,
            stored=stored,
            standing=standing,
            known=dict(known),
            waiting=_waiting(project, stored),
            labelled=np.zeros(stored.rows.count, bool),
            took=costs.times(project),
            settled=len(rows),
        )
        made.labelled[rows] = True
        if recipe.task == "segmentation":
            made.uncertainty = _uncertainties(model, stored)
        if rule == "kcenter":
            made.distance = distances(Features(stored.rows.exact), stored.rows.exact[rows])
        return made

    def fits(self, known: Mapping[int, str]) -> bool:
        """Whether labels only came in; one that was taken back or changed cannot be unlearnt."""
        return all(known.get(case) == target for case, target in self.known.items())

    def teach(self, known: Mapping[int, str]) -> int:
        """What is labelled now; how many labels are new."""
        fresh = {case: target for case, target in known.items() if case not in self.known}
        rows, targets = _taught(self.stored, self.recipe, fresh)
        if len(rows):
            self.standing.learn(rows, targets)
            self.labelled[rows] = True
            if self.distance is not None:
                exact = self.stored.rows.exact
                self.distance = distances(Features(exact), exact[rows], self.distance)
        self.known.update(fresh)
        return len(fresh)

    def settle(self) -> None:
        """After the order is written: takes curvatures anew, once labels have grown by half."""
        count = int(self.labelled.sum())
        if count >= SETTLED_AGAIN * max(self.settled, 1):
            self.standing.settle()
            self.settled = count

    def order(self) -> Order:
        """The new order of the first cases. What turns out not to wait any more is left out for good."""
        for _ in range(ATTEMPTS):
            rows = self._candidates()
            pool, selection = self._chosen(rows)
            first = [pool.cases[at] for at in selection.order()[: self._written()]]
            wanted = scoring.pool(self.project).filter(pk__in=first)
            there = set(wanted.values_list("pk", flat=True))
            if len(there) == len(first):
                break
            gone = np.array([case for case in first if case not in there], np.int64)
            self.waiting[self.stored.at(gone)] = False
        cases = [case for case in first if case in there]
        return Order(pool, selection, cases, len(cases) == int(self._open().sum()))

    def places(self, cases: list[int]) -> dict[int, float]:
        """Share of the pool that is worth less than each of these cases, for those that it holds."""
        if not cases:
            return {}
        rows = self.stored.at(np.array(cases, np.int64))
        worth = self._worth()
        others = worth[np.random.default_rng(0).integers(0, len(worth), SAMPLE)]
        others = np.sort(others[np.isfinite(others)])
        shares = np.searchsorted(others, worth[rows]) / max(len(others), 1)
        return {
            case: float(share)
            for case, row, share in zip(cases, rows, shares, strict=True)
            if row >= 0
        }

    def _written(self) -> int:
        return min(WRITTEN_MOST, max(WRITTEN_LEAST, BATCHES * self.recipe.batch))

    def _open(self) -> NDArray[np.bool_]:
        return self.waiting & ~self.labelled

    def _worth(self) -> NDArray[np.float32]:
        """[N], cheap: by it the candidates are found among which the function chooses."""
        if self.distance is not None:
            worth = self.distance
        elif self.uncertainty is not None:
            worth = self.uncertainty * self.standing.doubt_left()
        else:
            worth = self.standing.doubt()
        return np.where(self._open(), worth, -np.inf).astype(np.float32)

    def _candidates(self) -> Indices:
        """The half that is worth most, and as many at random, by ascending row."""
        size = min(MOST, max(LEAST, 2 * self._written()))
        open_ = np.flatnonzero(self._open())
        if len(open_) <= size:
            return open_
        worth = self._worth()
        top = np.argpartition(-worth, size // 2)[: size // 2]
        lots = np.random.default_rng(self.round).permutation(
            np.unique(np.random.default_rng(0).integers(0, len(open_), 4 * size))
        )
        others = np.setdiff1d(open_[lots], top, assume_unique=True)[: size - len(top)]
        return np.sort(np.concatenate([top, others]))

    def _chosen(self, rows: Indices) -> tuple[ranking.Pool, Selection]:
        pool = self._pool(rows)
        asked = ranking.constraints(self.recipe)
        needs = acquisition.ACQUISITIONS[self.rule].needs
        scores = pool.scores
        if Need.EMBEDDINGS in needs or asked.distinct is not None:
            exact, rows = self.stored.rows.exact, self.stored.at(np.array(pool.cases, np.int64))
            scores = replace(
                scores,
                embeddings=Features(exact[rows]),
                labelled=np.asarray(exact[np.flatnonzero(self.labelled)]),
                distance=None if self.distance is None else self.distance[rows],
            )
        pool = ranking.in_circumstances(
            self.project, self.recipe, replace(pool, scores=scores), self.took
        )
        selection = acquisition.select(
            self.rule, pool.scores, self.recipe.batch, seed=self.round, constraints=asked
        )
        return pool, ranking.named(selection, self.recipe)

    def _pool(self, rows: Indices) -> ranking.Pool:
        cases = self.stored.ids[rows].tolist()
        if self.uncertainty is not None:
            return self._masks(cases)
        said, variance = self.standing.exactly(rows)
        scores = PoolScores(
            ensemble=said.astype(np.float32),
            samples=self._opinions(rows, variance),
            ids=np.array(cases, np.int64),
            round=self.round,
        )
        return ranking.Pool(cases, scores)

    def _masks(self, cases: list[int]) -> ranking.Pool:
        """The round's measures, each less what labels nearby have answered since."""
        pool = ranking.load(self.project, self.model, rounds=self.round, only=cases)
        left = self.standing.doubt_left()[self.stored.at(np.array(pool.cases, np.int64))]
        scores = pool.scores
        by_class, apart = scores.class_uncertainty, scores.contradiction
        fresh = replace(
            scores,
            uncertainty=None if scores.uncertainty is None else scores.uncertainty * left,
            class_uncertainty=None if by_class is None else by_class * left[:, None],
            contradiction=None if apart is None else apart * left,
        )
        return ranking.Pool(pool.cases, fresh)

    def _opinions(self, rows: Indices, variance: NDArray[np.float64]) -> NDArray[np.float32] | None:
        """[M, DRAWS, C] probabilities of weights drawn from the head, where a committee is asked."""
        if Need.NETWORKS not in acquisition.ACQUISITIONS[self.rule].needs:
            return None
        return self.standing.opinions(rows, variance, DRAWS)


def _taught(stored: Stored, recipe: Recipe, known: Mapping[int, str]) -> tuple[Indices, Indices]:
    """Rows and classes of the labels that have an embedding, by ascending row."""
    cases = np.array(sorted(known), np.int64)
    rows = stored.at(cases)
    there = rows >= 0
    if recipe.task == "segmentation":
        return rows[there], np.zeros(int(there.sum()), np.int64)
    numbers = {name: number for number, name in enumerate(recipe.classes)}
    classes = np.array([numbers[known[case]] for case in cases.tolist()], np.int64)
    return rows[there], classes[there]


def _waiting(project: Project, stored: Stored) -> NDArray[np.bool_]:
    waiting = np.zeros(stored.rows.count, bool)
    ids = scoring.pool(project).values_list("pk", flat=True).iterator(ranking.ROWS_AT_ONCE)
    while chunk := list(islice(ids, ranking.ROWS_AT_ONCE)):
        rows = stored.at(np.array(chunk, np.int64))
        waiting[rows[rows >= 0]] = True
    return waiting


def _uncertainties(model: TrainedModel, stored: Stored) -> NDArray[np.float32]:
    found = np.zeros(stored.rows.count, np.float32)
    rows = Score.objects.filter(model=model).values_list("case_id", "uncertainty")
    scored = rows.iterator(ranking.ROWS_AT_ONCE)
    while chunk := list(islice(scored, ranking.ROWS_AT_ONCE)):
        at = stored.at(np.array([case for case, _ in chunk], np.int64))
        values = np.array([value for _, value in chunk], np.float32)
        found[at[at >= 0]] = values[at >= 0]
    return found
