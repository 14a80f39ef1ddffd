"""What triage promises against what it does, where the truth is known, and on real films.

    python tests/benchmarks/triage.py [--repetitions 1000] [--films FILMS.json] [--plot OUT.svg] [--seed 0]

1. Two simulated networks (areas under the curve 0.984 and 0.978; 0.4 % of positives invisible to both)
   at 50, 10 and 3 % prevalence. Each repetition draws a calibration stream with about 1,500 positives,
   certifies, and is compared with the truth: how often a promise (1 % of positives missed, 95 %
   confidence) is broken, and the accepted share beside that of an oracle who knows the best threshold.
   The same for three sites, one of which hides 3 % of its positives. Beside it: the plain rule that two
   networks which agree are right.
2. The audit: errors three times as frequent as tolerated, and exactly as frequent; how many audited cases
   until the lane closes, how often it closes for nothing.
3. The tuberculosis protocol on the films that ``triage_films.py`` read: each half of the patients is
   decided by what was certified on the other, the reader (the reference) decides the rest.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from learning.triage import (  # noqa: E402
    NEGATIVE,
    POSITIVE,
    Evidence,
    Monitor,
    Promise,
    certify,
    fit_scaling,
    grid,
    lower_bound,
    upper_bound,
)
from learning.triage.certificate import gap_of, score_of  # noqa: E402

SEPARATION = np.array([3.03, 2.85])
CORRELATION = 0.647
INVISIBLE = 0.004
LEVEL, CONFIDENCE = 0.01, 0.95
POSITIVES = 1500
POOL, TRUTH = 10_000, 30_000
PREVALENCES = (0.5, 0.1, 0.03)
DISTORTION = np.array([[1.4, 0.5], [0.7, -0.3]])
"""Slope and shift: networks that are too sure, or not sure enough."""


@dataclass
class Drawn:
    log_odds: np.ndarray
    positive: np.ndarray


def draw(
    rng: np.random.Generator, size: int, prevalence: float, invisible: float = INVISIBLE
) -> Drawn:
    positive = rng.random(size) < prevalence
    seen = positive & (rng.random(size) >= invisible)
    shared, own = rng.normal(size=(size, 1)), rng.normal(size=(size, 2))
    x = np.sqrt(CORRELATION) * shared + np.sqrt(1 - CORRELATION) * own + seen[:, None] * SEPARATION
    odds = SEPARATION * x - SEPARATION**2 / 2 + np.log(prevalence / (1 - prevalence))
    return Drawn(odds * DISTORTION[:, 0] + DISTORTION[:, 1], positive)


def fitted(known: Drawn, rng: np.random.Generator) -> tuple[list, np.ndarray]:
    """A scaling for each network from a fifth of the cases, and which the others are."""
    fit = rng.random(len(known.positive)) < 0.2
    places = np.flatnonzero(fit)[:4000]
    return [fit_scaling(known.log_odds[places, k], known.positive[places]) for k in (0, 1)], ~fit


def scaled(scalings: list, log_odds: np.ndarray) -> np.ndarray:
    return np.stack([scaling(log_odds[:, k]) for k, scaling in enumerate(scalings)], axis=1)


def agreement(said: Drawn) -> tuple[float, float]:
    """Accepted share and misses per positive of the plain rule, on networks as well calibrated as can be."""
    undone = (said.log_odds - DISTORTION[:, 1]) / DISTORTION[:, 0]
    both = (undone > 0).all(axis=1) | (undone < 0).all(axis=1)
    low = (undone < 0).all(axis=1)
    return float(both.mean()), float(low[said.positive].mean())


def oracle(probabilities: np.ndarray, truth: Drawn, prevalence: float) -> float:
    """The share that the best threshold on the mean accepts, known from an endless stream."""
    mean = score_of(probabilities)
    cut = np.quantile(mean[truth.positive], LEVEL)
    taken = mean <= cut
    ill, well = taken[truth.positive].mean(), taken[~truth.positive].mean()
    return float(prevalence * ill + (1 - prevalence) * well)


def promises(repetitions: int, seed: int) -> list[tuple[float, float, float]]:
    """Prevalence, misses under the certificate and under plain agreement."""
    drawn = []
    print("\n| prevalence | opened | broken | misses: promised, realised | accepted, of the oracle's | "
          "auto-positive: opened, broken | plain agreement: accepted, missed |")  # fmt: skip
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for prevalence in PREVALENCES:
        rng = np.random.default_rng([seed, int(prevalence * 100)])
        promise = Promise(LEVEL, 0.02, CONFIDENCE, gap=0.5)
        truth = draw(rng, 2 * TRUTH, 0.5)
        truth.log_odds += (np.log(prevalence / (1 - prevalence))) * DISTORTION[:, 0]
        missed, shares, positive = [], [], []
        for _ in range(repetitions):
            known = draw(rng, int(POSITIVES / prevalence), prevalence)
            scalings, rest = fitted(known, rng)
            pool = score_of(scaled(scalings, draw(rng, POOL, prevalence).log_odds))
            evidence = Evidence(
                scaled(scalings, known.log_odds[rest]),
                known.positive[rest],
                ("",) * int(rest.sum()),
            )
            low, high = certify(evidence, promise, {x: grid(pool, x) for x in (NEGATIVE, POSITIVE)})
            said = scaled(scalings, truth.log_odds)
            score, gap = score_of(said), gap_of(said)
            taken = low.accepts(score, gap, promise.gap)
            ill, well = taken[truth.positive].mean(), taken[~truth.positive].mean()
            missed.append(ill if low.threshold is not None else np.nan)
            best = oracle(said, truth, prevalence)
            shares.append((prevalence * ill + (1 - prevalence) * well) / best)
            taken = high.accepts(score, gap, promise.gap)
            right = prevalence * taken[truth.positive].mean()
            wrong = (1 - prevalence) * taken[~truth.positive].mean()
            positive.append(wrong / (wrong + right) if high.threshold is not None else np.nan)
        opened, broken = np.isfinite(missed), np.array(missed) > LEVEL
        up, up_broken = np.isfinite(positive), np.array(positive) > 0.02
        plain, lost = agreement(draw(rng, 400_000, prevalence))
        drawn.append((prevalence, float(np.nanmean(missed)), lost))
        print(
            f"| {prevalence:.0%} | {opened.mean():.1%} | {broken.mean():.1%} | {LEVEL:.1%}, "
            f"{np.nanmean(missed):.2%} | {np.mean(shares):.2f} | {up.mean():.1%}, {up_broken.mean():.1%} | "
            f"{plain:.1%}, {lost:.1%} |",
            flush=True,
        )
    return drawn


def picture(rows: list[tuple[float, float, float]], path: Path) -> None:
    """Bars of the share of positives that are missed, by prevalence."""
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 250" font-family="sans-serif" '
        'font-size="13" role="img" aria-label="Positives missed, by prevalence">',
        '<rect width="640" height="250" fill="#ffffff"/>',
        '<text x="20" y="24" font-weight="bold">Positives missed: plain agreement and certified '
        f"(promise: at most {LEVEL:.0%})</text>",
    ]
    y = 48
    for prevalence, certified, plain in rows:
        for name, value, fill in (
            ("agreement", plain, "#b3541e"),
            ("certified", certified, "#1f6f8b"),
        ):
            width = max(2.0, 1600 * value)
            parts.append(
                f'<text x="20" y="{y + 14}">{prevalence:.0%} positive, {name}</text>'
                f'<rect x="180" y="{y}" width="{width:.1f}" height="18" fill="{fill}"/>'
                f'<text x="{186 + width:.1f}" y="{y + 14}">{value:.2%}</text>'
            )
            y += 26
        y += 12
    path.write_text("".join(parts) + "</svg>\n")


def sites(repetitions: int, seed: int) -> None:
    """Three sites, the third of which hides more: tested apart, and all together."""
    hidden = {"A": INVISIBLE, "B": INVISIBLE, "C": 0.03}
    rng = np.random.default_rng([seed, 7])
    truth = {name: draw(rng, 2 * TRUTH, 0.5, hide) for name, hide in hidden.items()}
    for one in truth.values():
        one.log_odds += np.log(0.1 / 0.9) * DISTORTION[:, 0]
    broken = {"apart": 0, "together": 0}
    opened = dict.fromkeys(hidden, 0)
    for _ in range(repetitions):
        drawn = {name: draw(rng, 10_000, 0.1, hide) for name, hide in hidden.items()}
        known = Drawn(
            np.concatenate([one.log_odds for one in drawn.values()]),
            np.concatenate([one.positive for one in drawn.values()]),
        )
        groups = np.repeat(list(hidden), 10_000)
        scalings, rest = fitted(known, rng)
        probabilities = scaled(scalings, known.log_odds)
        grids = {NEGATIVE: grid(score_of(probabilities[~rest]), NEGATIVE)}
        promise = Promise(LEVEL, 0.02, CONFIDENCE, gap=0.5, lanes=(NEGATIVE,))
        for way in broken:
            names = tuple(groups[rest]) if way == "apart" else ("",) * int(rest.sum())
            found = certify(
                Evidence(probabilities[rest], known.positive[rest], names), promise, grids
            )
            lanes = {lane.group: lane for lane in found}
            worst = 0.0
            for name, one in truth.items():
                lane = lanes.get(name) or lanes[""]
                said = scaled(scalings, one.log_odds)
                taken = lane.accepts(score_of(said), gap_of(said), promise.gap)
                worst = max(worst, float(taken[one.positive].mean()))
                opened[name] += way == "apart" and lane.threshold is not None
            broken[way] += worst > LEVEL
    shares = ", ".join(f"{name} {count / repetitions:.0%}" for name, count in opened.items())
    print(f"\nThree sites, 10 % prevalence, one hides 3 % of its positives: opened {shares}; a promise "
          f"broken in {broken['apart'] / repetitions:.1%} when certified apart, in "
          f"{broken['together'] / repetitions:.1%} when all are thrown together.")  # fmt: skip


def drift(repetitions: int, seed: int) -> None:
    rng = np.random.default_rng([seed, 11])
    longest = 20_000
    print("\n| tolerated error | three times that: closed after (median, 95 of 100) | "
          "exactly that: closed within 20,000 audited |")  # fmt: skip
    print("| --- | --- | --- |")
    for tolerance in (0.05, 0.02, 0.0125, 0.005):
        closing = [
            first_alarm(rng.random(longest) < 3 * tolerance, tolerance) for _ in range(repetitions)
        ]
        false = [
            first_alarm(rng.random(longest) < tolerance, tolerance) for _ in range(repetitions)
        ]
        alarms = sum(one < longest for one in false)
        print(f"| {tolerance:.2%} | {np.median(closing):.0f}, {np.quantile(closing, 0.95):.0f} | "
              f"{alarms} of {repetitions} |", flush=True)  # fmt: skip


def first_alarm(wrong: np.ndarray, tolerance: float) -> int:
    """Audited cases until the monitor is broken; it can only break at an error."""
    for errors, place in enumerate(np.flatnonzero(wrong), start=1):
        if Monitor(tolerance, 0.01, int(place) + 1, errors).is_broken:
            return int(place) + 1
    return len(wrong)


@dataclass
class Outcome:
    name: str
    found: int
    positives: int
    cleared: int
    negatives: int
    asked: int

    def line(self) -> str:
        return (
            f"| {self.name} | {_share(self.found, self.positives)} | "
            f"{_share(self.cleared, self.negatives)} | "
            f"{_share(self.asked, self.positives + self.negatives)} |"
        )


def _share(hits: int, count: int) -> str:
    low, high = lower_bound(hits, count, 0.975), upper_bound(hits, count, 0.975)
    return f"{hits / count:.1%} ({low:.1%} to {high:.1%})"


def films(path: Path, seed: int) -> None:
    stored = json.loads(path.read_text())
    rows = stored["films"]
    odds = np.array([list(row["log_odds"].values()) for row in rows])
    positive = np.array([row["positive"] for row in rows])
    rng = np.random.default_rng([seed, 13])
    half = rng.permutation(len(rows)) % 2 == 0
    print(f"\n{len(rows)} films, {positive.sum()} with tuberculosis; {stored['about']}; areas "
          f"{', '.join(f'{_area(odds[:, k], positive):.3f}' for k in (0, 1))}, of the mean "
          f"{_area(odds.mean(axis=1), positive):.3f}")  # fmt: skip
    print("\n| rule | sensitivity | specificity | share that needed the radiologist |")
    print("| --- | --- | --- | --- |")
    low, high = (odds < 0).all(axis=1), (odds > 0).all(axis=1)
    print(_outcome("plain agreement", low, high, positive).line())
    for level in (0.02, 0.05, 0.1, 0.2):
        for fewest, name in (
            (300, f"certified, {level:.0%}"),
            (0, f"certified, {level:.0%}, any number"),
        ):
            if fewest and level > 0.02:
                continue
            low, high = _decided(odds, positive, half, level, fewest, rng)
            print(_outcome(name, low, high, positive).line())


def _decided(
    odds: np.ndarray,
    positive: np.ndarray,
    half: np.ndarray,
    level: float,
    fewest: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """What each half's lanes accept of the other half as negative and as positive."""
    promise = Promise(level, level, CONFIDENCE, gap=0.5, fewest=fewest)
    taken = np.zeros((2, len(odds)), bool)
    for known, other in ((half, ~half), (~half, half)):
        scalings, rest = fitted(Drawn(odds[known], positive[known]), rng)
        said, new = scaled(scalings, odds[known]), scaled(scalings, odds[other])
        evidence = Evidence(said[rest], positive[known][rest], ("",) * int(rest.sum()))
        grids = {name: grid(score_of(new), name) for name in (NEGATIVE, POSITIVE)}
        for place, lane in enumerate(certify(evidence, promise, grids)):
            taken[place, other] = lane.accepts(score_of(new), gap_of(new), promise.gap)
            if lane.threshold is None:
                needs = lane.needs
                print(f"  {lane.name} at {level:.0%}: closed with {lane.n} films, {lane.positives} positive; "
                      + (f"{needs.cases} more are needed" if needs.possible else "no number would do"),
                      file=sys.stderr)  # fmt: skip
    return taken[0], taken[1] & ~taken[0]


def _outcome(name: str, low: np.ndarray, high: np.ndarray, positive: np.ndarray) -> Outcome:
    """The radiologist reads the rest, and is right: the reference is the radiologist's."""
    return Outcome(
        name,
        int((positive & ~low).sum()),
        int(positive.sum()),
        int((~positive & ~high).sum()),
        int((~positive).sum()),
        int((~low & ~high).sum()),
    )


def _area(score: np.ndarray, positive: np.ndarray) -> float:
    return float((score[positive][:, None] > score[~positive]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--films", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print(f"seed {asked.seed}, {asked.repetitions} repetitions, Python {platform.python_version()}, "
          f"NumPy {version('numpy')}, SciPy {version('scipy')}")  # fmt: skip
    rows = promises(asked.repetitions, asked.seed)
    if asked.plot:
        picture(rows, asked.plot)
    sites(asked.repetitions, asked.seed)
    drift(asked.repetitions, asked.seed)
    if asked.films:
        films(asked.films, asked.seed)


if __name__ == "__main__":
    main()
