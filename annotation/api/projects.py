"""Projects: the list of mine, one in full, its settings, label schemas and progress."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, label_schemas, progress, projects
from annotation.access import Action
from annotation.models import (
    Comparison,
    Membership,
    Project,
    Role,
    Stream,
    SuggestionMode,
    SupersededRule,
    Task,
    WriteBackRule,
)

from .authentication import signed_in
from .documents import NumberPerStream, TextPerName
from .label_schemas import LabelSchemaInForceSerializer
from .sentences import SentenceField

NAMES_OF_ACTIONS = [(action.value, action.value) for action in Action]


class CountsSerializer(serializers.Serializer[progress.Counts]):
    """Numbers of the project's card. Readers see their own and what is free; the rest is null."""

    cases = serializers.IntegerField(allow_null=True)
    ready = serializers.IntegerField(allow_null=True)
    reads = serializers.IntegerField(allow_null=True)
    open = serializers.IntegerField()
    mine_done = serializers.IntegerField()


class ProjectSerializer(serializers.Serializer[Any]):
    slug = serializers.SlugField()
    title = serializers.CharField()
    description = serializers.CharField()
    task = serializers.ChoiceField(Task.choices)
    roles = serializers.ListField(child=serializers.ChoiceField(Role.choices))
    actions = serializers.ListField(child=serializers.ChoiceField(NAMES_OF_ACTIONS))
    counts = CountsSerializer()


class ProjectListSerializer(serializers.Serializer[Any]):
    results = ProjectSerializer(many=True)


class ProjectDetailSerializer(ProjectSerializer):
    label_schema = LabelSchemaInForceSerializer()
    blind_to_model = serializers.BooleanField()
    suggestions = serializers.ChoiceField(SuggestionMode.choices)
    reads_per_case = serializers.IntegerField()
    evaluation_first = serializers.BooleanField()
    stream_shares = NumberPerStream()
    reading_mix = NumberPerStream()
    round_every = serializers.IntegerField()
    comparison = serializers.ChoiceField(Comparison.choices)
    lease_minutes = serializers.IntegerField()
    write_back = serializers.ChoiceField(WriteBackRule.choices)
    write_back_superseded = serializers.ChoiceField(SupersededRule.choices)
    case_unit = serializers.CharField()
    intake_rule = TextPerName()


class ProjectChangeSerializer(serializers.Serializer[Any]):
    """Any of the settings that may change. ``annotation.projects`` says what each may hold."""

    title = serializers.CharField(required=False)
    description = serializers.CharField(required=False, allow_blank=True)
    intake_rule = TextPerName(required=False)
    reading_mix = NumberPerStream(required=False)
    evaluation_first = serializers.BooleanField(required=False)
    reads_per_case = serializers.IntegerField(required=False)
    blind_to_model = serializers.BooleanField(required=False)
    suggestions = serializers.ChoiceField(SuggestionMode.choices, required=False)
    comparison = serializers.CharField(required=False)
    lease_minutes = serializers.IntegerField(required=False)
    write_back = serializers.ChoiceField(WriteBackRule.choices, required=False)
    write_back_superseded = serializers.ChoiceField(SupersededRule.choices, required=False)
    round_every = serializers.IntegerField(required=False)


class StreamProgressSerializer(serializers.Serializer[progress.StreamProgress]):
    cases = serializers.IntegerField()
    read = serializers.IntegerField(help_text="cases with a reference")
    open = serializers.IntegerField(help_text="readings that are free to take")


class DayOfReadsSerializer(serializers.Serializer[progress.DayOfReads]):
    day = serializers.DateField()
    reads = serializers.IntegerField()


class NextStepSerializer(serializers.Serializer[progress.NextStep]):
    code = serializers.CharField()
    text = SentenceField()
    page = serializers.CharField(help_text="page of the front end below the project")


class StreamsField(serializers.Serializer[Any]):
    """One entry per stream."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name: StreamProgressSerializer() for name in Stream.values}


class OverviewSerializer(serializers.Serializer[progress.Overview]):
    streams = StreamsField()
    patients = serializers.IntegerField(
        help_text="of all cases; too few show that files were taken for one patient"
    )
    reads = serializers.IntegerField()
    readers = serializers.IntegerField()
    reader_minutes = serializers.FloatField()
    reads_by_day = DayOfReadsSerializer(many=True)
    arriving = serializers.IntegerField()
    issues = serializers.IntegerField()
    quarantined = serializers.IntegerField()
    next_step = NextStepSerializer()


def describe(request: Request, found: list[Project]) -> list[dict[str, Any]]:
    """Each project with my roles, my actions and the numbers I may see."""
    user = signed_in(request)
    numbers = progress.counts(found, user)
    mine = Membership.objects.filter(user=user)
    described = []
    for project in found:
        actions = access.actions_of(user, project)
        counts = numbers[project.pk]
        shown = vars(counts) if Action.VIEW_PROGRESS in actions else _own(counts)
        described.append(
            {
                **vars(project),
                "roles": sorted(mine.filter(project=project).values_list("role", flat=True)),
                "actions": sorted(actions),
                "counts": shown,
            }
        )
    return described


def _own(counts: progress.Counts) -> dict[str, int | None]:
    return {**dict.fromkeys(vars(counts)), "open": counts.open, "mine_done": counts.mine_done}


class ProjectList(APIView):
    @extend_schema(responses=ProjectListSerializer, operation_id="projects_list")
    def get(self, request: Request) -> Response:
        """The projects in which I have a role."""
        found = access.projects_visible_to(request.user).filter(archived_at=None).order_by("title")
        data = {"results": describe(request, list(found))}
        return Response(ProjectListSerializer(data).data)


class ProjectDetail(APIView):
    @extend_schema(responses=ProjectDetailSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """One project with its settings and the label schema in force."""
        return self._answer(request, access.project_for(request.user, slug, Action.VIEW_PROJECT))

    @extend_schema(request=ProjectChangeSerializer, responses=ProjectDetailSerializer)
    def patch(self, request: Request, slug: str) -> Response:
        """Change settings; each change is an event of the ledger."""
        project = access.project_for(request.user, slug, Action.EDIT_PROJECT)
        changes: Any = request.data
        return self._answer(request, projects.update(project, changes, user=signed_in(request)))

    def _answer(self, request: Request, project: Project) -> Response:
        [described] = describe(request, [project])
        described["label_schema"] = label_schemas.current(project.pk)
        return Response(ProjectDetailSerializer(described).data)


class Progress(APIView):
    @extend_schema(responses=OverviewSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """How far the project is and what to do next."""
        project = access.project_for(request.user, slug, Action.VIEW_PROGRESS)
        return Response(OverviewSerializer(progress.overview(project)).data)
