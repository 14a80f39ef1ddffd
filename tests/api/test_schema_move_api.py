"""Moving a begun reading to a newer form, over HTTP: offered, weighed, and moved as it was weighed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import builders
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from annotation import schema_versions
from annotation.models import LabelSchema, Role

pytestmark = pytest.mark.django_db


def test_a_newer_form_is_offered_weighed_and_moved_to() -> None:
    project = builders.project()
    case = builders.case(project)
    client, other = APIClient(), APIClient()
    client.force_login(builders.reader(project))
    other.force_login(builders.reader(project))
    LabelSchema.objects.update(created_at=timezone.now() - timedelta(hours=1))
    claim = client.post(f"/api/projects/{project.slug}/claims", {}, format="json").json()
    slot, held = f"/api/slots/{claim['slot']}", {"token": claim["token"]}

    def post(path: str, **body: Any) -> Any:
        return client.post(f"{slot}/{path}", held | body, format="json")

    assert client.get(f"{slot}/schema-move").status_code == 409
    lead = builders.user(Role.LEAD, project=project)
    schema_versions.add(project, builders.label_document(classes=builders.CLASSES[:1]), user=lead)
    assert post("heartbeat").json()["newer_schema"] == 2
    assert client.get(slot).json()["newer_schema"] == 2
    content = {"answers": [], "marks": [builders.box(case, label_class="node")]}
    body = held | {"version": 0, "content": content, "active_seconds": 1}
    assert client.put(f"{slot}/draft", body, format="json").status_code == 200
    told = client.get(f"{slot}/schema-move").json()
    assert (told["draft"], told["version"]) == (1, 2)
    assert [(one["what"], one["code"], one["count"]) for one in told["dropped"]] == [
        ("mark", "node", 1)
    ]
    assert other.get(f"{slot}/schema-move").status_code == 404
    assert post("schema-move", draft=0, version=2).status_code == 409
    assert post("schema-move", draft=1, version=3).status_code == 409
    moved = post("schema-move", draft=1, version=2)
    assert (moved.status_code, moved.json()["version"]) == (200, 2)
    after = client.get(slot).json()
    assert (after["label_schema"]["version"], after["newer_schema"]) == (2, None)
    assert after["draft"]["content"]["marks"] == []
