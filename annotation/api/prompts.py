"""Prompts on the case in hand, the methods that answer them, and the masks that come back."""

from __future__ import annotations

import math
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import label_schemas, prompts, reading
from annotation.errors import NotFound
from annotation.models import PromptedMask

from . import assignments as shapes
from .authentication import signed_in
from .reading import visible

MOST_PROMPTS = 200
MOST_POINTS = 1000
LARGEST = 2**31 - 1
KINDS = ["point", "scribble", "box"]
POINTS = {"point": 1, "box": 2}
CORNERS = {"point": 1, "box": 4}
STORE = {"Cache-Control": "private, no-store"}


class PromptSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(KINDS)
    positive = serializers.BooleanField(help_text="what is prompted belongs to the structure")
    frame = serializers.IntegerField(
        min_value=0,
        max_value=LARGEST,
        required=False,
        help_text="of the series as it is shown, from 0; with points_px",
    )
    points_px = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2),
        min_length=1,
        max_length=MOST_POINTS,
        required=False,
        help_text="[column, row], pixel centres at integers; of a box, two opposite corners",
    )
    points_voxel = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=3, max_length=3),
        min_length=1,
        max_length=MOST_POINTS,
        required=False,
        help_text="instead of frame and points_px, in a plane across the images: [column, row, frame], "
        "centres of voxels at integers; of a box, its four corners in turn",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        across = "points_voxel" in attrs
        if across == ("points_px" in attrs) or across == ("frame" in attrs):
            raise serializers.ValidationError("Give either frame and points_px, or points_voxel.")
        name, wanted = ("points_voxel", CORNERS) if across else ("points_px", POINTS)
        points, kind = attrs[name], attrs["kind"]
        if kind in wanted and len(points) != wanted[kind]:
            raise serializers.ValidationError(f"A {kind} has {wanted[kind]} {name}.")
        if kind == "box" and not attrs["positive"]:
            raise serializers.ValidationError("A box is always positive.")
        if not all(math.isfinite(value) for point in points for value in point):
            raise serializers.ValidationError(f"{name} must be numbers.")
        return attrs


class NewPromptSerializer(serializers.Serializer[Any]):
    token = serializers.IntegerField()
    series = serializers.IntegerField(min_value=1, max_value=2**53)
    label_class = serializers.CharField(max_length=64)
    method = serializers.CharField(max_length=32)
    volume = serializers.BooleanField(help_text="on the images around, too")
    prompts = serializers.ListField(child=PromptSerializer(), min_length=1, max_length=MOST_PROMPTS)


class PromptedMaskSerializer(serializers.ModelSerializer[PromptedMask]):
    class Meta:
        model = PromptedMask
        fields = [
            "id",
            "state",
            "problem",
            "series",
            "label_class",
            "method",
            "algorithm",
            "start",
            "shape",
            "sha256",
        ]
        read_only_fields = fields


class PromptMethodSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    learned = serializers.BooleanField(help_text="it knows what the project's readers taught it")
    algorithm = serializers.CharField(allow_blank=True)
    classes = serializers.ListField(
        child=serializers.CharField(), allow_null=True, help_text="that it knows; null: any"
    )
    unavailable = serializers.CharField(
        allow_blank=True, help_text="why it cannot be used now, to the reader; empty: it can"
    )


class PromptMethodListSerializer(serializers.Serializer[Any]):
    results = PromptMethodSerializer(many=True)


class Methods(APIView):
    @extend_schema(operation_id="slots_prompt_methods", responses=PromptMethodListSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """What can answer my prompts on this case."""
        reader = signed_in(request)
        offered = prompts.methods(reading.slot_of(visible(request, pk), reader), reader)
        return Response(PromptMethodListSerializer({"results": offered}).data, headers=STORE)


class Prompts(APIView):
    @extend_schema(
        operation_id="slots_prompt",
        request=NewPromptSerializer,
        responses={202: PromptedMaskSerializer},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Ask for a mask of a structure. It takes the place of my question that still waits."""
        given = shapes.valid(NewPromptSerializer, request)
        reader = signed_in(request)
        slot = reading.slot_of(visible(request, pk), reader)
        schema = label_schemas.of_reading(slot, reader)
        asked = prompts.ask(slot, reader, schema=schema, **given)
        return Response(PromptedMaskSerializer(asked).data, status=202)


class PromptDetail(APIView):
    @extend_schema(operation_id="prompts_retrieve", responses=PromptedMaskSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """How my question stands. The mask has its own address, once the state is done."""
        found = _own(request, pk)
        return Response(PromptedMaskSerializer(found).data, headers=STORE)

    @extend_schema(operation_id="prompts_withdraw", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """I do not wait for it any more."""
        prompts.withdraw(_own(request, pk).pk, signed_in(request))
        return Response(status=204)


class PromptMask(APIView):
    @extend_schema(
        operation_id="prompts_mask",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """The gzipped mask, uint8 of 0 and 1: frames × rows × columns of ``shape`` from ``start`` on."""
        found = _own(request, pk)
        if found.state != PromptedMask.State.DONE:
            raise NotFound("There is no mask for these prompts.")
        return HttpResponse(
            bytes(found.gzip), content_type="application/octet-stream", headers=STORE
        )


def _own(request: Request, pk: int) -> PromptedMask:
    found = prompts.find(pk, signed_in(request))
    visible(request, found.slot_id)
    return found
