"""The description of a series for the viewer, with the links to its pixels."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, frames, pixel_links
from annotation.models import Series, User

from .authentication import signed_in

GEOMETRIES = ["volume", "stack", "unknown"]
SPACING_SOURCES = [
    "pixel_spacing",
    "calibrated",
    "estimated",
    "detector",
    "ultrasound_region",
    "nominal",
    "unknown",
]


class WindowSerializer(serializers.Serializer[Any]):
    center = serializers.FloatField()
    width = serializers.FloatField()
    name = serializers.CharField(allow_blank=True)


class FidelitySerializer(serializers.Serializer[Any]):
    exact = serializers.BooleanField(
        help_text="false where the screen gets less than the object holds"
    )
    note = serializers.CharField(allow_blank=True, help_text="sentences for the reader")


def _millimetres(count: int) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.FloatField(), min_length=count, max_length=count, allow_null=True
    )


class PixelDescriptionSerializer(serializers.Serializer[Any]):
    """How pixels are to be read; a frame repeats only what differs from its series."""

    rows = serializers.IntegerField()
    columns = serializers.IntegerField()
    samples_per_pixel = serializers.IntegerField()
    photometric_interpretation = serializers.CharField()
    planar_configuration = serializers.IntegerField(allow_null=True)
    bits_allocated = serializers.IntegerField()
    bits_stored = serializers.IntegerField()
    high_bit = serializers.IntegerField()
    pixel_representation = serializers.IntegerField()
    rescale_slope = serializers.FloatField()
    rescale_intercept = serializers.FloatField()
    rescale_type = serializers.CharField(allow_blank=True)
    windows = WindowSerializer(many=True)
    pixel_spacing = _millimetres(2)
    spacing_source = serializers.ChoiceField(SPACING_SOURCES)


class DisplayFrameSerializer(PixelDescriptionSerializer):
    index = serializers.IntegerField()
    sop_instance_uid = serializers.CharField()
    frame = serializers.IntegerField(help_text="1-based within the object, as DICOM counts")
    transfer_syntax_uid = serializers.CharField()
    position = _millimetres(3)
    orientation = _millimetres(6)

    def get_fields(self) -> Any:
        fields = super().get_fields()
        for name in PixelDescriptionSerializer().fields:
            fields[str(name)].required = False
        return fields


class SeriesDisplaySerializer(PixelDescriptionSerializer):
    id = serializers.IntegerField()
    modality = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    version = serializers.CharField(help_text="changes when images are added or taken away")
    token = serializers.CharField()
    frames_url = serializers.CharField(help_text="with {index} to be replaced by the frame's index")
    thumbnail_url = serializers.CharField()
    frame_count = serializers.IntegerField()
    slice_spacing = serializers.FloatField(allow_null=True)
    geometry = serializers.ChoiceField(GEOMETRIES)
    frame_time_ms = serializers.FloatField(allow_null=True)
    fidelity = FidelitySerializer()
    frames = DisplayFrameSerializer(many=True)


def document(series: Series, user: User) -> dict[str, Any]:
    """What is stored of the series, less where its frames lie in the image store."""
    display = {key: value for key, value in frames.display_of(series).items() if key != "sources"}
    return {"id": series.pk, **display, **pixel_links.links(series, user)}


class SeriesDetail(APIView):
    @extend_schema(operation_id="series_retrieve", responses=SeriesDisplaySerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Geometry and pixel description of a series, frames in spatial order, with links to the pixels."""
        series = access.series_for(request.user, pk)
        body = document(series, signed_in(request))
        return Response(body, headers={"Cache-Control": "no-store"})
