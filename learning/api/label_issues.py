"""Labels that may be wrong, for the lead alone: a reader who saw them would not read blind any more."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import access, queue
from annotation.access import Action
from annotation.api.authentication import signed_in
from annotation.errors import NotFound
from learning.measuring import label_issues

MOST = 500


class IssueSerializer(serializers.Serializer[label_issues.Issue]):
    case = serializers.IntegerField()
    given = serializers.CharField(help_text="of the reference")
    likelier = serializers.CharField(help_text="the class that a model finds likelier")
    probability = serializers.FloatField(help_text="of the label, out of sample")
    likelier_probability = serializers.FloatField()
    doubtful = serializers.BooleanField(help_text="by confident learning")
    basis = serializers.ChoiceField([label_issues.HELD_OUT, label_issues.SCORED_BEFORE])
    model = serializers.IntegerField()
    suggestion = serializers.CharField(help_text="made for the case, where the reading differs")
    reads = serializers.IntegerField()


class IssuesSerializer(serializers.Serializer[label_issues.Issues]):
    question = serializers.CharField()
    classes = serializers.ListField(child=serializers.CharField())
    compared = serializers.IntegerField(help_text="labelled cases with an out-of-sample answer")
    total = serializers.SerializerMethodField()
    issues = serializers.SerializerMethodField()

    def get_total(self, found: label_issues.Issues) -> int:
        return len(found.found)

    @extend_schema_field(IssueSerializer(many=True))
    def get_issues(self, found: label_issues.Issues) -> Any:
        return [IssueSerializer(issue).data for issue in found.found[:MOST]]


class AskAnotherSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(
        max_length=500, help_text="kept in the ledger, not shown to readers"
    )


class WantedSerializer(serializers.Serializer[Any]):
    case = serializers.IntegerField()
    reads_wanted = serializers.IntegerField()


class LabelIssues(APIView):
    @extend_schema(responses=IssuesSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """The labels most at odds with models that did not learn from them, at most 500."""
        project = access.project_for(request.user, slug, Action.EDIT_PROJECT)
        return Response(IssuesSerializer(label_issues.of(project)).data)


class AskAnother(APIView):
    @extend_schema(request=AskAnotherSerializer, responses=WantedSerializer)
    def post(self, request: Request, slug: str, case: int) -> Response:
        """One more blind reading of the case, by somebody who has not read it."""
        project = access.project_for(request.user, slug, Action.EDIT_PROJECT)
        found = project.cases.filter(pk=case).first()
        if found is None:
            raise NotFound
        asked = AskAnotherSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = queue.ask_another(found, signed_in(request), reason=asked.validated_data["reason"])
        return Response({"case": found.pk, "reads_wanted": wanted})
