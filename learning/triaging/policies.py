"""What a lead allows two networks to decide alone. The only writer of TriagePolicy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction

from annotation import doorbell, ledger
from annotation.errors import InvalidInput
from annotation.models import Project, User
from learning.models import GroupBy, TriagePolicy
from learning.triage import NEGATIVE, POSITIVE, Promise

ACTOR = "watch_triage"
LANES = (NEGATIVE, POSITIVE)
DEFAULT: dict[str, Any] = {
    "is_on": False,
    "lanes": [NEGATIVE],
    "miss_level": 0.02,
    "error_level": 0.02,
    "confidence": 0.95,
    "gap": 0.3,
    "group_by": GroupBy.SITE,
    "least_audit": 0.02,
    "valid_days": 90,
}
LIMITS = {
    "miss_level": (0.001, 0.2),
    "error_level": (0.001, 0.2),
    "confidence": (0.8, 0.999),
    "gap": (0.01, 1.0),
    "least_audit": (0.01, 1.0),
    "valid_days": (1, 366),
}


def current(project: Project) -> TriagePolicy | None:
    return project.triage_policies.order_by("-version").first()


def sign(
    project: Project, *, user: User, reason: str, wanted: Mapping[str, Any], base: int
) -> TriagePolicy:
    """The next version, in force at once: what was accepted under the one before goes back to readers.

    ``base``: the version that the lead saw (0: none), so that two leads do not sign past each other.
    """
    checked = check(wanted)
    if not reason.strip():
        raise InvalidInput("Say why the policy is signed so: it stays on the ledger.")
    with transaction.atomic():
        project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        before = current(project)
        version = 0 if before is None else before.version
        if version != base:
            raise InvalidInput(
                "Somebody signed another version of the policy meanwhile. Look at it, and sign again."
            )
        policy = TriagePolicy.objects.create(
            project=project, version=version + 1, reason=reason, signed_by=user, **checked
        )
        data = {"version": policy.version, "reason": reason, **checked}
        doorbell.ring(ACTOR, project.pk)
        ledger.record("triage.sign", project=project, actor=user, obj=policy, data=data)
    return policy


def check(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, whole. Raises InvalidInput with all that is wrong."""
    values = {**DEFAULT, **{name: wanted[name] for name in DEFAULT if name in wanted}}
    problems = list(_problems(values))
    if problems:
        raise InvalidInput("The policy cannot be signed so.", errors=problems)
    values["lanes"] = [name for name in LANES if name in values["lanes"]]
    return values


def promise(policy: Mapping[str, Any] | TriagePolicy) -> Promise:
    """What the pure part tests."""
    if isinstance(policy, TriagePolicy):
        policy = {name: getattr(policy, name) for name in DEFAULT}
    return Promise(
        miss_level=policy["miss_level"],
        error_level=policy["error_level"],
        confidence=policy["confidence"],
        gap=policy["gap"],
        lanes=tuple(policy["lanes"]),
    )


def _problems(values: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for name, (low, high) in LIMITS.items():
        value = values[name]
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            yield {"where": name, "message": f"It must be a number from {low:g} to {high:g}."}
    lanes = values["lanes"]
    if not isinstance(lanes, list) or not lanes or not set(lanes) <= set(LANES):
        yield {"where": "lanes", "message": "Choose at least one lane that may open."}
    if values["group_by"] not in GroupBy.values:
        yield {"where": "group_by", "message": "Choose all cases, each site or each scanner."}
