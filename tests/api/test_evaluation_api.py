"""Comparisons, the stop rule, doubtful labels and cards through the API: what they say, and to whom."""

from __future__ import annotations

import builders
import learning_builders as lessons
import pytest
from rest_framework.test import APIClient

from annotation import snapshots
from annotation.models import Event, Project, Role
from learning import recipes, registry
from learning.models import Arm, Evaluation, Round, TrainedModel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("artifacts_folder")]


@pytest.fixture
def project() -> Project:
    return lessons.taught(pool=4, control=4, calibration=1, holdout=12, unread=2)


def of(project: Project, role: str = Role.LEAD) -> APIClient:
    made = APIClient()
    made.force_login(builders.user(role, project=project))
    return made


def model(project: Project, number: int, *, sure: float) -> TrainedModel:
    """An ensemble that gave each true answer of the hold-out about this probability."""
    round_ = Round.objects.create(
        project=project, number=number, recipe=project.recipes.get(), seed=1, trigger="api",
        state=Round.State.DONE, snapshot=snapshots.freeze(project, user=None, title="", query={}),
    )  # fmt: skip
    made = TrainedModel.objects.create(
        project=project, round=round_, arm=Arm.ALL, network=registry.ENSEMBLE,
        weights_sha256="a" * 64, code_sha256="c" * 64, temperature=1.5,
        config={
            "recipe": recipes.parsed(round_.recipe).document(),
            "environment": {"torch": "2.13"},
        },
        operating_point={"threshold": 0.3, "note": "Set by the recipe."},
    )  # fmt: skip
    said = []
    items = round_.snapshot.items.filter(stream="holdout").order_by("case_id")
    for place, item in enumerate(items):
        right = sure if place % 3 else 1 - sure
        truth = item.reference.answers["finding"] == "yes"
        yes = right if truth else 1 - right
        yes += 0.001 * place
        said.append(
            {
                "case": item.case_id,
                "reference": item.reference_id,
                "values": [1 - yes, yes],
                "truth": int(truth),
            }
        )
    Evaluation.objects.create(
        model=made, stream="holdout", metric="auroc", value=0.8, low=0.6, high=0.9, patients=12,
        detail={"by_case": said, "false_positive_rate": [0, 1], "true_positive_rate": [0, 1]},
    )  # fmt: skip
    Evaluation.objects.create(
        model=made, stream="holdout", metric="auroc", grouping="sex", subgroup="F", value=None,
        patients=3, note="3 of at least 10 patients: too few to say.",
    )  # fmt: skip
    return made


def test_two_models_are_compared_and_no_third_persons_model_is_named(project: Project) -> None:
    first, second = model(project, 1, sure=0.9), model(project, 2, sure=0.55)
    client = of(project, Role.ML_ENGINEER)
    said = client.get(f"/api/models/{second.pk}/against/{first.pk}").json()
    assert (said["metric"], said["cases"], said["higher_is_better"]) == ("auroc", 12, True)
    main = said["rows"][0]
    assert (main["metric"], main["method"], main["patients"]) == ("auroc", "delong", 12)
    assert main["low"] <= main["value"] <= main["high"]
    assert {row["metric"] for row in said["rows"]} >= {"auprc", "brier", "ece", "f1"}
    assert 0 <= said["mcnemar"] <= 1
    same = client.get(f"/api/models/{first.pk}/against/{first.pk}")
    assert (same.status_code, same.json()["code"]) == (409, "not_comparable")
    elsewhere = model(lessons.taught(pool=1, holdout=2, control=1, calibration=1), 1, sure=0.5)
    assert client.get(f"/api/models/{first.pk}/against/{elsewhere.pk}").status_code == 404


def test_a_card_says_for_whom_and_from_what_in_markdown_and_html(project: Project) -> None:
    made = model(project, 1, sure=0.9)
    Project.objects.filter(pk=project.pk).update(title="Chest | <b>films</b>")
    client = of(project, Role.ML_ENGINEER)
    written = client.get(f"/api/models/{made.pk}/card")
    assert written["Content-Type"] == "text/markdown; charset=utf-8"
    text = written.content.decode()
    for wanted in (
        "Research use only",
        "| auroc (sex F) | not computable |  | 3 | 3 of at least 10 patients: too few to say. |",
        "Called positive from 0.3000 on. Set by the recipe.",
        "80% paired bootstrap interval",
        "## Lineage",
        made.round.snapshot.content_sha256,
    ):
        assert wanted in text, wanted
    page = client.get(f"/api/models/{made.pk}/card", {"form": "html"})
    html = page.content.decode()
    assert page["Content-Disposition"].endswith('-card.html"')
    assert "<td>auroc (sex F)</td>" in html
    assert '<th scope="col">metric</th>' in html
    assert "<b>films" not in html


def test_a_stop_is_signed_by_a_lead_alone_and_against_the_rule_only_knowingly(
    project: Project,
) -> None:
    address = f"/api/projects/{project.slug}/stopping"
    model(project, 1, sure=0.9)
    lead, engineer = of(project), of(project, Role.ML_ENGINEER)
    standing = engineer.get(address).json()
    assert [each["name"] for each in standing["conditions"]] == ["stable", "gain", "target"]
    assert [each["met"] for each in standing["conditions"]] == [None, None, None]
    assert standing["conditions"][2]["value"] == 0.8
    assert "stop.target" in standing["conditions"][2]["missing"]
    assert standing["forecast"] is None
    wanted = {"choice": "stop", "reason": "Enough."}
    assert engineer.post(address, wanted, format="json").status_code == 403
    refused = lead.post(address, wanted, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_enough_to_stop")
    signed = lead.post(address, {**wanted, "against_rule": True}, format="json").json()
    assert signed["decisions"][0]["reason"] == "Enough."
    assert Event.objects.get(verb="learning.decide").data["choice"] == "stop"
    assert lead.post(address, {"choice": "never", "reason": "x"}, format="json").status_code == 422


def test_doubtful_labels_are_for_the_lead_alone(project: Project) -> None:
    address = f"/api/projects/{project.slug}/label-issues"
    missing = of(project).get(address)
    assert (missing.status_code, missing.json()["code"]) == (409, "no_label_signals")
    for index in range(20, 30):
        lessons.case(project, "holdout", index, value="yes" if index % 2 else "no")
    model(project, 1, sure=0.9)
    found = of(project).get(address).json()
    assert (found["question"], found["compared"]) == ("finding", 22)
    assert found["total"] == len(found["issues"]) > 0
    first = found["issues"][0]
    assert first["given"] != first["likelier"]
    assert first["basis"] == "held_out"
    for role in (Role.READER, Role.ADJUDICATOR, Role.ML_ENGINEER, Role.STEWARD):
        assert of(project, role).get(address).status_code == 403
    asked = of(project).post(
        f"{address}/{first['case']}/reading", {"reason": "Doubtful."}, format="json"
    )
    assert asked.status_code == 200
    assert (
        of(project).post(f"{address}/0/reading", {"reason": "x"}, format="json").status_code == 404
    )
