"""How a model does for whom: the circumstances of cases, and a metric in each group of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from annotation.models import Case
from learning.engine.metrics import Interval, Measured, Metric, bootstrap
from learning.engine.metrics.arrays import Array

SITE, SEX, AGE, VIEW, SCANNER = "site", "sex", "age", "view", "scanner"
GROUPINGS = (SITE, SEX, AGE, VIEW, SCANNER)
FEWEST_PATIENTS = 10
"""Below, a number would say more of chance than of the group."""
UNKNOWN = ""
LONGEST = 80
_ATTRIBUTES = {SEX: "PatientSex", AGE: "AgeBand", VIEW: "ViewPosition"}

Circumstances = Mapping[int, Mapping[str, str]]


def of_cases(cases: Iterable[int]) -> Circumstances:
    """Case -> grouping -> group, '' where it is not known; of a case's first series."""
    rows = (
        Case.objects.filter(pk__in=list(cases))
        .order_by("pk", "series__pk")
        .values_list("pk", "site__name", "series__attributes")
    )
    found: dict[int, dict[str, str]] = {}
    for case, site, attributes in rows:
        found.setdefault(case, _of_one(site or "", attributes or {}))
    return found


def members(cases: Sequence[int], circumstances: Circumstances) -> dict[tuple[str, str], list[int]]:
    """(grouping, group) -> rows of ``cases``. Groupings that tell no two known groups apart: none."""
    found: dict[tuple[str, str], list[int]] = {}
    for grouping in GROUPINGS:
        groups: dict[str, list[int]] = {}
        for row, case in enumerate(cases):
            groups.setdefault(circumstances.get(case, {}).get(grouping, UNKNOWN), []).append(row)
        if len(groups) > 1:
            found |= {(grouping, group): groups[group] for group in sorted(groups) if group}
    return found


def measure(
    name: str,
    metric: Metric,
    arrays: Sequence[Array],
    patients: Sequence[str],
    groups: Mapping[tuple[str, str], list[int]],
    *,
    seed: int,
) -> list[Measured]:
    """The metric in each group; one of too few patients says so instead of a number."""
    return [
        Measured(name, _in_group(metric, arrays, patients, rows, seed), group, {}, grouping)
        for (grouping, group), rows in groups.items()
    ]


def too_few(patients: int) -> str:
    """Why there is no number; '' if there may be one."""
    if patients >= FEWEST_PATIENTS:
        return ""
    return f"{patients} of at least {FEWEST_PATIENTS} patients: too few to say."


def _in_group(
    metric: Metric, arrays: Sequence[Array], patients: Sequence[str], rows: list[int], seed: int
) -> Interval:
    of = [patients[row] for row in rows]
    if said := too_few(len(set(of))):
        return Interval(None, None, None, len(set(of)), said)
    chosen = np.array(rows)
    return bootstrap(metric, [array[chosen] for array in arrays], of, seed=seed)


def _of_one(site: str, attributes: Mapping[str, str]) -> dict[str, str]:
    made_by = (attributes.get("Manufacturer", ""), attributes.get("ManufacturerModelName", ""))
    known = {grouping: attributes.get(keyword, "") for grouping, keyword in _ATTRIBUTES.items()}
    known |= {SITE: site, SCANNER: " ".join(filter(None, made_by))}
    return {grouping: value[:LONGEST] for grouping, value in known.items()}
