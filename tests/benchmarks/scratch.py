"""A scratch database with a project of any size, built by PostgreSQL itself: two minutes per million."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from deploy.stack import Ports, Stack  # noqa: E402

PATIENTS = """
INSERT INTO annotation_patient (project_id, pseudonym, stream)
SELECT %(project)s, 'patient-' || number, CASE
    WHEN number %% 100 < 36 THEN 'pool' WHEN number %% 100 < 66 THEN 'control'
    WHEN number %% 100 < 76 THEN 'calibration' ELSE 'holdout' END
FROM generate_series(1, %(cases)s) AS number
"""
CASES = """
INSERT INTO annotation_case (project_id, patient_id, uid, stream, state, state_reason, modality,
    body_part, frame_count, reads_wanted, created_at)
SELECT project_id, id, '2.25.9' || id, stream, 'ready', '', 'CT', 'CHEST', 1, 1, now()
FROM annotation_patient WHERE project_id = %(project)s
"""
SERIES = """
INSERT INTO annotation_case_series (case_id, series_id)
SELECT id, %(series)s FROM annotation_case WHERE project_id = %(project)s
"""
SLOTS = """
INSERT INTO annotation_slot (case_id, project_id, stream, modality, body_part, purpose, number, state,
    priority, generation, token)
SELECT id, project_id, stream, modality, body_part, 'primary', 1, 'open', 0.001 + 0.998 * random(), 1, 0
FROM annotation_case WHERE project_id = %(project)s
"""
READERS = """
WITH made AS (
    INSERT INTO annotation_user (username, password, first_name, last_name, email, is_staff,
        is_active, is_superuser, date_joined, must_change_password, key_profile, key_changes)
    SELECT 'reader-' || number, '!', '', '', '', false, true, false, now(), false, 'default', '{}'
    FROM generate_series(1, %(readers)s) AS number RETURNING id
), joined AS (
    INSERT INTO annotation_membership (user_id, project_id, role, created_at)
    SELECT id, %(project)s, 'reader', now() FROM made
)
INSERT INTO annotation_apitoken (user_id, project_id, name, digest, actions, created_at, expires_at,
    last_used_at)
SELECT id, %(project)s, 'benchmark', encode(sha256(('cns_' || id)::bytea), 'hex'),
    ARRAY['cases.read', 'project.view'], now(), now() + interval '1 day',
    now()
FROM made
"""
# A tenth of all cases has been read, by the first readers in turn.
HISTORY = """
WITH people AS (
    SELECT user_id AS id, row_number() OVER (ORDER BY user_id) - 1 AS place
    FROM annotation_membership WHERE project_id = %(project)s ORDER BY user_id LIMIT 64
), done AS (
    UPDATE annotation_slot AS slot SET state = 'done', token = 1, reader_id = people.id
    FROM people WHERE slot.project_id = %(project)s AND slot.id %% 10 = 0
        AND people.place = (slot.id / 10) %% 64
    RETURNING slot.id, slot.case_id, slot.reader_id
)
INSERT INTO annotation_read (case_id, slot_id, reader_id, purpose, label_schema_id, idempotency_key,
    content_sha256, late, active_seconds, instances_sha256, submitted_at, looks, origin)
SELECT case_id, id, reader_id, 'primary', %(label_schema)s, gen_random_uuid(), '', false, 20, '', now(),
    '[]', '{}'
FROM done
"""


@dataclass(frozen=True)
class Built:
    """A project and its readers; a reader's API token follows from the id."""

    project: int
    slug: str
    readers: list[int]


def secret_of(reader: int) -> str:
    return f"cns_{reader}"


@contextmanager
def stack(folder: Path, *, keep: bool) -> Iterator[Stack]:
    """PostgreSQL with its usual durability; the web server when it is asked for."""
    made = Stack(folder, Ports.free(), ["postgres", "web"])
    os.environ.update(made.settings)
    os.environ["DATABASE_POOL"] = "24"
    made.start(["postgres"])
    try:
        yield made
    finally:
        made.stop()
        if not keep:
            shutil.rmtree(folder)


def set_up_django() -> None:
    import django

    django.setup()


def build(cases: int, readers: int) -> Built:
    """A project with so many cases and readers; the one of an earlier run, if that was kept."""
    from django.core.management import call_command
    from django.db import connection, transaction

    from annotation.models import Membership, Project

    call_command("migrate", verbosity=0)
    import builders

    project = Project.objects.order_by("pk").first()
    if project is None:
        project = builders.project(evaluation_first=False)
        parameters = {
            "project": project.pk,
            "cases": cases,
            "readers": readers,
            "series": builders.series().pk,
            "label_schema": project.label_schemas.get().pk,
        }
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in (PATIENTS, CASES, SERIES, SLOTS, READERS, HISTORY):
                cursor.execute(statement, parameters)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE annotation_slot SET state = 'done' WHERE state = 'claimed'")
        cursor.execute(
            "UPDATE annotation_apitoken SET last_used_at = now()"
        )  # noted now and then only
        cursor.execute("VACUUM ANALYZE")
    people = Membership.objects.filter(project=project).order_by("user_id")
    return Built(project.pk, project.slug, list(people.values_list("user_id", flat=True)))
