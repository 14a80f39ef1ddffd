"""The head on frozen embeddings: against scikit-learn, against sampling, and against fitting anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import BayesianRidge, LogisticRegression

from learning import artifacts
from learning.head import HeadError, Linear, Logistic, Posterior, Rows, Standing, write_rows
from learning.head import rows as rows_module


def blobs(labels: int, width: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(classes, width))
    answers = np.arange(labels) % classes
    points = middles[answers] + 1.5 * rng.normal(size=(labels, width))
    return points / np.sqrt(width), answers


def stored(folder: Path, rows: np.ndarray, size: int = 100) -> Rows:
    folder.mkdir(exist_ok=True)

    parts = (rows[start : start + size].astype(np.float32) for start in range(0, len(rows), size))

    def write(path: Path, fill: Any) -> None:
        with path.open("wb") as file:
            fill(file)

    return Rows(folder, len(rows), rows.shape[1], write_rows(folder, len(rows), parts, write))


@pytest.mark.parametrize(("classes", "labels"), [(2, 30), (2, 300), (4, 40), (4, 400)])
def test_the_likeliest_weights_are_those_of_scikit_learn(classes: int, labels: int) -> None:
    rows, answers = blobs(labels, 20, classes)
    ours = Logistic.fit(rows, answers, classes, precision=0.1)
    theirs = LogisticRegression(C=10, fit_intercept=False, tol=1e-10, max_iter=10_000)
    theirs.fit(rows, answers)
    assert ours.weights == pytest.approx(theirs.coef_.T, abs=2e-4)


@pytest.mark.parametrize("classes", [2, 3])
def test_one_more_label_gives_what_a_fit_to_all_gives(classes: int) -> None:
    rows, answers = blobs(61, 12, classes)
    head = Logistic.fit(rows[:60], answers[:60], classes, precision=0.1)
    more, shrinkage = head.after(rows[60:], answers[60:])
    anew = Logistic.fit(rows, answers, classes, precision=0.1)
    assert more.weights == pytest.approx(anew.weights, abs=2e-4)
    asked, _ = blobs(200, 12, classes, seed=0)
    before, after = (one.posterior.variance(asked) for one in (head, more))
    assert before - shrinkage.taken(asked @ shrinkage.directions) == pytest.approx(after)
    said = [
        one.predictive(one.logits(asked), one.posterior.variance(asked)) for one in (more, anew)
    ]
    assert np.abs(said[0] - said[1]).max() < 0.01
    settled = more.settled()
    assert settled.posterior.covariance == pytest.approx(anew.posterior.covariance, rel=1e-3)


def test_labels_that_come_together_count_like_labels_one_after_another() -> None:
    rows, _ = blobs(40, 9, 2)
    weights = np.linspace(0.1, 2, 40)
    whole = Posterior.of(rows, weights, 0.5)
    inverse = np.linalg.inv(0.5 * np.eye(9) + (rows * weights[:, None]).T @ rows)
    assert whole.covariance == pytest.approx(inverse)
    step = Posterior.of(rows[:4], weights[:4], 0.5)  # fewer than features: the other way
    for start in range(4, 40, 3):
        step, _ = step.after(rows[start : start + 3], weights[start : start + 3])
    assert step.covariance == pytest.approx(inverse)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_predictive_probability_is_near_the_mean_over_drawn_weights(classes: int) -> None:
    """As many weights as the posterior allows are drawn, and what they say is averaged."""
    rows, answers = blobs(24, 6, classes)
    head = Logistic.fit(rows, answers, classes, precision=0.3)
    asked, _ = blobs(60, 6, classes, seed=4)
    rng = np.random.default_rng(1)
    root = np.linalg.cholesky(head.posterior.covariance)
    noise = rng.normal(size=(4000, *head.weights.shape))
    logits = asked @ (head.weights + np.einsum("ij,sjk->sik", root, noise))
    if classes == 2:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=2)
    drawn = softmax(logits, axis=2).mean(axis=0)
    said = head.predictive(head.logits(asked), head.posterior.variance(asked))
    assert said.sum(axis=1) == pytest.approx(1)
    assert np.abs(said - drawn).max() < 0.07
    certain = head.predictive(head.logits(asked), np.zeros(len(asked)))
    assert np.abs(said - drawn).mean() < np.abs(certain - drawn).mean()


def test_the_prior_with_the_largest_evidence_is_taken() -> None:
    rows, answers = blobs(200, 10, 2)
    random = np.random.default_rng(3).integers(0, 2, 200)
    taught, noise = (Logistic.fit(rows, said, 2) for said in (answers, random))
    assert noise.precision > taught.precision
    others = [Logistic.fit(rows, answers, 2, precision=one).evidence() for one in (0.003, 1.0)]
    assert taught.evidence() >= max(others)


def test_a_linear_head_is_bayesian_ridge_and_grows_by_labels() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(80, 7))
    values = rows @ rng.normal(size=7) + 0.3 * rng.normal(size=80)
    theirs = BayesianRidge(fit_intercept=False, tol=1e-8).fit(rows, values)
    given = {"precision": float(theirs.lambda_), "noise": float(1 / theirs.alpha_)}
    head = Linear.fit(rows[:50], values[:50], **given)
    for start in range(50, 80, 10):
        head, _ = head.after(rows[start : start + 10], values[start : start + 10])
    asked = rng.normal(size=(20, 7))
    mean, deviation = theirs.predict(asked, return_std=True)
    assert head.mean(asked) == pytest.approx(mean, rel=1e-5)
    assert head.posterior.variance(asked) + given["noise"] == pytest.approx(deviation**2, rel=1e-4)


def test_input_that_is_not_a_number_is_refused() -> None:
    rows, answers = blobs(10, 4, 2)
    rows[3, 1] = np.nan
    with pytest.raises(HeadError, match="not numbers"):
        Logistic.fit(rows, answers, 2)
    with pytest.raises(HeadError, match="outside"):
        Logistic.fit(rows[:3], np.array([0, 1, 2]), 2)
    with pytest.raises(HeadError, match="not a number"):
        Linear.fit(rows, np.zeros(10), precision=1, noise=1)


@pytest.mark.parametrize("classes", [2, 5])
def test_a_pass_in_half_the_bytes_is_as_good_as_its_digits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classes: int
) -> None:
    """bf16 has eight bits; the answers of both ways, and of neither file, must agree to them."""
    points, _answers = blobs(3000, 33, classes)
    points += 40  # far from zero, where single precision itself begins to cancel
    kept = stored(tmp_path / "rows", points)
    phi = kept.scale(points)
    vectors = np.random.default_rng(0).normal(size=(34, 3))
    assert kept.products(vectors) == pytest.approx(phi @ vectors, abs=2e-3)
    monkeypatch.setattr(rows_module, "FEW", 0)
    calls = iter([0.0, 1.0])
    monkeypatch.setattr(rows_module, "_seconds", lambda work: next(calls))
    halved = Rows(kept.folder, kept.count, kept.width, kept.scale)
    found = halved.products(vectors)
    assert halved._halved is not None
    assert np.abs(found - phi @ vectors).max() < 0.05
    assert np.abs(found - phi @ vectors).max() > 0
    assert halved.variances(np.eye(34)) == pytest.approx((phi**2).sum(axis=1), rel=1e-3)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_pool_brought_up_to_date_stands_as_one_taught_anew(tmp_path: Path, classes: int) -> None:
    points, answers = blobs(400, 16, classes)
    kept = stored(tmp_path / "rows", points)
    known = np.arange(30)
    standing = Standing.of_answers(kept, known, answers[known], classes)
    precision = standing.head.precision
    for more in (np.array([40]), np.array([50, 51, 52])):
        standing.learn(more, answers[more])
    everyone = np.concatenate([known, [40, 50, 51, 52]])
    anew = Logistic.fit(kept.features(everyone), answers[everyone], classes, precision=precision)
    asked = np.arange(400)
    exact, _ = standing.exactly(asked)
    said = anew.predictive(
        anew.logits(kept.features(asked)), anew.posterior.variance(kept.features(asked))
    )
    assert np.abs(exact - said).max() < 0.05
    ordered = np.sort(exact, axis=1)
    margins = ordered[:, -1] - ordered[:, -2]
    assert (
        np.corrcoef(standing.doubt().argsort().argsort(), (-margins).argsort().argsort())[0, 1]
        > 0.99
    )
    standing.settle()
    exact, variance = standing.exactly(asked)
    assert exact == pytest.approx(said, abs=1e-3)
    assert standing.variance == pytest.approx(variance, rel=1e-3)


def test_what_is_left_to_learn_is_least_beside_a_label(tmp_path: Path) -> None:
    points, _ = blobs(300, 16, 3)
    points[1] = points[0] + 1e-4
    kept = stored(tmp_path / "rows", points)
    standing = Standing.of_places(kept, np.arange(200, 230))
    assert standing.doubt_left() == pytest.approx(1)
    standing.learn(np.array([0]), np.array([0]))
    left = standing.doubt_left()
    assert left[1] == pytest.approx(left.min(), abs=1e-3)
    assert left[1] < 0.8 < np.median(left) <= 1


def test_a_file_of_another_size_is_refused(tmp_path: Path) -> None:
    kept = stored(tmp_path / "rows", blobs(50, 8, 2)[0])
    longer = Rows(kept.folder, 60, kept.width, kept.scale)
    with pytest.raises(HeadError, match="not the file"):
        longer.products(np.zeros((9, 1)))
    with pytest.raises(HeadError, match="instead of 51"):
        write_rows(tmp_path, 51, [np.zeros((50, 8), np.float32)], artifacts.write)
