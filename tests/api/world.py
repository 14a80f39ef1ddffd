"""A project with one of everything that an address of the API may name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import builders
import prompt_builders
import suggestion_builders
from django.db import models
from django.utils import timezone
from endpoints import Operation
from learning_builders import RECIPE

from annotation import snapshots, sources
from annotation.models import (
    Comment,
    GuidelinePicture,
    Import,
    ImportItem,
    Mask,
    Project,
    PromptedMask,
    Role,
    Slot,
    User,
)
from learning import recipes
from learning.models import Ranking, Round, TrainedModel

MASK = "ab" * 32


@dataclass
class World:
    """A project with one of everything that an address may name."""

    project: Project
    objects: dict[str, models.Model]

    def path(self, operation: Operation) -> str:
        route = operation.route.replace("<slug:slug>", self.project.slug)
        route = route.replace("<str:sha256>", MASK).replace("<int:version>", "1")
        if "<int:pk>" in route:
            kind = route.split("/<int:pk>")[0].rsplit("/", 1)[-1]
            route = route.replace("<int:pk>", str(self.objects[kind].pk))
        for name, kind in (("<int:other>", "models"), ("<int:case>", "cases")):
            route = route.replace(name, str(self.objects[kind].pk))
        query = operation.query.format(series=self.objects["series"].pk)
        return f"/api/{route}{query}"

    def hand_to(self, user: User) -> User:
        """The user now has the case in hand."""
        until = timezone.now() + timedelta(minutes=30)
        claimed = {"state": "claimed", "reader": user, "token": 1, "lease_expires_at": until}
        Slot.objects.filter(pk=self.objects["slots"].pk).update(**claimed)
        PromptedMask.objects.filter(pk=self.objects["prompts"].pk).update(reader=user)
        return user


def make_world() -> World:
    project = suggestion_builders.project()
    recipe = recipes.store(project, RECIPE)
    read, unread, _ = builders.cases(project, 3)
    builders.reference(read)
    suggestion_builders.suggested(unread)
    lead = builders.user(Role.LEAD, project=project)
    series = unread.series.get()
    Mask.objects.create(
        project=project, series=series, sha256=MASK, shape=[1, 8, 10], labels=[1], gzip=b""
    )
    GuidelinePicture.objects.create(
        project=project, sha256=MASK, media_type="image/png", width=1, height=1, content=b"x",
        uploaded_by=lead,
    )  # fmt: skip
    snapshot = snapshots.freeze(project, user=None, title="", query={})
    batch = Import.objects.create(project=project)
    round_ = Round.objects.create(
        project=project, number=1, recipe=recipe, seed=1, trigger="api", state="failed",
        snapshot=snapshot,
    )  # fmt: skip
    model = TrainedModel.objects.create(
        project=project, round=round_, arm="all", network="ensemble", weights_sha256="0" * 64,
        code_sha256="0" * 64, config={"recipe": RECIPE, "environment": {"torch": "2"}},
    )  # fmt: skip
    Ranking.objects.create(
        project=project, generation=1, round=round_, model=model, acquisition="margin", reason="",
        size=1,
    )  # fmt: skip
    return World(
        project,
        {
            "members": builders.reader(project).memberships.get(),
            "cases": unread,
            "slots": unread.slots.get(),
            "comments": Comment.objects.create(case=unread, author=lead, text="Look here."),
            "imports": batch,
            "import-items": ImportItem.objects.create(
                batch=batch, name="x.dcm", size=1, state="quarantined"
            ),
            "sources": sources.add(
                project, name="Program", description="", counts=False, user=None
            ),
            "rounds": round_,
            "models": model,
            "series": series,
            "snapshots": snapshot,
            "prompts": prompt_builders.answered(unread.slots.get(), lead),
        },
    )
