"""What the OpenAPI document says of every operation alike: failures are problems."""

from __future__ import annotations

from typing import Any

from .problem import MEDIA_TYPE

METHODS = {"get", "put", "post", "patch", "delete"}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem: what failed, why, and what to do.",
    "required": ["type", "code", "status", "title", "detail"],
    "properties": {
        "type": {"type": "string"},
        "code": {"type": "string"},
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["where", "message"],
                "properties": {"where": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
REFERENCE = {"$ref": "#/components/schemas/Problem"}


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Post-processing hook of drf-spectacular."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    for operations in result["paths"].values():
        for method in METHODS & operations.keys():
            responses = operations[method]["responses"]
            responses["4XX"] = _response("The request was refused.")
            responses["503"] = _response("The server cannot answer right now. Try again.")
    return result


def _response(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": REFERENCE}}}
