"""The description of a series for the viewer, with the links to its pixels."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, pixel_links
from annotation.case_images import display_of, instance_of
from annotation.dicom.fidelity import REASONS as FIDELITY_REASONS
from annotation.errors import InvalidInput
from annotation.models import Series

from .sentences import SentenceField, said

LARGEST = 2**63 - 1

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
    note = SentenceField(allow_blank=True, help_text="sentences for the reader")
    reasons = serializers.ListField(
        child=serializers.ChoiceField(FIDELITY_REASONS),
        required=False,
        help_text="why the pixels shown are not (all of) the stored ones; missing if they are",
    )


class UptakeSerializer(serializers.Serializer[Any]):
    """Standardised uptake by body weight, of PET alone."""

    factor = serializers.FloatField(
        allow_null=True, help_text="a rescaled value times this is g/ml; null if unknown"
    )
    reason = SentenceField(allow_blank=True, help_text="why it is unknown, for the reader")


class TechniqueSerializer(serializers.Serializer[Any]):
    """How an image was taken; what is not known is missing."""

    thickness_mm = serializers.FloatField(required=False)
    kvp = serializers.FloatField(required=False)
    tube_current_ma = serializers.FloatField(required=False)
    exposure_mas = serializers.FloatField(required=False)
    repetition_ms = serializers.FloatField(required=False)
    echo_ms = serializers.FloatField(required=False)
    inversion_ms = serializers.FloatField(required=False)
    flip_degrees = serializers.FloatField(required=False)
    field_tesla = serializers.FloatField(required=False)
    kernel = serializers.CharField(required=False)
    view = serializers.CharField(required=False)
    laterality = serializers.ChoiceField(["L", "R", "B"], required=False)


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
    technique = TechniqueSerializer(required=False)


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
    frame_of_reference = serializers.CharField(
        allow_null=True, help_text="series of the same one share positions in mm"
    )
    frame_time_ms = serializers.FloatField(allow_null=True)
    fidelity = FidelitySerializer()
    suv = UptakeSerializer(required=False)
    frames = DisplayFrameSerializer(many=True)


def document(series: Series, holder: str, instance: str = "") -> dict[str, Any]:
    """What is stored of the series (or of its one instance), less where its frames lie in the image store."""
    display = {**display_of(series, instance)}
    del display["sources"]
    # Series that were described before this was kept have none.
    return {
        "id": series.pk,
        "frame_of_reference": None,
        **display,
        **_sentences(display),
        **pixel_links.links(series, holder, instance),
    }


def _sentences(display: dict[str, Any]) -> dict[str, Any]:
    """What the description says to the reader, in the reader's language."""
    told = {"fidelity": {**display["fidelity"], "note": said(display["fidelity"]["note"])}}
    if suv := display.get("suv"):
        told["suv"] = {**suv, "reason": said(suv["reason"])}
    return told


class SeriesDetail(APIView):
    @extend_schema(
        operation_id="series_retrieve",
        parameters=[
            OpenApiParameter(
                "case",
                OpenApiTypes.INT,
                description="only what the series shows for this case: one image where that is the case",
            )
        ],
        responses=SeriesDisplaySerializer,
    )
    def get(self, request: Request, pk: int) -> Response:
        """Geometry and pixel description of a series, frames in spatial order, with links to the pixels."""
        series, instance = self._shown(request, pk)
        body = document(series, pixel_links.holder_of(request.META), instance)
        return Response(body, headers={"Cache-Control": "no-store"})

    def _shown(self, request: Request, pk: int) -> tuple[Series, str]:
        case_id = request.query_params.get("case")
        if case_id is None:
            return access.series_for(request.user, pk), ""
        if not (case_id.isascii() and case_id.isdigit() and int(case_id[:20]) <= LARGEST):
            raise InvalidInput("Say with ?case= for which case the series is shown, by its number.")
        series, case = access.case_of_series_for(request.user, pk, int(case_id))
        return series, instance_of(case)
