"""The case that waits for a reader who is still at another: to be loaded ahead, not yet to be read."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, kinds, label_schemas, reservations
from annotation.access import Action
from annotation.claims import Ask
from annotation.models import Project

from . import assignments as shapes
from .authentication import signed_in


class ReservationSerializer(serializers.Serializer[Any]):
    """``assignment.token`` is of no use before the case is claimed."""

    reserved_until = serializers.DateTimeField()
    assignment = shapes.AssignmentSerializer()


class NextCase(APIView):
    @extend_schema(
        operation_id="claims_reserve",
        request=shapes.WithinSerializer,
        responses={200: ReservationSerializer, 204: None},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Keep the case that I shall get next for some minutes, so that it can be loaded now. It is no
        claim. 204: nothing is free to be kept.
        """
        project = access.project_for(request.user, slug, Action.READ_CASES)
        reader = signed_in(request)
        label_schemas.require_asking(project)
        slot = reservations.reserve(Ask(project, reader, within(project, request)))
        if slot is None:
            return Response(status=204)
        body = {
            "reserved_until": slot.reserved_until,
            "assignment": shapes.assignment(slot, reader),
        }
        return Response(body, headers={"Cache-Control": "no-store"})

    @extend_schema(operation_id="claims_let_go", responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        """Nothing needs to be kept for me any more."""
        project = access.project_for(request.user, slug, Action.READ_CASES)
        reservations.let_go(project, signed_in(request))
        return Response(status=204)


def within(project: Project, request: Request) -> kinds.Kinds | None:
    """The kinds of case that the body of the request narrows to."""
    return kinds.chosen(project, **shapes.valid(shapes.WithinSerializer, request))
