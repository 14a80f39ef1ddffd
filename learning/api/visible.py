"""Rounds and models by number, if the person behind the request may do the action with them."""

from __future__ import annotations

from rest_framework.request import Request

from annotation import access
from annotation.access import Action
from annotation.errors import NotFound
from learning.models import Round, TrainedModel

ROUNDS = Round.objects.select_related("project", "recipe", "snapshot", "started_by")
MODELS = TrainedModel.objects.select_related("project", "round__snapshot", "round__recipe")


def round_(request: Request, pk: int, action: Action) -> Round:
    found = access.visible_to(request.user, ROUNDS.all(), Action.VIEW_ROUNDS).filter(pk=pk).first()
    if found is None:
        raise NotFound
    access.require(request.user, found.project, action)
    return found


def model(request: Request, pk: int, action: Action) -> TrainedModel:
    found = access.visible_to(request.user, MODELS.all(), Action.VIEW_ROUNDS).filter(pk=pk).first()
    if found is None:
        raise NotFound
    access.require(request.user, found.project, action)
    return found
