"""What the API says of triage."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from annotation.api.sentences import SentenceField
from annotation.models import User
from learning.models import (
    DriftTest,
    GroupBy,
    TriageCertificate,
    TriageDecision,
    TriageLane,
    TriagePolicy,
)
from learning.triage import NEGATIVE, POSITIVE
from learning.triaging import policies, triage_overview

LANES = [NEGATIVE, POSITIVE]
DRIFTS = ["embeddings", "scores", "sites", "scanners"]


class SettingsSerializer(serializers.Serializer[Any]):
    """What is left out is the product's default."""

    is_on = serializers.BooleanField(required=False)
    lanes = serializers.ListField(
        child=serializers.ChoiceField(LANES), required=False, max_length=2
    )
    miss_level = serializers.FloatField(required=False)
    error_level = serializers.FloatField(required=False)
    confidence = serializers.FloatField(required=False)
    gap = serializers.FloatField(required=False)
    group_by = serializers.ChoiceField(GroupBy.choices, required=False)
    least_audit = serializers.FloatField(required=False)
    valid_days = serializers.IntegerField(required=False)


class SigningSerializer(SettingsSerializer):
    reason = serializers.CharField(max_length=2000)
    base = serializers.IntegerField(min_value=0, help_text="version that was seen; 0: none")


class WhySerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2000)


class TriagePolicySerializer(serializers.ModelSerializer[TriagePolicy]):
    lanes = serializers.ListField(child=serializers.ChoiceField(LANES))
    signed_by: serializers.SlugRelatedField[User] = serializers.SlugRelatedField(
        "username", read_only=True
    )

    class Meta:
        model = TriagePolicy
        fields = [
            "version", "is_on", "lanes", "miss_level", "error_level", "confidence", "gap", "group_by",
            "least_audit", "valid_days", "reason", "signed_by", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class ThresholdSerializer(serializers.Serializer[Any]):
    threshold = serializers.FloatField()
    accepted = serializers.IntegerField()
    trials = serializers.IntegerField()
    wrong = serializers.IntegerField(source="errors")
    bound = serializers.FloatField()
    passed = serializers.BooleanField()


class PreviewedLaneSerializer(serializers.Serializer[triage_overview.Previewed]):
    name = serializers.ChoiceField(LANES)
    group = serializers.CharField()
    n = serializers.IntegerField()
    positives = serializers.IntegerField()
    level = serializers.FloatField()
    confidence = serializers.FloatField()
    threshold = serializers.FloatField(allow_null=True)
    accepted_share = serializers.FloatField()
    would_accept = serializers.IntegerField(help_text="cases of the pool that wait now")
    wrong = serializers.IntegerField(source="errors")
    trials = serializers.IntegerField()
    bound = serializers.FloatField()
    audit_rate = serializers.FloatField(allow_null=True)
    needs_cases = serializers.IntegerField()
    needs_positives = serializers.IntegerField()
    can_open = serializers.BooleanField(help_text="false: no number of cases would do")
    steps = ThresholdSerializer(many=True)


class BinSerializer(serializers.Serializer[triage_overview.Bin]):
    low = serializers.FloatField()
    high = serializers.FloatField()
    pool = serializers.FloatField()
    positives = serializers.FloatField()
    negatives = serializers.FloatField()


class TriagePreviewSerializer(serializers.Serializer[triage_overview.Preview]):
    round = serializers.SerializerMethodField()
    misfit = SentenceField()
    pool = serializers.IntegerField()
    lanes = PreviewedLaneSerializer(many=True)
    histogram = BinSerializer(many=True)

    def get_round(self, preview: triage_overview.Preview) -> int | None:
        return None if preview.model is None else preview.model.round.number


class AuditPointSerializer(serializers.Serializer[triage_overview.AuditPoint]):
    audited = serializers.IntegerField()
    wrong = serializers.IntegerField(source="errors")
    low = serializers.FloatField()
    high = serializers.FloatField()


class AuditSerializer(serializers.Serializer[triage_overview.Audit]):
    audited = serializers.IntegerField()
    wrong = serializers.IntegerField(source="errors")
    waiting = serializers.IntegerField(help_text="audits that nobody has read yet")
    low = serializers.FloatField(help_text="the error is above it, however often one looks")
    high = serializers.FloatField()
    tolerance = serializers.FloatField(help_text="share of accepted cases that may be wrong")
    course = AuditPointSerializer(many=True)


class TriageLaneSerializer(serializers.Serializer[triage_overview.LaneInForce]):
    id = serializers.IntegerField(source="row.pk")
    name = serializers.ChoiceField(LANES, source="row.name")
    group = serializers.CharField(source="row.group")
    state = serializers.ChoiceField(TriageLane.State.choices, source="row.state")
    n = serializers.IntegerField(source="row.n")
    positives = serializers.IntegerField(source="row.positives")
    level = serializers.FloatField(source="row.level")
    confidence = serializers.FloatField(source="row.confidence")
    threshold = serializers.FloatField(source="row.threshold", allow_null=True)
    accepted_share = serializers.FloatField(source="row.accepted_share")
    wrong = serializers.IntegerField(source="row.errors")
    trials = serializers.IntegerField(source="row.trials")
    bound = serializers.FloatField(source="row.bound")
    audit_rate = serializers.FloatField(source="row.audit_rate", allow_null=True)
    needs_cases = serializers.IntegerField(source="row.needs_cases")
    needs_positives = serializers.IntegerField(source="row.needs_positives")
    can_open = serializers.BooleanField(source="row.can_open")
    closed_at = serializers.DateTimeField(source="row.closed_at", allow_null=True)
    closed_for = serializers.CharField(source="row.closed_for")
    closed_because = SentenceField(source="row.closed_because")
    steps = ThresholdSerializer(source="row.steps", many=True)
    accepted = serializers.IntegerField()
    withdrawn = serializers.IntegerField()
    audit = AuditSerializer(allow_null=True)


class DriftTestSerializer(serializers.ModelSerializer[DriftTest]):
    name = serializers.ChoiceField(DRIFTS)

    class Meta:
        model = DriftTest
        fields = [
            "look", "name", "statistic", "p", "adjusted", "level", "before", "after", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class TriageCertificateSerializer(serializers.ModelSerializer[TriageCertificate]):
    round = serializers.IntegerField(source="model.round.number")
    policy = serializers.IntegerField(source="policy.version")
    ended_because = SentenceField(read_only=True)
    lanes_open = serializers.SerializerMethodField()
    lanes_closed = serializers.SerializerMethodField()

    class Meta:
        model = TriageCertificate
        fields = [
            "id", "round", "policy", "model", "fitted_on", "created_at", "expires_at", "filled_at",
            "ended_at", "ended_because", "lanes_open", "lanes_closed",
        ]  # fmt: skip
        read_only_fields = fields

    def get_lanes_open(self, certificate: TriageCertificate) -> int:
        return sum(lane.state == TriageLane.State.OPEN for lane in certificate.lanes.all())

    def get_lanes_closed(self, certificate: TriageCertificate) -> int:
        return sum(lane.state == TriageLane.State.CLOSED for lane in certificate.lanes.all())


class TriageSerializer(serializers.Serializer[triage_overview.Overview]):
    policy = TriagePolicySerializer(allow_null=True)
    defaults = serializers.SerializerMethodField()
    has_evidence = serializers.SerializerMethodField()
    misfit = SentenceField()
    certificate = TriageCertificateSerializer(allow_null=True)
    lanes = TriageLaneSerializer(many=True)
    drift = DriftTestSerializer(many=True)
    history = TriageCertificateSerializer(many=True)

    def get_defaults(self, _: triage_overview.Overview) -> dict[str, Any]:
        return policies.DEFAULT

    def get_has_evidence(self, overview: triage_overview.Overview) -> bool:
        return overview.model is not None


class AcceptedCaseSerializer(serializers.ModelSerializer[TriageDecision]):
    """Not whether it is to be audited: that is nobody's to know before it was read."""

    lane = serializers.ChoiceField(LANES, source="lane.name")
    group = serializers.CharField(source="lane.group")
    site = serializers.CharField(source="case.site.name", default=None, allow_null=True)
    reason = SentenceField(read_only=True)

    class Meta:
        model = TriageDecision
        fields = [
            "id", "case", "site", "lane", "group", "label", "score", "gap", "state", "is_wrong", "reason",
            "created_at", "settled_at",
        ]  # fmt: skip
        read_only_fields = fields


class AcceptedFilter(serializers.Serializer[Any]):
    state = serializers.ChoiceField(TriageDecision.State.choices, required=False)
    lane = serializers.ChoiceField(LANES, required=False)
    wrong = serializers.BooleanField(required=False, help_text="only those that a reader corrected")
