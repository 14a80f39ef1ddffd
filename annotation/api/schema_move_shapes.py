"""What moving a begun reading to a newer label schema looks like over the API."""

from __future__ import annotations

from rest_framework import serializers

from annotation import schema_moves
from annotation.schema_fit import Dropped

from .assignments import TokenSerializer


class DroppedSerializer(serializers.Serializer[Dropped]):
    what = serializers.ChoiceField(["answer", "option", "mark", "segment"])
    code = serializers.CharField()
    name = serializers.CharField()
    detail = serializers.CharField(help_text="the value, the option or the kind; else empty")
    count = serializers.IntegerField()


class SchemaMoveSerializer(serializers.Serializer[schema_moves.Preview]):
    draft = serializers.IntegerField(help_text="the version of the draft that this is said of")
    version = serializers.IntegerField(help_text="of the label schema, to move to")
    dropped = DroppedSerializer(many=True)


class NewSchemaMoveSerializer(TokenSerializer):
    draft = serializers.IntegerField(min_value=0, max_value=2**31 - 2)
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 2)
