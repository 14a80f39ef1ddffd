"""The keys of the person who is signed in. A token has none."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import keyboard
from annotation.models import KeyProfile

from .authentication import signed_in

ACTION = r"^[A-Za-z][A-Za-z0-9.]{0,39}$"
KEY = r"^(Control\+)?(Alt\+)?(Shift\+)?([^\s\x00-\x1f]|[A-Z][A-Za-z0-9]{1,29})$"
"""As browsers name it: one sign, or a word such as ArrowUp."""


class KeysField(serializers.DictField):
    """The keys of actions, by the action's id."""

    child = serializers.ListField(
        child=serializers.RegexField(KEY), allow_empty=True, max_length=keyboard.MOST_KEYS
    )

    def to_internal_value(self, data: Any) -> dict[str, list[str]]:
        keys: dict[str, list[str]] = super().to_internal_value(data)
        action = serializers.RegexField(ACTION)
        for name in keys:
            action.run_validation(name)
        return keys


class ChangesSerializer(serializers.Serializer[Any]):
    """What the person changed in each profile."""

    default = KeysField(required=False)
    ohif = KeysField(required=False)
    slicer = KeysField(required=False)
    left_handed = KeysField(required=False)


class KeyboardSerializer(serializers.Serializer[Any]):
    profile = serializers.ChoiceField(KeyProfile.choices)
    changes = ChangesSerializer()


class Keyboard(APIView):
    authentication_classes = [SessionAuthentication]

    @extend_schema(responses=KeyboardSerializer)
    def get(self, request: Request) -> Response:
        """My keys in the reading room: a profile, and what I changed in each."""
        user = signed_in(request)
        return Response({"profile": user.key_profile, "changes": user.key_changes})

    @extend_schema(request=KeyboardSerializer, responses=KeyboardSerializer)
    def put(self, request: Request) -> Response:
        """Replace my keys. They go with me to every browser."""
        wanted = KeyboardSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        keyboard.choose(signed_in(request), **wanted.validated_data)
        return Response(wanted.validated_data)
