"""Prompts over HTTP: for whom, about what, how many, and what of the network is hidden from whom."""

from __future__ import annotations

import gzip
import hashlib
from datetime import timedelta
from typing import Any

import builders
import prompt_builders as hand
import pytest
import suggestion_builders as hints
from django.utils import timezone
from rest_framework.test import APIClient

from annotation import prompts
from annotation.models import Event, FirstReading, Project, PromptedMask, Slot, User

pytestmark = pytest.mark.django_db


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


class Desk:
    """A reader with a case in hand, over HTTP."""

    def __init__(self, project: Project, **case: Any) -> None:
        of_slot = case.pop("of_slot", {})
        self.case = builders.case(project, frames=3, **case)
        Slot.objects.filter(case=self.case).update(**of_slot)
        self.reader = builders.reader(project)
        self.client = client_of(self.reader)
        got = self.client.post(f"/api/projects/{project.slug}/claims", {}, format="json").json()
        self.slot, self.token = got["slot"], got["token"]
        self.series = self.case.series.get().pk

    def methods(self) -> dict[str, str]:
        """By code, why it is not available."""
        got = self.client.get(f"/api/slots/{self.slot}/prompt-methods")
        assert got.status_code == 200, got.content
        return {one["code"]: one["unavailable"] for one in got.json()["results"]}

    def ask(self, *given: dict[str, Any], **fields: Any) -> Any:
        point = {"kind": "point", "positive": True, "frame": 1, "points_px": [[4.5, 3]]}
        body = {
            "token": self.token,
            "series": self.series,
            "label_class": "lesion",
            "method": "random_walk",
            "volume": False,
            "prompts": list(given or [point]),
            **fields,
        }
        return self.client.post(f"/api/slots/{self.slot}/prompts", body, format="json")

    def get(self, prompt: int, part: str = "") -> Any:
        return self.client.get(f"/api/prompts/{prompt}{part}")


@pytest.fixture
def desk() -> Desk:
    return Desk(builders.project())


def test_a_question_waits_and_its_answer_has_an_address(desk: Desk) -> None:
    asked = desk.ask()
    assert asked.status_code == 202, asked.content
    one = asked.json()["id"]
    assert desk.get(one).json()["state"] == "waiting"
    assert desk.get(one, "/mask").status_code == 404
    done = hand.answered(Slot.objects.get(pk=desk.slot), desk.reader)
    said = desk.get(done.pk).json()
    assert (said["state"], said["start"], said["shape"]) == ("done", [0, 1, 2], [1, 4, 5])
    mask = desk.get(done.pk, "/mask")
    assert hashlib.sha256(gzip.decompress(mask.content)).hexdigest() == said["sha256"]
    assert "no-store" in mask.headers["Cache-Control"]


def test_the_newest_question_takes_the_place_of_the_one_that_waits(desk: Desk) -> None:
    first, second = desk.ask().json()["id"], desk.ask().json()["id"]
    assert desk.get(first).json()["state"] == "replaced"
    assert desk.get(second).json()["state"] == "waiting"
    assert desk.client.delete(f"/api/prompts/{second}").status_code == 204
    assert desk.get(second).json()["state"] == "replaced"


def test_a_question_that_nobody_answered_in_time_has_failed_with_a_sentence(desk: Desk) -> None:
    one = desk.ask().json()["id"]
    PromptedMask.objects.filter(pk=one).update(expires_at=timezone.now() - timedelta(seconds=1))
    said = desk.get(one).json()
    assert (said["state"], said["problem"]) == ("failed", prompts.TOO_LATE)
    assert not prompts.answer(one)


def test_only_who_holds_the_case_may_prompt(desk: Desk) -> None:
    assert desk.ask(token=desk.token + 1).json()["code"] == "lease_lost"
    one = desk.ask().json()["id"]
    other = client_of(builders.reader(desk.case.project))
    assert other.get(f"/api/prompts/{one}").status_code == 404
    assert other.get(f"/api/slots/{desk.slot}/prompt-methods").status_code == 404
    Slot.objects.filter(pk=desk.slot).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert desk.ask().status_code == 409
    assert desk.client.get(f"/api/slots/{desk.slot}/prompt-methods").status_code == 409
    Slot.objects.filter(pk=desk.slot).update(state="open", reader=None, lease_expires_at=None)
    assert desk.get(one).status_code == 404


def test_a_series_of_another_case_cannot_be_prompted(desk: Desk) -> None:
    other = builders.case(desk.case.project).series.get()
    assert desk.ask(series=other.pk).status_code == 404


BOX = {"kind": "box", "positive": True, "frame": 0, "points_px": [[1, 1], [6, 5]]}
BAD: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"points_px": [[40, 3]]}, {}, "outside the image"),
    ({"frame": 3}, {}, "outside the image"),
    ({"positive": False}, {}, "Mark a place inside"),
    ({}, {"label_class": "no such class"}, "not painted"),
    ({}, {"label_class": "spot"}, "not painted"),
    ({"kind": "lasso"}, {}, ""),
    ({"points_px": []}, {}, ""),
    ({"points_px": [[1, 2, 3]]}, {}, ""),
    ({"points_px": [[1, 2], [3, 4]]}, {}, "A point has 1"),
    ({**BOX, "positive": False}, {}, "always positive"),
    ({**BOX, "points_px": [[1, 1]]}, {}, "A box has 2"),
    ({"points_px": [[1, 1]] * 1001, "kind": "scribble"}, {}, ""),
]


@pytest.mark.parametrize(("change", "fields", "sentence"), BAD)
def test_what_cannot_be_answered_is_refused_at_once(
    change: dict[str, Any], fields: dict[str, Any], sentence: str
) -> None:
    spot = {
        "code": "spot", "name": "Spot", "colour": "#ffffff", "value": 9, "marks": ["landmark"],
    }  # fmt: skip
    document = builders.label_document(classes=[*builders.CLASSES, spot])
    desk = Desk(builders.project(document))
    point = {"kind": "point", "positive": True, "frame": 1, "points_px": [[4, 3]]}
    got = desk.ask({**point, **change}, **fields)
    assert got.status_code == 422, got.content
    assert sentence in got.json()["detail"]
    assert not PromptedMask.objects.exists()


def test_images_of_unknown_distance_are_prompted_one_by_one() -> None:
    desk = Desk(builders.project())
    series = desk.case.series.get()
    series.display["slice_spacing"] = None
    series.save()
    assert "no volume" in desk.ask(volume=True).json()["detail"]
    assert desk.ask().status_code == 202


def test_not_too_many_and_not_too_often(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "MOST_A_MINUTE", 3)
    assert [desk.ask().status_code for _ in range(4)] == [202, 202, 202, 429]
    many = [{"kind": "point", "positive": True, "frame": 1, "points_px": [[4, 3]]}] * 201
    assert desk.ask(*many).status_code == 422


class TestTheNetwork:
    def test_without_one_only_the_classical_method_serves_and_it_is_said_why(self) -> None:
        desk = Desk(hints.project())
        methods = desk.methods()
        assert methods["random_walk"] == ""
        assert "No trained network" in methods["network"]
        assert desk.ask(method="network").status_code == 409

    def test_one_that_marks_no_voxels_does_not_serve(self) -> None:
        desk = Desk(hints.project())
        recipe = {"task": "classification", "question": "finding", "classes": ["no", "yes"],
                  "networks": ["densenet"], "input_size": [32, 32]}  # fmt: skip
        model = hand.model_in_use(desk.case.project)
        model.config = {"recipe": recipe}
        model.save()
        assert "marks no voxels" in desk.methods()["network"]

    def test_where_suggestions_are_seen_it_serves_and_that_is_on_record(self) -> None:
        desk = Desk(hints.project())
        model = hand.model_in_use(desk.case.project)
        assert desk.methods() == {"random_walk": "", "network": ""}
        asked = desk.ask(method="network").json()
        row = PromptedMask.objects.get(pk=asked["id"])
        assert (row.model, row.weights_sha256) == (model.pk, model.weights_sha256)
        assert "round 1" in asked["algorithm"]
        desk.ask(method="network")
        event = Event.objects.get(verb="prompt.ask_model")
        assert (event.actor, event.data["model"]) == (desk.reader, model.pk)
        assert "not learnt" in desk.ask(method="network", label_class="node").json()["detail"]

    @pytest.mark.parametrize(
        ("of_project", "of_case", "of_slot"),
        [
            ({"suggestions": "off"}, {}, {}),
            ({"blind_to_model": True}, {}, {}),
            ({}, {"stream": "holdout"}, {}),
            ({}, {"stream": "calibration"}, {}),
            ({}, {"reads_wanted": 2}, {}),
            ({}, {}, {"purpose": "second"}),
            ({}, {}, {"purpose": "repeat"}),
        ],
    )
    def test_where_suggestions_are_hidden_no_address_tells_of_it(
        self, of_project: Any, of_case: Any, of_slot: Any
    ) -> None:
        """The classical method has learnt nothing, and stays."""
        desk = Desk(hints.project(**of_project), of_slot=of_slot, **of_case)
        hand.model_in_use(desk.case.project)
        assert desk.methods() == {"random_walk": ""}
        refused = desk.ask(method="network")
        assert refused.status_code == 404
        assert refused.json()["detail"] == desk.ask(method="no such").json()["detail"]
        assert not PromptedMask.objects.exists()
        assert desk.ask().status_code == 202

    def test_the_readers_own_reading_comes_first_where_the_project_says_so(self) -> None:
        desk = Desk(hints.project("reader_first"))
        hand.model_in_use(desk.case.project)
        assert desk.methods()["network"] == prompts.NOT_NOW
        assert desk.ask(method="network").status_code == 409
        FirstReading.objects.create(
            slot_id=desk.slot, reader=desk.reader, content={}, content_sha256="",
            label_schema=desk.case.project.label_schemas.get(), instances_sha256="",
            active_seconds=1,
        )  # fmt: skip
        assert desk.methods()["network"] == ""
        assert desk.ask(method="network").status_code == 202

    def test_what_it_said_is_gone_once_readers_are_blind_to_it(self) -> None:
        desk = Desk(hints.project())
        hand.model_in_use(desk.case.project)
        slot = Slot.objects.get(pk=desk.slot)
        done = hand.answered(slot, desk.reader, method="network", model=1)
        waiting = desk.ask(method="network").json()["id"]
        assert desk.get(done.pk, "/mask").status_code == 200
        Project.objects.update(blind_to_model=True)
        assert desk.get(done.pk).status_code == 404
        assert desk.get(done.pk, "/mask").status_code == 404
        assert prompts.answer(waiting)
        assert PromptedMask.objects.get(pk=waiting).state == "failed"


ACROSS = {
    "kind": "box",
    "positive": True,
    "points_voxel": [[4, 1, 0], [4, 5, 0], [4, 5, 2], [4, 1, 2]],
}


def test_prompts_in_a_plane_across_the_images_are_asked_of_those_around(desk: Desk) -> None:
    done = desk.ask(ACROSS, volume=True)
    assert done.status_code == 202, done.content
    kept = PromptedMask.objects.get(pk=done.json()["id"]).prompts
    assert kept == [ACROSS]
    alone = desk.ask(ACROSS, volume=False)
    assert alone.status_code == 422
    assert "images around" in alone.json()["detail"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"points_voxel": ACROSS["points_voxel"][:2]},  # type: ignore[index]
        {"points_voxel": [[1, 2], [1, 2], [1, 2], [1, 2]]},
        {"points_px": [[1, 2], [3, 4]], "frame": 0},
        {"frame": 0},
    ],
)
def test_a_prompt_lies_on_a_frame_or_in_a_plane_and_not_in_both(
    desk: Desk, wrong: dict[str, Any]
) -> None:
    assert desk.ask({**ACROSS, **wrong}, volume=True).status_code == 422


def test_who_corrects_their_reading_may_prompt_and_nobody_else(desk: Desk) -> None:
    slot = Slot.objects.get(pk=desk.slot)
    hints.submit(slot, builders.content())
    assert Slot.objects.get(pk=desk.slot).state == "done"
    assert desk.methods()["random_walk"] == ""
    asked = desk.ask()
    assert asked.status_code == 202, asked.content
    assert desk.get(asked.json()["id"]).json()["state"] == "waiting"
    other = client_of(builders.reader(desk.case.project))
    assert other.get(f"/api/slots/{desk.slot}/prompt-methods").status_code == 404
    assert other.get(f"/api/prompts/{asked.json()['id']}").status_code == 404


def test_the_network_does_not_help_with_a_correction() -> None:
    """Suggestions are not shown then, either."""
    desk = Desk(hints.project())
    hand.model_in_use(desk.case.project)
    assert "network" in desk.methods()
    hints.submit(Slot.objects.get(pk=desk.slot), builders.content())
    assert desk.methods() == {"random_walk": ""}
    assert desk.ask(method="network").status_code == 404
