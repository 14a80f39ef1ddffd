"""Follow Orthanc's change log: what arrives becomes series, cases and slots; what is deleted goes.

The only writer of ChangeCursor and, with ``arrivals``, of Series and Instance. The cursor moves in
the transaction that writes the rows, and every step may be repeated: a kill at any line, a restart
of either side, changes in any order and objects that come late all end in the same rows.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Max
from django.db.models.functions import Now

from . import adoption, arrivals, enrolment, frame_cache, orthanc, quarantine
from .dicom import limits
from .dicom.display import Described, irregularity, series_display
from .dicom.faults import Fault
from .errors import ConsiliumError
from .models import CaseUnit, ChangeCursor, Instance, Series
from .turns import turn

STORE = "orthanc"
CHANGES_AT_ONCE = 64
QUIET = timedelta(seconds=2)
READ_SECONDS = SETTLE_SECONDS = 5.0
"""Neither waits long for the other: a feed that is behind still makes cases of what it brought."""
SETTLED_AT_ONCE = 200
RECONCILE_SECONDS = 60.0
SWEEP_SECONDS = 600.0
TURN = "intake"

_AS_STACK = (
    "It is shown as a stack, not as a volume. A segmentation project takes it only once somebody has "
    "looked at it and dismissed this."
)

log = logging.getLogger(__name__)
_reconciled_at = 0.0
_swept_at = 0.0


def follow() -> int:
    """Take in what is new and settle what has become quiet; how many changes were handled.

    One process at a time does it; another that comes meanwhile goes away at once.
    """
    with turn(TURN) as mine:
        if not mine:
            return 0
        handled, caught_up = _read_changes()
        adoption.advance()
        settle_quiet()
        if caught_up:
            _reconcile_sometimes()
        _sweep_sometimes()
        return handled


def settle_quiet() -> int:
    """Settle series to which nothing was added for a moment, the newest first, for as long as a turn
    may; how many it did.
    """
    until = time.monotonic() + SETTLE_SECONDS
    waiting = (
        Series.objects.filter(stable=False, deleted_at=None)
        .annotate(newest=Max("instances__created_at"))
        .filter(newest__lt=Now() - QUIET)
    )
    ids = list(waiting.order_by("-pk").values_list("pk", flat=True)[:SETTLED_AT_ONCE])
    for done, series_id in enumerate(ids, start=1):
        settle_or_hold(series_id)
        if time.monotonic() >= until:
            return done
    return len(ids)


def settle_or_hold(series_id: int) -> None:
    """Settle, but what is wrong with one series stops no other: it is logged and put in quarantine."""
    try:
        settle(series_id)
    except (ConsiliumError, InterfaceError, OperationalError):
        raise
    except Exception as error:  # the edge of one series' work: nobody knows what a header may hold
        log.exception("Series %s could not be made ready", series_id)
        fault = Fault(
            "not_described",
            f"The series could not be made ready to read ({type(error).__name__}). Try again after an "
            "update, and report it to the person who runs this server: the log says more.",
        )
        with transaction.atomic():
            series = _lock(series_id)
            if series is not None:
                series.stable = True
                series.save(update_fields=["stable"])
                quarantine.hold_series(series, [fault])


def settle(series_id: int) -> None:
    """Describe the series as it now is and bring its cases up to date. Repeating it changes nothing.

    Where each image is a case, each has a transaction of its own: the ledger is locked from a case's
    first event on, and nobody could claim a case until the last of hundreds was written.
    """
    identity = _identity(series_id)
    with transaction.atomic():
        series = _lock(series_id)
        if series is None:
            return
        images = [instance for instance in series.instances.all() if instance.pixel_sha256]
        faults: list[Fault] = []
        wanted: list[enrolment.Enrolment] = []
        if len(images) > limits.MAX_SERIES_OBJECTS:
            faults = [_too_many(images)]
        elif images:
            faults = _describe(series, images)
            wanted = _takers(series, faults)
        by_image = [one for one in wanted if one.project.case_unit == CaseUnit.INSTANCE]
        series.stable = not by_image
        series.save()
        for each in wanted:
            if each not in by_image:
                (uid,) = enrolment.units(each.project, series)
                faults += _enrol(series, each, uid, identity)
        quarantine.hold_series(series, faults)
    if by_image:
        _settle_by_image(series, by_image, identity, faults)


def _settle_by_image(
    series: Series,
    enrolments: Sequence[enrolment.Enrolment],
    identity: tuple[str, str],
    faults: list[Fault],
) -> None:
    """Stable only at the end, and only if nothing came or went meanwhile: else it is settled again."""
    before = set(series.instances.values_list("pk", flat=True))
    for each in enrolments:
        for uid in enrolment.units(each.project, series):
            with transaction.atomic():
                locked = _lock(series.pk)
                if locked is None or not locked.instances.filter(sop_instance_uid=uid).exists():
                    return
                found = _enrol(locked, each, uid, identity)
            if found:
                faults += found
                break
    with transaction.atomic():
        locked = _lock(series.pk)
        if locked and set(locked.instances.values_list("pk", flat=True)) == before:
            locked.stable = True
            locked.save(update_fields=["stable"])
            quarantine.hold_series(locked, faults)


def reconcile() -> int:
    """Compare the rows with what Orthanc holds, both ways; how many objects differed.

    Orthanc logs no deletions, and a restored or replaced store has a log of its own.
    """
    held, known = orthanc.all_instances(), arrivals.known()
    quarantined = set(quarantine.objects().values_list("orthanc_id", flat=True))
    gone = {store_id: series for store_id, series in known.items() if store_id not in held}
    _forget(gone)
    quarantine.release(quarantined - held)
    unknown = sorted(held - known.keys() - quarantined)
    for start in range(0, len(unknown), CHANGES_AT_ONCE):
        found = arrivals.examine(unknown[start : start + CHANGES_AT_ONCE])
        with transaction.atomic():
            arrivals.record(found)
    return len(gone) + len(quarantined - held) + len(unknown)


def _read_changes() -> tuple[int, bool]:
    """Page after page until nothing is new, or until the time for one turn is over."""
    cursor, _ = ChangeCursor.objects.get_or_create(store=STORE)
    seq, handled, until = cursor.seq, 0, time.monotonic() + READ_SECONDS
    while True:
        page = orthanc.changes(seq, CHANGES_AT_ONCE)
        if page.last < seq:
            seq = _start_again(seq)
            continue
        if not _take_in(page, expected=seq):
            return handled, False
        handled += len(page.changes)
        seq = page.last
        if page.done or time.monotonic() >= until:
            return handled, page.done


def _start_again(seq: int) -> int:
    """The log is shorter than what was read of it: the store was emptied or exchanged."""
    global _reconciled_at
    _reconciled_at = 0.0
    ChangeCursor.objects.filter(store=STORE, seq=seq).update(seq=0)
    return 0


def _take_in(page: orthanc.ChangePage, *, expected: int) -> bool:
    """Examine first, then write rows and cursor together; False if somebody else moved the cursor."""
    new = [change for change in page.changes if change.kind == "NewInstance"]
    found = arrivals.examine(arrivals.unknown(new))
    with transaction.atomic():
        cursor = ChangeCursor.objects.select_for_update().get(store=STORE)
        if cursor.seq != expected:
            return False
        arrivals.record(found)
        if page.last != expected:
            cursor.seq = page.last
            cursor.save()
    return True


def _reconcile_sometimes() -> None:
    """Counting is cheap and done often; listing is done only where the counts differ."""
    global _reconciled_at
    if time.monotonic() - _reconciled_at < RECONCILE_SECONDS:
        return
    _reconciled_at = time.monotonic()
    if orthanc.statistics().instances != arrivals.known_count():
        reconcile()


def _sweep_sometimes() -> None:
    global _swept_at
    if time.monotonic() - _swept_at >= SWEEP_SECONDS:
        _swept_at = time.monotonic()
        frame_cache.sweep()


def _identity(series_id: int) -> tuple[str, str]:
    """Patient ID and issuer, asked of the image store: they are not kept here."""
    store_id = (
        Instance.objects.filter(series_id=series_id).values_list("orthanc_id", flat=True).first()
    )
    return orthanc.patient_identity(store_id) if store_id else ("", "")


def _lock(series_id: int) -> Series | None:
    """The series, and its whole study: two series of one case must not settle past each other."""
    study = Series.objects.filter(pk=series_id).values_list("study_uid", flat=True).first()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"study:{study}"])
    return Series.objects.select_for_update().filter(pk=series_id, deleted_at=None).first()


def _too_many(images: Sequence[Instance]) -> Fault:
    return Fault(
        "too_large",
        f"The series has {len(images)} images; the limit is {limits.MAX_SERIES_OBJECTS}. "
        "Send it in parts, as several series.",
    )


def _describe(series: Series, images: Sequence[Instance]) -> list[Fault]:
    """Also what a person should know of its geometry before anything is measured in it."""
    objects = [
        Described(
            sop_instance_uid=image.sop_instance_uid,
            store_id=image.orthanc_id,
            sha256=image.sha256,
            normalised=image.normalised,
            description=image.description,
        )
        for image in images
    ]
    display = series_display(objects)
    leading = min(images, key=lambda image: image.sop_instance_uid).description
    series.display, series.frame_count = display, display["frame_count"]
    series.modality, series.description = leading["modality"], leading["description"]
    series.body_part, series.attributes = leading["body_part"], leading["attributes"]
    made = leading.get("study_date")
    series.study_date = date.fromisoformat(made) if made else None
    odd = irregularity(objects)
    return [Fault(quarantine.NO_VOLUME, f"{odd} {_AS_STACK}")] if odd else []


def _takers(series: Series, odd: Sequence[Fault]) -> list[enrolment.Enrolment]:
    """The projects that take the series. One that needs a volume waits for a person."""
    waits = any(not quarantine.is_accepted(series, fault) for fault in odd)
    return [
        each
        for each in enrolment.projects_for(series)
        if not (waits and enrolment.needs_volume(each.project, series))
    ]


def _enrol(
    series: Series, each: enrolment.Enrolment, uid: str, identity: tuple[str, str]
) -> list[Fault]:
    """What kept the series out of the case of that UID."""
    patient_id, issuer = identity
    try:
        enrolment.enrol(series, each, uid, patient_id=patient_id, issuer=issuer)
    except Fault as fault:
        return [fault]
    return []


def _forget(gone: dict[str, int]) -> None:
    """Deleted in Orthanc. A series that lost all its objects is kept as deleted, with their hashes."""
    by_series = defaultdict(set)
    for store_id, series_id in gone.items():
        by_series[series_id].add(store_id)
    for series_id in sorted(by_series):
        _forget_in_series(series_id, by_series[series_id])


def _forget_in_series(series_id: int, gone: set[str]) -> None:
    with transaction.atomic():
        series = _lock(series_id)
        if series is None:
            return
        for sha256 in series.instances.filter(orthanc_id__in=gone).values_list("sha256", flat=True):
            frame_cache.drop(sha256)
        if series.instances.exclude(orthanc_id__in=gone).exists():
            series.instances.filter(orthanc_id__in=gone).delete()
            enrolment.withdraw_gone(series)
            series.stable = False
            series.save(update_fields=["stable"])
        else:
            Series.objects.filter(pk=series.pk).update(deleted_at=Now())
            enrolment.withdraw(series)
