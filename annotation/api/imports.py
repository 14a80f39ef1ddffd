"""Uploads in pieces, what became of each file, and the quarantine."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, import_items, imports, quarantine
from annotation.access import Action
from annotation.dicom import patients
from annotation.dicom.faults import Fault
from annotation.errors import InvalidInput, NotFound, TooLarge
from annotation.models import Import, ImportItem, Project, Site, Source, User

from .authentication import signed_in
from .pagination import ByIdUpward
from .sentences import SentenceField


class NewFileSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=2000, trim_whitespace=False)
    size = serializers.IntegerField(min_value=0)
    patient = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=patients.LONGEST,
        help_text="whose it is, if the file does not say so itself (NIfTI, PNG, JPEG, TIFF)",
    )

    def validate_patient(self, patient: str) -> str:
        try:
            patients.check(patient or "-", "patient")
        except Fault as fault:
            raise serializers.ValidationError(fault.reason) from fault
        return patient


class NewImportSerializer(serializers.Serializer[Any]):
    site = serializers.SlugField(required=False, allow_null=True)
    marks_of = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="source of marks made elsewhere (SEG, SR, RTSTRUCT, NIfTI); none: images",
    )
    files = NewFileSerializer(many=True)


class ImportItemSerializer(serializers.ModelSerializer[ImportItem]):
    reason = SentenceField(read_only=True)

    class Meta:
        model = ImportItem
        fields = [
            "id", "name", "size", "received", "state", "reason_code", "reason", "report", "created_at",
        ]  # fmt: skip


class QuarantinedSerializer(serializers.ModelSerializer[ImportItem]):
    reason = SentenceField(read_only=True)
    import_id = serializers.IntegerField(source="batch_id", allow_null=True)
    marks_of = serializers.IntegerField(
        source="batch.marks_of_id", allow_null=True, default=None, help_text="source of the marks"
    )
    unknown = serializers.SerializerMethodField(help_text="names that stand for no class yet")

    class Meta:
        model = ImportItem
        fields = [
            "id", "name", "size", "reason_code", "reason", "unknown", "marks_of", "created_at",
            "import_id",
        ]  # fmt: skip

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_unknown(self, item: ImportItem) -> list[str]:
        return list(item.report.get("unknown", []))


class ReceivedSerializer(serializers.Serializer[Any]):
    received = serializers.IntegerField()


class ImportSerializer(serializers.ModelSerializer[Import]):
    created_by: serializers.SlugRelatedField[User] = serializers.SlugRelatedField(
        "username", read_only=True, allow_null=True
    )
    site: serializers.SlugRelatedField[Site] = serializers.SlugRelatedField(
        "slug", read_only=True, allow_null=True
    )
    marks_of: serializers.SlugRelatedField[Source] = serializers.SlugRelatedField(
        "name", read_only=True, allow_null=True
    )
    counts = serializers.SerializerMethodField()
    bytes = serializers.SerializerMethodField()
    received = serializers.SerializerMethodField()

    class Meta:
        model = Import
        fields = [
            "id", "state", "created_by", "site", "marks_of", "created_at", "finished_at", "counts",
            "bytes", "received",
        ]  # fmt: skip

    def get_counts(self, batch: Import) -> dict[str, int]:
        return imports.counts(batch)

    def get_bytes(self, batch: Import) -> int:
        return imports.sizes(batch)[0]

    def get_received(self, batch: Import) -> int:
        return imports.sizes(batch)[1]


class StartedImportSerializer(ImportSerializer):
    items = ImportItemSerializer(many=True)

    class Meta(ImportSerializer.Meta):
        fields = [*ImportSerializer.Meta.fields, "items"]


class PieceParser(BaseParser):
    """The raw bytes of one piece, never more than allowed."""

    media_type = "application/octet-stream"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        content: bytes = stream.read(settings.MAX_UPLOAD_CHUNK_BYTES + 1)
        if len(content) > settings.MAX_UPLOAD_CHUNK_BYTES:
            raise TooLarge("A piece may have at most 16 MiB.")
        return content


def import_for(request: Request, pk: int) -> Import:
    """The import, if the person may import into its project."""
    found = access.visible_to(request.user, Import.objects.all(), Action.IMPORT_IMAGES)
    batch = found.select_related("project", "site", "created_by").filter(pk=pk).first()
    if batch is None:
        raise NotFound
    return batch


def own_import_for(request: Request, pk: int) -> Import:
    batch = import_for(request, pk)
    imports.require_sender(batch, signed_in(request))
    return batch


def items_for(request: Request) -> QuerySet[ImportItem]:
    """Files of imports into the person's projects, and of what came by itself what may be theirs."""
    projects = access.visible_to(
        request.user, Project.objects.all(), Action.IMPORT_IMAGES, project_path="pk"
    )
    return quarantine.seen_in(list(projects)).select_related("batch__project", "batch__created_by")


def item_for(request: Request, pk: int) -> ImportItem:
    item = items_for(request).filter(pk=pk).first()
    if item is None:
        raise NotFound
    return item


def _source(project: Project, pk: int | None) -> Source | None:
    if pk is None:
        return None
    source = project.sources.filter(pk=pk).first()
    if source is None:
        raise InvalidInput("This project has no such source of marks.")
    return source


def _site(slug: str | None) -> Site | None:
    if not slug:
        return None
    site = Site.objects.filter(slug=slug).first()
    if site is None:
        raise InvalidInput(f"There is no site “{slug}”.")
    return site


class Imports(generics.ListAPIView[Import]):
    """Uploads into the project, newest first."""

    serializer_class = ImportSerializer

    def get_queryset(self) -> QuerySet[Import]:
        project = access.project_for(self.request.user, self.kwargs["slug"], Action.IMPORT_IMAGES)
        return project.imports.select_related("site", "created_by", "marks_of")

    @extend_schema(request=NewImportSerializer, responses={201: StartedImportSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Announce the files of an import; each is then sent in pieces to its item."""
        project = access.project_for(request.user, slug, Action.IMPORT_IMAGES)
        wanted = NewImportSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        announced = wanted.validated_data["files"]
        files = [(each["name"], each["size"]) for each in announced]
        whose = {each["name"]: each["patient"] for each in announced if each.get("patient")}
        site = _site(wanted.validated_data.get("site"))
        batch = imports.begin(
            project,
            signed_in(request),
            files=files,
            site=site,
            patients=whose,
            marks_of=_source(project, wanted.validated_data.get("marks_of")),
        )
        return Response(StartedImportSerializer(batch).data, status=201)


class ImportDetail(APIView):
    @extend_schema(responses=ImportSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """How far the import is."""
        return Response(ImportSerializer(import_for(request, pk)).data)


class ImportCompletion(APIView):
    @extend_schema(request=None, responses=ImportSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """All files are sent: the import ends by itself when the last one is taken in."""
        batch = imports.complete(own_import_for(request, pk))
        return Response(ImportSerializer(batch).data)


class ImportCancellation(APIView):
    @extend_schema(request=None, responses=ImportSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Stop the import; images that are stored already stay."""
        batch = imports.cancel(own_import_for(request, pk), signed_in(request))
        return Response(ImportSerializer(batch).data)


class ImportItems(generics.ListAPIView[ImportItem]):
    """The files of an upload and what became of each."""

    serializer_class = ImportItemSerializer
    pagination_class = ByIdUpward

    def get_queryset(self) -> QuerySet[ImportItem]:
        return import_for(self.request, self.kwargs["pk"]).items.all()


class ItemDetail(APIView):
    @extend_schema(operation_id="import_items_retrieve", responses=ImportItemSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """One file: how much of it is here, and what became of it."""
        return Response(ImportItemSerializer(item_for(request, pk)).data)


class ItemContent(APIView):
    parser_classes = [PieceParser]

    @extend_schema(
        operation_id="import_items_send",
        parameters=[OpenApiParameter("offset", OpenApiTypes.INT, required=True)],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses=ReceivedSerializer,
    )
    def put(self, request: Request, pk: int) -> Response:
        """The next piece (at most 16 MiB). 409 says how much is here already: go on from there."""
        offset = request.query_params.get("offset", "")
        if not (offset.isascii() and offset.isdigit() and len(offset) < 19):
            raise ParseError("Say with ?offset= where the piece belongs.")
        item = item_for(request, pk)
        if item.batch is not None:
            imports.require_sender(item.batch, signed_in(request))
        if not isinstance(request.data, bytes):
            raise ParseError("Send the bytes of the piece as application/octet-stream.")
        item = imports.receive(item.pk, int(offset), request.data)
        return Response({"received": item.received})


class ItemDismissal(APIView):
    @extend_schema(
        operation_id="import_items_dismiss", request=None, responses=ImportItemSerializer
    )
    def post(self, request: Request, pk: int) -> Response:
        """Let go of a file in quarantine."""
        item = quarantine.dismiss(item_for(request, pk), signed_in(request))
        return Response(ImportItemSerializer(item).data)


class ItemRetry(APIView):
    @extend_schema(operation_id="import_items_retry", request=None, responses=ImportItemSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Try a file in quarantine again."""
        item = import_items.retry(item_for(request, pk), signed_in(request))
        return Response(ImportItemSerializer(item).data)


class Quarantine(generics.ListAPIView[ImportItem]):
    """Files and objects that were refused, with the reason."""

    serializer_class = QuarantinedSerializer

    def get_queryset(self) -> QuerySet[ImportItem]:
        """Files, objects and series with something wrong, of the project's imports and of the feed."""
        project = access.project_for(self.request.user, self.kwargs["slug"], Action.IMPORT_IMAGES)
        seen = quarantine.seen_in([project]).filter(state=ImportItem.State.QUARANTINED)
        return seen.select_related("batch")
