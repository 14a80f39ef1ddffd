"""Rounds, models, the curve and the ranking through the API, as the pages and scripts use them."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import builders
import learning_builders as lessons
import pytest
from rest_framework.test import APIClient

from annotation import api_tokens, snapshots
from annotation.models import Project, Role, User
from learning import artifacts, recipes, registry
from learning.models import (
    Arm,
    CurvePoint,
    Evaluation,
    Ranking,
    Round,
    RoundLog,
    TrainedModel,
    Training,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("artifacts_folder")]

WEIGHTS = {"densenet": b"weights of one", "vit": b"weights of two"}


@pytest.fixture
def project() -> Project:
    return lessons.taught(pool=4, control=4, calibration=1, holdout=4, unread=2)


@pytest.fixture
def engineer(project: Project) -> User:
    return builders.user(Role.ML_ENGINEER, project=project)


@pytest.fixture
def client(engineer: User) -> APIClient:
    made = APIClient()
    made.force_login(engineer)
    return made


@pytest.fixture
def done(project: Project) -> Round:
    """A finished round with two networks, their ensemble, a ranking and a curve."""
    round_ = Round.objects.create(
        project=project,
        number=1,
        recipe=project.recipes.get(),
        seed=1,
        trigger="button",
        state=Round.State.DONE,
        step=Round.Step.PROMOTE,
        progress=1,
        snapshot=snapshots.freeze(project, user=None, title="", query={}),
    )
    networks = [network(round_, name) for name in WEIGHTS]
    ensemble = registry.add_ensemble(round_, networks, dict.fromkeys(WEIGHTS, 1.5))
    registry.settle(
        ensemble, instead_of=None, better=True, reason="The first model of the project."
    )
    for arm in (Arm.ACTIVE, Arm.CONTROL):
        CurvePoint.objects.create(
            round=round_, arm=arm, labels=4, reader_seconds=90, metric="auroc",
            value=0.8, low=0.7, high=0.9, patients=4,
        )  # fmt: skip
    Ranking.objects.create(
        project=project, generation=1, round=round_, model=ensemble, acquisition="falcun",
        reason="It suits.", size=2,
        batch=[{"case": 1, "rank": 1, "score": 0.5, "components": {"margin": 0.4}}],
    )  # fmt: skip
    return round_


def network(round_: Round, name: str) -> TrainedModel:
    sha256 = name.encode().hex().ljust(64, "0")
    artifacts.write(artifacts.weights_path(sha256), lambda file: file.write(WEIGHTS[name]))
    training = Training.objects.create(
        round=round_, arm=Arm.ALL, network=name, epoch=2, epochs=2, labels=8,
        history=[
            {"epoch": 1, "train_loss": 0.7, "validation_loss": None},
            {"epoch": 2, "train_loss": 0.5, "validation_loss": 0.6},
        ],
        left_out=[{"case": 7, "reason": "It is blank."}],
    )  # fmt: skip
    environment = {"code_sha256": "c" * 64, "torch": "2.13"}
    recipe = recipes.parsed(round_.recipe)
    model = registry.add_network(
        round_, training, weights_sha256=sha256, recipe=recipe, environment=environment
    )
    for metric, detail in {
        "auroc": {"false_positive_rate": [0, 0.5, 1], "true_positive_rate": [0, 0.9, 1]},
        "ece": {"bins": [{"cases": 3, "stated": 0.2, "observed": 0.25}]},
    }.items():
        Evaluation.objects.create(
            model=model, stream="holdout", metric=metric, value=0.8, low=0.6, high=0.9,
            patients=4, detail=detail,
        )  # fmt: skip
    return model


def taught_enough() -> Project:
    return lessons.taught(pool=7, control=7, calibration=1, holdout=4, unread=1)


def of(project: Project) -> APIClient:
    made = APIClient()
    made.force_login(builders.user(Role.ML_ENGINEER, project=project))
    return made


def test_starting_says_what_is_missing(client: APIClient, project: Project) -> None:
    project.cases.filter(stream="control").update(state="withdrawn")
    answer = client.post(f"/api/projects/{project.slug}/rounds")
    assert (answer.status_code, answer.json()["code"]) == (409, "round_not_possible")
    assert "4 of at least 8 training labels" in answer.json()["detail"]


def test_a_round_is_started_by_button_seen_cancelled_and_retried() -> None:
    project = taught_enough()
    client = of(project)
    answer = client.post(f"/api/projects/{project.slug}/rounds")
    assert answer.status_code == 201
    started = answer.json()
    assert (started["number"], started["state"], started["trigger"]) == (1, "running", "button")
    assert [step["state"] for step in started["steps"]] == ["running"] + ["waiting"] * 7
    assert client.post(f"/api/projects/{project.slug}/rounds").status_code == 409
    [listed] = client.get(f"/api/projects/{project.slug}/rounds").json()["results"]
    assert (listed["id"], listed["started_by"]) == (started["id"], started["started_by"])
    cancelled = client.post(f"/api/rounds/{started['id']}/cancel").json()
    assert cancelled["state"] == "cancelled"
    assert [step["state"] for step in cancelled["steps"]] == ["cancelled"] + ["waiting"] * 7
    assert client.post(f"/api/rounds/{started['id']}/cancel").status_code == 409
    assert client.post(f"/api/rounds/{started['id']}/retry").json()["state"] == "running"


def test_a_program_starts_a_round_with_a_token() -> None:
    project = taught_enough()
    by = builders.user(Role.ML_ENGINEER, project=project)
    token = api_tokens.create(project, user=by, name="cron", actions=["rounds.run"], days=1)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token.secret}")
    answer = client.post(f"/api/projects/{project.slug}/rounds")
    assert (answer.status_code, answer.json()["trigger"]) == (201, "api")


def test_a_round_shows_losses_left_out_cases_and_models(client: APIClient, done: Round) -> None:
    shown = client.get(f"/api/rounds/{done.pk}").json()
    assert [step["state"] for step in shown["steps"]] == ["done"] * 8
    assert (shown["eta_seconds"], shown["snapshot"]) == (None, done.snapshot_id)
    first = shown["trainings"][0]
    assert first["history"][1] == {"epoch": 2, "train_loss": 0.5, "validation_loss": 0.6}
    assert first["left_out"] == [{"case": 7, "reason": "It is blank."}]
    assert {model["network"] for model in shown["models"]} == {"densenet", "vit", "ensemble"}


def test_a_round_says_why_an_arm_has_no_value_on_the_curve(client: APIClient, done: Round) -> None:
    assert client.get(f"/api/rounds/{done.pk}").json()["unmeasured"] == []
    done.curve.filter(arm="control").update(value=None)
    for arm in ("active", "control"):
        model = TrainedModel.objects.create(
            project=done.project, round=done, arm=arm, network="ensemble", config={},
            weights_sha256="", code_sha256="0" * 64,
        )  # fmt: skip
        Evaluation.objects.create(
            model=model, stream="holdout", metric="auroc", patients=3, note="Only one class."
        )
    [row] = client.get(f"/api/rounds/{done.pk}").json()["unmeasured"]
    assert row == {"arm": "control", "metric": "auroc", "note": "Only one class."}


def test_a_running_round_estimates_the_time_that_is_left(client: APIClient, done: Round) -> None:
    Round.objects.filter(pk=done.pk).update(state=Round.State.RUNNING, progress=0.5)
    assert client.get(f"/api/rounds/{done.pk}").json()["eta_seconds"] >= 0
    Round.objects.filter(pk=done.pk).update(progress=0.01)
    assert client.get(f"/api/rounds/{done.pk}").json()["eta_seconds"] is None


def test_the_log_is_read_on_from_the_last_line_seen(client: APIClient, done: Round) -> None:
    for text in ("one", "two", "three"):
        RoundLog.objects.create(round=done, text=text)
    lines = client.get(f"/api/rounds/{done.pk}/log").json()["results"]
    assert [line["text"] for line in lines] == ["one", "two", "three"]
    address = f"/api/rounds/{done.pk}/log"
    after = client.get(address, {"after": lines[0]["id"]}).json()["results"]
    assert [line["text"] for line in after] == ["two", "three"]
    assert client.get(address, {"after": lines[2]["id"]}).json()["results"] == []
    assert client.get(address, {"after": ""}).status_code == 200
    assert client.get(address, {"after": "x"}).status_code == 422


def test_models_are_listed_with_metrics_and_intervals(client: APIClient, done: Round) -> None:
    project = done.project
    models = client.get(f"/api/projects/{project.slug}/models").json()["results"]
    by_network = {model["network"]: model for model in models}
    assert by_network["ensemble"]["state"] == "in_use"
    assert set(by_network["ensemble"]["members"]) == {
        by_network["vit"]["id"],
        by_network["densenet"]["id"],
    }
    metric = by_network["vit"]["metrics"][0]
    assert (metric["metric"], metric["value"], metric["low"]) == ("auroc", 0.8, 0.6)
    assert "detail" not in metric


def test_a_model_shows_its_curves_and_what_it_came_from(client: APIClient, done: Round) -> None:
    shown = client.get(f"/api/models/{registry.find(done, Arm.ALL, 'vit').pk}").json()
    assert shown["roc"]["points"][1] == {"fpr": 0.5, "tpr": 0.9}
    assert shown["calibration"]["points"] == [{"predicted": 0.2, "observed": 0.25, "count": 3}]
    assert shown["lineage"]["snapshot"]["content_sha256"] == done.snapshot.content_sha256
    assert shown["lineage"]["round"] == {"id": done.pk, "number": 1, "seed": 1}
    ensemble = client.get(f"/api/models/{registry.find(done, Arm.ALL).pk}").json()
    assert (ensemble["roc"], ensemble["calibration"]) == (None, None)


def test_what_was_said_of_single_cases_stays_on_the_server(client: APIClient, done: Round) -> None:
    row = Evaluation.objects.filter(metric="auroc").first()
    row.detail = {**row.detail, "by_case": [{"case": 1, "values": [0.123456, 0.876544]}]}
    row.save()
    answers = [
        client.get(f"/api/models/{row.model_id}"),
        client.get(f"/api/projects/{done.project.slug}/models"),
    ]
    assert all(b"0.123456" not in answer.content for answer in answers)


def test_a_model_is_put_into_use_with_a_reason(client: APIClient, done: Round) -> None:
    used = registry.find(done, Arm.ALL)
    TrainedModel.objects.filter(pk=used.pk).update(state="retired")
    address = f"/api/models/{used.pk}/use"
    assert client.post(address, {"reason": " "}, format="json").status_code == 422
    answer = client.post(address, {"reason": "It is calmer."}, format="json")
    assert (answer.status_code, answer.json()["state"]) == (200, "in_use")
    assert answer.json()["state_reason"] == "It is calmer."
    again = client.post(address, {"reason": "Once more."}, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "model_not_usable")


def test_a_download_brings_weights_configuration_and_card(client: APIClient, done: Round) -> None:
    model = registry.find(done, Arm.ALL)
    answer = client.get(f"/api/models/{model.pk}/download")
    assert answer["Content-Type"] == "application/zip"
    assert "round-1-all-ensemble.zip" in answer["Content-Disposition"]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert set(archive.namelist()) == {
        "densenet.safetensors",
        "vit.safetensors",
        "config.json",
        "card.md",
        "card.html",
    }
    assert archive.read("vit.safetensors") == WEIGHTS["vit"]
    config: dict[str, Any] = json.loads(archive.read("config.json"))
    assert config["recipe"]["networks"] == ["densenet", "vit"]
    assert {member["temperature"] for member in config["members"]} == {1.5}
    assert b"Research use only" in archive.read("card.md")


def test_a_download_of_lost_weights_says_what_to_do(client: APIClient, done: Round) -> None:
    model = registry.find(done, Arm.ALL, "vit")
    artifacts.weights_path(model.weights_sha256).unlink()
    answer = client.get(f"/api/models/{model.pk}/download")
    assert answer.status_code == 404
    assert "backup" in answer.json()["detail"]


def test_a_dataset_brings_the_models_that_were_trained_on_it(done: Round) -> None:
    client = APIClient()
    client.force_login(builders.user(Role.STEWARD, project=done.project))
    answer = client.get(f"/api/snapshots/{done.snapshot_id}/download", {"models": 1})
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    brought = [name for name in archive.namelist() if name.endswith(".safetensors")]
    assert {name.rsplit("/", 1)[-1] for name in brought} == {
        "vit.safetensors",
        "densenet.safetensors",
    }


def test_a_dataset_whose_models_lost_their_weights_says_so_before_it_begins(done: Round) -> None:
    client = APIClient()
    client.force_login(builders.user(Role.STEWARD, project=done.project))
    artifacts.weights_path(registry.find(done, Arm.ALL, "vit").weights_sha256).unlink()
    answer = client.get(f"/api/snapshots/{done.snapshot_id}/download", {"models": 1})
    assert answer.status_code == 404
    assert "vit.safetensors" in answer.json()["detail"]
    assert client.get(f"/api/snapshots/{done.snapshot_id}/download").status_code == 200


def test_the_curve_has_both_arms_in_labels_and_minutes(client: APIClient, done: Round) -> None:
    curve = client.get(f"/api/projects/{done.project.slug}/curve").json()
    assert (curve["metric"], curve["higher_is_better"], curve["holdout_patients"]) == (
        "auroc",
        True,
        4,
    )
    assert curve["points"][0] == {
        "round": 1, "arm": "active", "labels": 4, "reader_minutes": 1.5,
        "value": 0.8, "low": 0.7, "high": 0.9, "patients": 4,
    }  # fmt: skip
    assert {point["arm"] for point in curve["points"]} == {"active", "control"}


def test_before_the_first_round_the_curve_is_empty(client: APIClient, project: Project) -> None:
    curve = client.get(f"/api/projects/{project.slug}/curve").json()
    assert (curve["metric"], curve["points"]) == ("", [])
    missing = client.get(f"/api/projects/{project.slug}/ranking")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


def test_the_ranking_says_why(client: APIClient, done: Round) -> None:
    ranking = client.get(f"/api/projects/{done.project.slug}/ranking").json()
    assert (ranking["generation"], ranking["acquisition"], ranking["size"]) == (1, "falcun", 2)
    assert ranking["batch"][0]["components"] == {"margin": 0.4}


def test_learning_says_what_is_there_and_what_to_do(client: APIClient, project: Project) -> None:
    shown = client.get(f"/api/projects/{project.slug}/learning").json()
    assert shown["labels"] == {
        "all": 8,
        "active": 4,
        "control": 4,
        "holdout": 4,
        "calibration": 1,
    }
    assert (shown["can_start"], shown["why_not"]) == (True, "")
    assert shown["next_step"]["code"] == "start_round"
    client.post(f"/api/projects/{project.slug}/rounds")
    shown = client.get(f"/api/projects/{project.slug}/learning").json()
    assert not shown["can_start"]
    assert shown["running_round"]["number"] == 1
    assert shown["next_step"]["code"] == "round_running"


def test_learning_shows_the_model_in_use(client: APIClient, done: Round) -> None:
    shown = client.get(f"/api/projects/{done.project.slug}/learning").json()
    assert shown["model_in_use"]["id"] == registry.find(done, Arm.ALL).pk
    assert shown["model_in_use"]["round"] == 1


def test_a_project_without_a_recipe_says_so(db: None) -> None:
    project = builders.project()
    shown = of(project).get(f"/api/projects/{project.slug}/learning").json()
    assert not shown["can_start"]
    assert "no recipe" in shown["why_not"]
