"""Run in the Django of a scratch database: builds a project to read, or says what became of it.

python reading_world.py build CASES READERS     prints {"slug", "tokens"}
python reading_world.py look                    prints what the database holds
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import django  # noqa: E402

django.setup()

from annotation.models import Case, Draft, Event, Project, Read, Reference, Slot  # noqa: E402


def build(cases: int, readers: int) -> dict[str, Any]:
    import builders

    from annotation import api_tokens
    from annotation.access import Action

    project = builders.project()
    add_cases(project, cases)
    people = [builders.reader(project) for _ in range(readers)]
    actions = [Action.READ_CASES, Action.VIEW_PROJECT]
    tokens = [
        api_tokens.create(project, user=one, name="chaos", actions=actions, days=1).secret
        for one in people
    ]
    return {"slug": project.slug, "tokens": tokens}


def add_cases(project: Project, amount: int) -> None:
    """All at once, on one series: thousands in a second."""
    import builders

    series = builders.series()
    patient = builders.patient(project)
    shared = {"project": project, "stream": "pool"}
    made = Case.objects.bulk_create(
        Case(**shared, patient=patient, uid=builders.uid(), state=Case.State.READY, modality="CT")
        for _ in range(amount)
    )
    Case.series.through.objects.bulk_create(
        Case.series.through(case=case, series=series) for case in made
    )
    Slot.objects.bulk_create(
        Slot(**shared, case=case, number=1, priority=1 / (2 + place))
        for place, case in enumerate(made)
    )


def look() -> dict[str, Any]:
    from annotation import ledger

    project = Project.objects.get()
    verdict = ledger.verify(ledger.chain_of(project))
    events = Event.objects.filter(project=project)
    return {
        "reads": {str(read.idempotency_key): read.pk for read in Read.objects.all()},
        "late": Read.objects.filter(late=True).count(),
        "done": Slot.objects.filter(state=Slot.State.DONE).count(),
        "references": Reference.objects.filter(current=True).count(),
        "answers": sum(read.answers.count() for read in Read.objects.all()),
        "submitted": events.filter(verb="read.submit").count(),
        "claimed": events.filter(verb="slot.claim").count(),
        "tokens": sum(Slot.objects.values_list("token", flat=True)),
        "drafts": {str(draft.slot_id): draft.version for draft in Draft.objects.all()},
        "ledger": [verdict.ok, verdict.reason],
    }


if __name__ == "__main__":
    if sys.argv[1] == "build":
        print(json.dumps(build(int(sys.argv[2]), int(sys.argv[3]))))
    else:
        print(json.dumps(look()))
