"""Pictures of a project's guidelines: leads upload them, every member may look at them."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, guideline_pictures
from annotation.access import Action
from annotation.models import GuidelinePicture

from .authentication import signed_in
from .reading import StreamParser

KEPT = {"Cache-Control": "private, max-age=3600", "Content-Disposition": "inline"}


class PictureSerializer(serializers.ModelSerializer[GuidelinePicture]):
    class Meta:
        model = GuidelinePicture
        fields = ["sha256", "media_type", "width", "height", "uploaded_at"]


class PictureListSerializer(serializers.Serializer[Any]):
    results = PictureSerializer(many=True)


class GuidelinePictures(APIView):
    parser_classes = [StreamParser]

    @extend_schema(operation_id="guideline_pictures_list", responses=PictureListSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """The pictures that the project's guidelines may show, newest first."""
        project = access.project_for(request.user, slug, Action.VIEW_PROJECT)
        return Response(
            PictureListSerializer({"results": guideline_pictures.of_project(project)}).data
        )

    @extend_schema(
        operation_id="guideline_pictures_create",
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={201: PictureSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Upload a PNG or JPEG. A label schema shows it by the ``sha256`` of the answer, with an ``alt``."""
        project = access.project_for(request.user, slug, Action.EDIT_SCHEMA)
        body: Any = request.data
        uploaded = body.read(guideline_pictures.MOST_BYTES + 1) if body else b""
        picture = guideline_pictures.store(project, uploaded, user=signed_in(request))
        return Response(PictureSerializer(picture).data, status=201)


class GuidelinePictureDetail(APIView):
    @extend_schema(
        operation_id="guideline_pictures_retrieve",
        responses={
            (200, "image/png"): OpenApiTypes.BINARY,
            (200, "image/jpeg"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, slug: str, sha256: str) -> HttpResponse:
        """The picture itself."""
        project = access.project_for(request.user, slug, Action.VIEW_PROJECT)
        picture = guideline_pictures.find(project, sha256)
        return HttpResponse(bytes(picture.content), content_type=picture.media_type, headers=KEPT)

    @extend_schema(operation_id="guideline_pictures_destroy", responses={204: None})
    def delete(self, request: Request, slug: str, sha256: str) -> Response:
        """Remove a picture that no version of the label schema shows."""
        project = access.project_for(request.user, slug, Action.EDIT_SCHEMA)
        guideline_pictures.remove(project, sha256, user=signed_in(request))
        return Response(status=204)
