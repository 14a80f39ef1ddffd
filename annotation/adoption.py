"""Apply a new or altered intake rule to the series that are here already, a few at a time.

The only writer of Adoption. It only marks series: the next turns of ``intake`` settle them.
"""

from __future__ import annotations

from django.db import transaction

from . import intake_rules
from .models import Adoption, Project, Series

LOOKED_AT_ONCE = 1000
_ALL = 2**63 - 1


def begin(project: Project) -> None:
    """In the caller's transaction. One that is under way begins anew, with the rule as it now is."""
    Adoption.objects.update_or_create(project=project, defaults={"below": _ALL})


def advance() -> int:
    """One step of each, unless there is enough to settle already; how many series were marked."""
    unsettled = Series.objects.filter(stable=False, deleted_at=None)[:LOOKED_AT_ONCE].count()
    if unsettled >= LOOKED_AT_ONCE:
        return 0
    return sum(map(_step, Adoption.objects.order_by("pk").values_list("pk", flat=True)))


@transaction.atomic
def _step(adoption_id: int) -> int:
    """The row is locked: a rule that is changed meanwhile begins after this step, from the top."""
    rows = Adoption.objects.select_for_update(of=("self",)).select_related("project")
    adoption = rows.filter(pk=adoption_id).first()
    if adoption is None:
        return 0
    looked_at = list(
        Series.objects.filter(pk__lt=adoption.below, deleted_at=None)
        .order_by("-pk")
        .values_list("pk", "attributes")[:LOOKED_AT_ONCE]
    )
    rule = adoption.project.intake_rule
    wanted = [pk for pk, attributes in looked_at if intake_rules.matches(rule, attributes)]
    marked = (
        Series.objects.filter(pk__in=wanted, stable=True, display__isnull=False)
        .exclude(cases__project=adoption.project)
        .update(stable=False)
    )
    if len(looked_at) < LOOKED_AT_ONCE:
        adoption.delete()
    else:
        adoption.below = looked_at[-1][0]
        adoption.save(update_fields=["below"])
    return marked
