"""Loads the demo projects: images through the ordinary import, reads through the ordinary submission.

Can be run again at any time: what is there already is left alone.
"""

from __future__ import annotations

import csv
import json
import time
import uuid
from pathlib import Path
from typing import Any

import yaml
from pydicom.uid import generate_uid
from rich.console import Console

from annotation import imports, members, projects, queue, reading
from annotation.errors import NothingToRead
from annotation.models import Case, Project, Role, Site, User
from learning import recipes

HERE = Path(__file__).resolve().parent
PROJECTS = ("tuberculosis", "hippocampus", "lung-lesion")
ROLES = (Role.READER, Role.ML_ENGINEER, Role.STEWARD)
ARRIVAL_SECONDS = 180.0


def load(console: Console, owner: User) -> None:
    """Create the projects with ``owner`` as lead, import their images, add the four readers' reads."""
    for slug in PROJECTS:
        project = _create(slug, owner)
        if not project.cases.exists():
            console.print(f"  importing {project.title} …")
            _import_images(project, owner)
    for slug, count in (("tuberculosis", 344), ("hippocampus", 48), ("lung-lesion", 1)):
        _wait_for_cases(Project.objects.get(slug=slug), count)
    _load_lung_reads(Project.objects.get(slug="lung-lesion"), owner)


def _create(slug: str, owner: User) -> Project:
    document = yaml.safe_load((HERE / slug / "project.yaml").read_text(encoding="utf-8"))
    project = projects.create(document, owner=owner)
    for role in ROLES:
        members.add(project, username=owner.username, role=role, user=owner)
    if recipe := document.get("recipe"):
        recipes.store(project, recipe, user=owner)
    return project


def _import_images(project: Project, owner: User) -> None:
    folder = HERE / project.slug
    if project.slug != "tuberculosis":
        images = folder / ("dicom" if project.slug == "lung-lesion" else "images")
        imports.import_paths(project, sorted(images.iterdir()), owner)
        return
    with (folder / "labels.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    for name in sorted({row["site"] for row in rows}):
        site, _ = Site.objects.get_or_create(slug=name.lower(), defaults={"name": name})
        paths = [folder / "images" / row["image"] for row in rows if row["site"] == name]
        imports.import_paths(project, paths, owner, site=site)


def _wait_for_cases(project: Project, count: int) -> None:
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while project.cases.filter(state=Case.State.READY).count() < count:
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"Only {project.cases.count()} of {count} cases of “{project.title}” have arrived. "
                "Look at the import page and at var/log/worker.log, then run the command again."
            )
        time.sleep(0.5)


def _load_lung_reads(project: Project, owner: User) -> None:
    """The four readers' outlines and scores, each submitted by an account of its own."""
    source = json.loads((HERE / "lung-lesion" / "readers.json").read_text(encoding="utf-8"))
    for reader in source["readers"]:
        username = f"lidc-reader-{reader['reader']}"
        user = User.objects.filter(username=username).first()
        if user is None:
            full_name = f"LIDC Reader {reader['reader']}"
            user = members.new_account(username, full_name=full_name).user
            members.add(project, username=username, role=Role.READER, user=owner)
        try:
            slot = queue.claim(project, user)
        except NothingToRead:
            continue
        reading.submit(
            slot.pk,
            user,
            token=slot.token,
            idempotency_key=uuid.uuid5(uuid.NAMESPACE_OID, f"lidc-0314-{reader['reader']}"),
            content=_content(reader),
            active_seconds=0,
        )


def _content(reader: dict[str, Any]) -> dict[str, Any]:
    answers = [
        {"question": question, "target": "", "value": reader[question]}
        for question in ("malignancy", "spiculation")
    ]
    marks = [
        {
            "tracking_uid": generate_uid(entropy_srcs=[f"{reader['nodule_id']}-{number}"]),
            "kind": "contour",
            "label_class": "lesion",
            "sop_instance_uid": contour["sop_instance_uid"],
            "frame": 1,
            "points_px": contour["points_xy"],
            "mask": None,
            "series": None,
            "text": "" if contour["inclusion"] else "excluded region",
        }
        for number, contour in enumerate(reader["contours"])
    ]
    return {"answers": answers, "marks": marks}
