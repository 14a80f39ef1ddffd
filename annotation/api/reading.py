"""The reading loop: claim a case, keep the lease, save the draft, submit; or give the case back."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, label_schemas, masks, queue, reading, schema_moves
from annotation.access import Action
from annotation.errors import InvalidInput, NotFound
from annotation.models import Draft, Slot

from . import assignments as shapes
from . import schema_move_shapes
from .ahead import within
from .authentication import signed_in

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.UUID,
    OpenApiParameter.HEADER,
    required=True,
    description="Made by the client for each submission, and sent again with each retry of it.",
)
SHA256 = OpenApiParameter(
    "sha256", OpenApiTypes.STR, required=True, description="of the uncompressed mask, hexadecimal"
)


class StreamParser(BaseParser):
    """Hands the body on unread; who reads it keeps to a limit."""

    media_type = "application/octet-stream"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream


class Claims(APIView):
    @extend_schema(operation_id="claims_list", responses=shapes.ClaimListSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """The cases that I have in hand, and the one that I read last."""
        project = access.project_for(request.user, slug, Action.READ_CASES)
        user = signed_in(request)
        slots = queue.live_claims(project, user)
        drafts = {
            draft.slot_id: draft for draft in Draft.objects.filter(slot__in=slots, reader=user)
        }
        claims = [shapes.claim(slot, drafts.get(slot.pk)) for slot in slots]
        last = reading.last_read(project, user)
        last_read = None if last is None else shapes.LastReadSerializer(last).data
        return Response({"results": claims, "last_read": last_read})

    @extend_schema(
        operation_id="claims_create",
        request=shapes.WithinSerializer,
        responses={200: shapes.AssignmentSerializer, 201: shapes.AssignmentSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Read next: the case I have in hand (200), else the one that waits for me, or else the next one
        that is free for me (201), within the kinds of case that are named.
        """
        project = access.project_for(request.user, slug, Action.READ_CASES)
        label_schemas.require_asking(project)
        kinds = within(project, request)
        begun = time.perf_counter()
        slot = queue.claim(project, signed_in(request), kinds)
        milliseconds = (time.perf_counter() - begun) * 1000
        return Response(
            shapes.assignment(slot, signed_in(request)),
            status=201 if queue.is_new(slot) else 200,
            headers={"Server-Timing": f"claim;dur={milliseconds:.1f}", "Cache-Control": "no-store"},
        )


class SlotDetail(APIView):
    @extend_schema(operation_id="slots_retrieve", responses=shapes.AssignmentSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """A case that I have or had in hand, with my draft or what I submitted."""
        slot = reading.slot_of(visible(request, pk), signed_in(request))
        body = shapes.assignment(slot, signed_in(request))
        return Response(body, headers={"Cache-Control": "no-store"})


class Heartbeat(APIView):
    @extend_schema(
        operation_id="slots_heartbeat",
        request=shapes.TokenSerializer,
        responses=shapes.HeldSerializer,
    )
    def post(self, request: Request, pk: int) -> Response:
        """I am still at it: renew the lease. 409 lease_lost: the case went back meanwhile."""
        given = shapes.valid(shapes.TokenSerializer, request)
        slot = queue.renew(visible(request, pk), signed_in(request), given["token"])
        return Response(shapes.held(slot, signed_in(request)))


class Release(APIView):
    @extend_schema(
        operation_id="slots_release", request=shapes.TokenSerializer, responses={204: None}
    )
    def post(self, request: Request, pk: int) -> Response:
        """Give the case back unread. My draft stays."""
        given = shapes.valid(shapes.TokenSerializer, request)
        queue.release(visible(request, pk), signed_in(request), given["token"])
        return Response(status=204)


class SkipView(APIView):
    @extend_schema(operation_id="slots_skip", request=shapes.SkipSerializer, responses={204: None})
    def post(self, request: Request, pk: int) -> Response:
        """Decline the case for good, with a reason; it goes to others."""
        given = shapes.valid(shapes.SkipSerializer, request)
        queue.skip(visible(request, pk), signed_in(request), given["token"], reason=given["reason"])
        return Response(status=204)


class IssueView(APIView):
    @extend_schema(
        operation_id="slots_issue",
        request=shapes.IssueSerializer,
        responses={201: shapes.RaisedIssueSerializer},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Take the case off the list until somebody has answered."""
        given = shapes.valid(shapes.IssueSerializer, request)
        slot_id = visible(request, pk)
        comment = queue.raise_issue(
            slot_id, signed_in(request), given["token"], issue=given["issue"], text=given["text"]
        )
        return Response({"comment": comment.pk}, status=201)


class DraftView(APIView):
    @extend_schema(
        operation_id="slots_draft",
        request=shapes.NewDraftSerializer,
        responses=shapes.SavedDraftSerializer,
    )
    def put(self, request: Request, pk: int) -> Response:
        """Save all that is drawn and answered. 409 stale_draft carries the newer one as ``current``."""
        given = shapes.valid(shapes.NewDraftSerializer, request)
        draft = reading.save_draft(visible(request, pk), signed_in(request), **given)
        return Response(shapes.SavedDraftSerializer(draft).data)


class Submit(APIView):
    @extend_schema(
        operation_id="slots_submit",
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.SubmissionSerializer,
        responses={201: shapes.SubmittedSerializer},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Say it for good. Exactly one effect, however often it is sent with the same key."""
        key = _idempotency_key(request)
        given = shapes.valid(shapes.SubmissionSerializer, request)
        slot_id = visible(request, pk)
        read = reading.submit(slot_id, signed_in(request), idempotency_key=key, **given)
        return Response(shapes.submitted(read), status=201)


class SchemaMove(APIView):
    @extend_schema(
        operation_id="slots_schema_move", responses=schema_move_shapes.SchemaMoveSerializer
    )
    def get(self, request: Request, pk: int) -> Response:
        """What of my draft would not fit the newer version of the form. 409: there is none to move to."""
        reader = signed_in(request)
        slot = reading.slot_of(visible(request, pk), reader)
        body = schema_move_shapes.SchemaMoveSerializer(schema_moves.preview(slot, reader)).data
        return Response(body, headers={"Cache-Control": "no-store"})

    @extend_schema(
        operation_id="slots_move_schema",
        request=schema_move_shapes.NewSchemaMoveSerializer,
        responses=shapes.SavedDraftSerializer,
    )
    def post(self, request: Request, pk: int) -> Response:
        """Go on by the newer version, with what fits it. 409: form or draft changed meanwhile."""
        given = shapes.valid(schema_move_shapes.NewSchemaMoveSerializer, request)
        reader = signed_in(request)
        slot = reading.slot_of(visible(request, pk), reader)
        return Response(shapes.SavedDraftSerializer(schema_moves.move(slot, reader, **given)).data)


class Masks(APIView):
    parser_classes = [StreamParser]

    @extend_schema(
        operation_id="slots_store_mask",
        parameters=[OpenApiParameter("series", OpenApiTypes.INT, required=True), SHA256],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={201: shapes.MaskSerializer},
    )
    def put(self, request: Request, pk: int) -> Response:
        """Upload a labelmap, gzipped: uint8, frames × rows × columns of the series."""
        series_id = request.query_params.get("series", "")
        if not (series_id.isascii() and series_id.isdigit() and len(series_id) < 19):
            raise InvalidInput("Say with ?series= to which series the mask belongs.")
        slot = reading.slot_of(visible(request, pk), signed_in(request))
        if not hasattr(request.data, "read"):
            raise InvalidInput("Send the gzipped mask as application/octet-stream.")
        mask = masks.store(
            slot,
            series_id=int(series_id),
            sha256=request.query_params.get("sha256", ""),
            gzip_stream=request.data,
            values=reading.class_values(slot, signed_in(request)),
        )
        return Response(shapes.MaskSerializer(mask).data, status=201)


class MaskDetail(APIView):
    @extend_schema(
        operation_id="slots_mask",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int, sha256: str) -> HttpResponse:
        """The gzipped labelmap as it was uploaded."""
        slot = reading.slot_of(visible(request, pk), signed_in(request))
        mask = masks.find(slot, sha256)
        return HttpResponse(
            bytes(mask.gzip),
            content_type="application/octet-stream",
            headers={"Cache-Control": "private, no-store"},
        )


def visible(request: Request, slot_id: int) -> int:
    """The id, if the person may read in the slot's project. Whose the slot is, the domain decides."""
    slots = access.visible_to(request.user, Slot.objects.all(), Action.READ_CASES)
    if not slots.filter(pk=slot_id).exists():
        raise NotFound("There is no such case in your hands.")
    return slot_id


def _idempotency_key(request: Request) -> UUID:
    given = request.headers.get("Idempotency-Key", "")
    try:
        return UUID(given)
    except ValueError as wrong:
        raise InvalidInput(
            "Send an Idempotency-Key header with a UUID of your own, and the same one when you try again."
        ) from wrong
