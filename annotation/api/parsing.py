"""Reads JSON bodies: bounded in size and depth, without values that PostgreSQL cannot hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

from annotation.errors import TooLarge

DEEPEST = 40
LARGEST_INTEGER = 2**63 - 1


class StrictJSONParser(BaseParser):
    """RFC 8259 JSON in UTF-8; no NaN, NUL, lone surrogate or integer beyond 64 bits."""

    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(f"A request may hold at most {limit // 2**20} MiB of JSON.")
        try:
            value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        except RecursionError as deep:
            raise ParseError("The JSON is nested too deeply.") from deep
        except ValueError as wrong:
            raise ParseError(f"The body is not JSON: {wrong}") from wrong
        _check(value, DEEPEST)
        return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _check(value: Any, depth: int) -> None:
    if depth == 0:
        raise ParseError("The JSON is nested too deeply.")
    match value:
        case str():
            _check_text(value)
        case int() if abs(value) > LARGEST_INTEGER:
            raise ParseError("An integer is beyond 64 bits.")
        case float() if value in (float("inf"), float("-inf")):
            raise ParseError("A number is too large.")
        case dict():
            for name, inner in value.items():
                _check_text(name)
                _check(inner, depth - 1)
        case list():
            for inner in value:
                _check(inner, depth - 1)


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise ParseError("A text holds the NUL character, which cannot be stored.")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise ParseError("A text holds half of a surrogate pair, which is no character.")
