"""Which projects a settled series belongs to, and the patients and cases it becomes there.

The only writer of Patient, and of Case but for the issues that ``queue`` raises. A patient is a keyed
hash of the DICOM identity, and so is the patient's stream: two processes at once come to the same.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet, Sum

from . import access, comments, ledger, queue, suggestions
from .access import Action
from .dicom.faults import Fault
from .errors import Conflict, InvalidInput
from .intake_rules import matches
from .models import (
    Case,
    CaseUnit,
    ImportItem,
    Instance,
    Patient,
    Project,
    Series,
    Site,
    Stream,
    Task,
    User,
)

GONE = "The image store no longer holds the images of this case."


@dataclass(frozen=True)
class Enrolment:
    """One project that takes a series, and the site that the images come from."""

    project: Project
    site: Site | None = None


def projects_for(series: Series) -> list[Enrolment]:
    """Projects whose rule matches, into which somebody imported all of it, or that have it already."""
    imported = _importers(series)
    having = set(series.cases.values_list("project_id", flat=True))
    projects = Project.objects.filter(archived_at=None).order_by("pk")
    return [
        Enrolment(project, imported.get(project.pk))
        for project in projects
        if project.pk in imported
        or project.pk in having
        or matches(project.intake_rule, series.attributes)
    ]


def is_closed_to(
    user: User | None,
    project: Project,
    *,
    series_uid: str,
    study_uid: str,
    attributes: Mapping[str, str],
) -> bool:
    """Whether one more object would change a case of another project, into which the user may not import."""
    cases = Case.objects.exclude(project=project)
    if user is not None:
        mine = access.visible_to(user, Case.objects.all(), Action.IMPORT_IMAGES)
        cases = cases.exclude(pk__in=mine.values("pk"))
    if cases.filter(series__series_uid=series_uid).exists():
        return True
    of_study = cases.filter(uid=study_uid).select_related("project")
    return any(matches(case.project.intake_rule, attributes) for case in of_study)


def needs_volume(project: Project, series: Series) -> bool:
    """Whether what is drawn in the series is to be a volume. What is being read already is not held back."""
    return project.task == Task.SEGMENTATION and not series.cases.filter(project=project).exists()


def pseudonym(project: Project, patient_id: str, issuer: str) -> str:
    return _keyed(project, f"patient:{patient_id}|{issuer}").hex()[:32]


def stream_of(project: Project, patient: str) -> Stream:
    """Drawn by the project's shares: a number in [0, 1) that only the project's secret can foretell."""
    drawn = int.from_bytes(_keyed(project, f"stream:{patient}")[:8]) / 2**64
    reached = 0.0
    for stream in Stream:
        reached += float(project.stream_shares.get(stream.value, 0))
        if drawn < reached:
            return stream
    return max(Stream, key=lambda stream: float(project.stream_shares.get(stream.value, 0)))


def enrol(series: Series, enrolment: Enrolment, uid: str, *, patient_id: str, issuer: str) -> Case:
    """The case of that UID (see ``units``), made or brought up to date.

    Called with the study locked (see ``intake.settle``). A Fault if the study is another patient's.
    """
    project = enrolment.project
    # Without an ID, patients cannot be told apart: each study is then a patient of its own.
    identity = patient_id or f"study {series.study_uid}"
    patient = _patient(project, pseudonym(project, identity, issuer))
    return _bring_up_to_date(project, patient, uid, series, enrolment.site)


def units(project: Project, series: Series) -> list[str]:
    """The UIDs of the cases of the project that the series is, is part of, or consists of."""
    match project.case_unit:
        case CaseUnit.STUDY:
            return [series.study_uid]
        case CaseUnit.SERIES:
            return [series.series_uid]
    images = series.instances.exclude(pixel_sha256="").order_by("sop_instance_uid")
    return list(images.values_list("sop_instance_uid", flat=True))


def withdraw(series: Series) -> None:
    """The series is gone from the image store: so are the cases that have no other. Of those that have,
    what was read of all of it is wanted again.
    """
    for case in _locked(series.cases.exclude(state=Case.State.WITHDRAWN)):
        if case.series.filter(deleted_at=None).exists():
            _refresh(case, series)
        else:
            _withdraw(case, reason=GONE)


def withdraw_gone(series: Series) -> None:
    """Cases of one instance whose instance is gone, while others of the series are still there."""
    held = series.instances.values("sop_instance_uid")
    gone = series.cases.filter(project__case_unit=CaseUnit.INSTANCE).exclude(uid__in=held)
    for case in _locked(gone.exclude(state=Case.State.WITHDRAWN)):
        _withdraw(case, reason=GONE)


def withdraw_case(case: Case, user: User, *, reason: str) -> None:
    """Take the case out for good. What was read of it stays; whoever raised an issue is told why."""
    if not reason.strip():
        raise InvalidInput("Say why the case is withdrawn: whoever asked about it is told so.")
    with transaction.atomic():
        (case,) = _locked(Case.objects.filter(pk=case.pk))
        if case.state == Case.State.WITHDRAWN:
            raise Conflict("This case is withdrawn already.")
        for issue in comments.open_issues(case):
            comments.write(case, user, text=reason, parent=issue)
        comments.mark_resolved(case, user, comment=None)
        _withdraw(case, reason=reason, user=user)


def _withdraw(case: Case, *, reason: str, user: User | None = None) -> None:
    case.state, case.state_reason = Case.State.WITHDRAWN, reason
    case.save(update_fields=["state", "state_reason"])
    queue.cancel_slots(case, reason=reason)
    _record("case.withdraw", case, actor=user, reason=reason)


def _importers(series: Series) -> dict[int, Site | None]:
    """Project id to site, for projects whose own imports brought every image of this series. Who has
    one image of it does not get to see the others.
    """
    images = series.instances.exclude(pixel_sha256="")
    wanted = set(images.values_list("sop_instance_uid", flat=True))
    items = (
        ImportItem.objects.filter(series_uids__contains=[series.series_uid], batch__isnull=False)
        .filter(state__in=[ImportItem.State.STORED, ImportItem.State.DUPLICATE])
        .select_related("batch__site")
        .order_by("-pk")
    )
    brought: dict[int, set[str]] = defaultdict(set)
    sites: dict[int, Site | None] = {}
    for item in items:
        if item.batch is not None:
            brought[item.batch.project_id].update(item.sop_instance_uids)
            sites[item.batch.project_id] = item.batch.site
    return {pk: sites[pk] for pk, uids in brought.items() if wanted <= uids}


def _keyed(project: Project, text: str) -> bytes:
    return hmac.digest(bytes(project.secret), text.encode(), "sha256")


def _patient(project: Project, name: str) -> Patient:
    patient, _ = Patient.objects.get_or_create(
        project=project, pseudonym=name, defaults={"stream": stream_of(project, name)}
    )
    return patient


def _bring_up_to_date(
    project: Project, patient: Patient, uid: str, series: Series, site: Site | None
) -> Case:
    with transaction.atomic():
        case, _ = Case.objects.get_or_create(
            project=project,
            uid=uid,
            defaults={
                "patient": patient,
                "stream": patient.stream,
                "site": site,
                "modality": series.modality,
                "body_part": series.body_part,
                "reads_wanted": project.reads_per_case,
            },
        )
        (case,) = _locked(Case.objects.filter(pk=case.pk))
        if case.patient_id != patient.pk:
            raise Fault(
                "study_of_two_patients",
                "Images of this study came under another patient before. Correct the Patient ID at "
                "the sender; until then these images are in no case.",
            )
        case.series.add(series)
        _refresh(case, series)
        return case


def _refresh(case: Case, series: Series) -> None:
    """Bring frame count and state in line with the series the case now has."""
    parts = case.series.filter(deleted_at=None)
    before = (case.state, case.frame_count)
    case.frame_count = _frame_count(case, parts)
    if case.state == Case.State.WITHDRAWN and case.state_reason == GONE:
        case.state, case.state_reason = Case.State.ARRIVING, ""
    if case.state == Case.State.ARRIVING and not _still_arriving(case, parts):
        case.state = Case.State.READY
    case.save(update_fields=["frame_count", "state", "state_reason"])
    if case.state == Case.State.READY:
        queue.open_slots(case)
    queue.ask_again(case)
    suggestions.forget(case)
    if before != (case.state, case.frame_count):
        became_ready = before[0] != case.state and case.state == Case.State.READY
        verb = "case.ready" if became_ready else "case.images_changed"
        _record(verb, case, series=series.series_uid, frames=case.frame_count)


def _frame_count(case: Case, parts: QuerySet[Series]) -> int:
    if case.project.case_unit == CaseUnit.INSTANCE:
        return Instance.objects.get(sop_instance_uid=case.uid).frame_count
    return int(parts.aggregate(frames=Sum("frame_count"))["frames"] or 0)


def _still_arriving(case: Case, parts: Iterable[Series]) -> bool:
    """Whether another series of the study, to be part of this case, has not settled yet."""
    if case.project.case_unit != CaseUnit.STUDY:
        return False
    settled = [part.pk for part in parts]
    others = Series.objects.filter(study_uid=case.uid, stable=False, deleted_at=None)
    return any(_will_join(case.project, other) for other in others.exclude(pk__in=settled))


def _will_join(project: Project, series: Series) -> bool:
    return any(each.project == project for each in projects_for(series))


def _locked(cases: QuerySet[Case]) -> list[Case]:
    """In the order of their ids, so that two who lock several never wait for each other in a ring."""
    rows = cases.select_for_update(no_key=True, of=("self",)).select_related("project")
    return list(rows.order_by("pk"))


def _record(verb: str, case: Case, *, actor: User | None = None, **data: object) -> None:
    data = {"case": case.pk, "stream": case.stream, **data}
    ledger.record(verb, project=case.project, actor=actor, obj=case, data=data)
