"""Every operation under /api with the right that it needs: the table that the role matrix walks.

An operation that is routed but not listed here fails the tests, and so does one listed but not routed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from annotation.access import Action

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    """``needs``: a right in the object's project, or one of several; none: any person signed in.

    ``in_hand``: only for the reader who has the case in hand.
    """

    method: str
    route: str
    needs: tuple[Action, ...] = ()
    in_hand: bool = False
    body: dict[str, Any] = field(default_factory=dict)
    query: str = ""
    session_only: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


PROJECT = "projects/<slug:slug>"
READ = (Action.READ_CASES,)
HELD = {"token": 1}
EMPTY = {"answers": [], "marks": []}
PROMPT = {
    "series": 1,
    "label_class": "none of these",
    "method": "random_walk",
    "volume": False,
    "prompts": [{"kind": "point", "positive": True, "frame": 0, "points_px": [[1, 1]]}],
}
TABLE = [
    Operation("get", "schema"),
    Operation("get", "me"),
    Operation("put", "me/language", session_only=True, body={"language": "fr"}),
    Operation("get", "me/keyboard", session_only=True),
    Operation("put", "me/keyboard", session_only=True, body={"profile": "ohif", "changes": {}}),
    Operation("get", "tokens", session_only=True),
    Operation("post", "tokens", session_only=True),
    Operation("delete", "tokens/<int:pk>", session_only=True),
    Operation("get", "projects"),
    Operation("get", PROJECT, (Action.VIEW_PROJECT,)),
    Operation("patch", PROJECT, (Action.EDIT_PROJECT,)),
    Operation("get", f"{PROJECT}/label-schemas", (Action.VIEW_PROJECT,)),
    Operation("post", f"{PROJECT}/label-schemas", (Action.EDIT_SCHEMA,)),
    Operation(
        "post",
        f"{PROJECT}/label-schemas/check",
        (Action.EDIT_SCHEMA,),
        body={"document": {}},
    ),
    Operation("get", f"{PROJECT}/label-schemas/<int:version>", (Action.VIEW_PROJECT,)),
    Operation("get", f"{PROJECT}/hanging-protocols", (Action.VIEW_PROJECT,)),
    Operation(
        "post",
        f"{PROJECT}/hanging-protocols",
        (Action.EDIT_PROJECT,),
        body={"base": 0, "document": {"protocols": []}},
    ),
    Operation(
        "post",
        f"{PROJECT}/hanging-protocols/try",
        (Action.EDIT_PROJECT,),
        body={"document": {"protocols": []}},
    ),
    Operation("get", f"{PROJECT}/guideline-pictures", (Action.VIEW_PROJECT,)),
    Operation("post", f"{PROJECT}/guideline-pictures", (Action.EDIT_SCHEMA,)),
    Operation("get", f"{PROJECT}/guideline-pictures/<str:sha256>", (Action.VIEW_PROJECT,)),
    Operation("delete", f"{PROJECT}/guideline-pictures/<str:sha256>", (Action.EDIT_SCHEMA,)),
    Operation("get", f"{PROJECT}/progress", (Action.VIEW_PROGRESS,)),
    Operation("get", f"{PROJECT}/members", (Action.VIEW_MEMBERS,)),
    Operation("post", f"{PROJECT}/members", (Action.MANAGE_MEMBERS,)),
    Operation("post", f"{PROJECT}/members/invite", (Action.MANAGE_MEMBERS,)),
    Operation("delete", f"{PROJECT}/members/<int:pk>", (Action.MANAGE_MEMBERS,)),
    Operation("post", f"{PROJECT}/members/<int:pk>/password", (Action.MANAGE_MEMBERS,)),
    Operation("get", f"{PROJECT}/ledger", (Action.VIEW_LEDGER,)),
    Operation("post", f"{PROJECT}/ledger/verify", (Action.VIEW_LEDGER,)),
    Operation("get", f"{PROJECT}/snapshots", (Action.VIEW_DATASETS,)),
    Operation("post", f"{PROJECT}/snapshots", (Action.FREEZE_DATASETS,)),
    Operation("get", "snapshots/<int:pk>", (Action.VIEW_DATASETS,)),
    Operation("get", "snapshots/<int:pk>/cases", (Action.VIEW_DATASETS,)),
    Operation("post", "snapshots/<int:pk>/verify", (Action.VIEW_DATASETS,)),
    Operation("get", "snapshots/<int:pk>/download", (Action.EXPORT_DATASETS,)),
    Operation("get", f"{PROJECT}/imports", (Action.IMPORT_IMAGES,)),
    Operation("post", f"{PROJECT}/imports", (Action.IMPORT_IMAGES,)),
    Operation("get", f"{PROJECT}/sources", (Action.IMPORT_IMAGES,)),
    Operation("post", f"{PROJECT}/sources", (Action.IMPORT_IMAGES,)),
    Operation("patch", "sources/<int:pk>", (Action.IMPORT_IMAGES,)),
    Operation("post", "sources/<int:pk>/read-in", (Action.IMPORT_IMAGES,)),
    Operation("get", f"{PROJECT}/write-backs", (Action.WRITE_BACK,)),
    Operation("post", f"{PROJECT}/write-backs", (Action.WRITE_BACK,)),
    Operation("get", f"{PROJECT}/write-backs/counts", (Action.WRITE_BACK,)),
    Operation("get", "cases/<int:pk>/write-back", (Action.WRITE_BACK,)),
    Operation("post", "cases/<int:pk>/write-back", (Action.WRITE_BACK,)),
    Operation("get", f"{PROJECT}/quarantine", (Action.IMPORT_IMAGES,)),
    Operation("get", "imports/<int:pk>", (Action.IMPORT_IMAGES,)),
    Operation("get", "imports/<int:pk>/items", (Action.IMPORT_IMAGES,)),
    Operation("post", "imports/<int:pk>/complete", (Action.IMPORT_IMAGES,)),
    Operation("post", "imports/<int:pk>/cancel", (Action.IMPORT_IMAGES,)),
    Operation("get", "import-items/<int:pk>", (Action.IMPORT_IMAGES,)),
    Operation("put", "import-items/<int:pk>/content", (Action.IMPORT_IMAGES,), query="?offset=0"),
    Operation("post", "import-items/<int:pk>/dismiss", (Action.IMPORT_IMAGES,)),
    Operation("post", "import-items/<int:pk>/retry", (Action.IMPORT_IMAGES,)),
    Operation("get", "series/<int:pk>", (Action.VIEW_CASES,)),
    Operation("get", f"{PROJECT}/cases", (Action.VIEW_CASES, Action.READ_CASES)),
    Operation("get", f"{PROJECT}/kinds", (Action.VIEW_CASES, Action.READ_CASES)),
    Operation("get", f"{PROJECT}/filters", (Action.VIEW_CASES, Action.READ_CASES)),
    Operation(
        "put",
        f"{PROJECT}/filters",
        (Action.VIEW_CASES, Action.READ_CASES),
        body={"filters": [{"name": "CT", "query": {"modality": "CT"}}]},
    ),
    Operation("post", "cases/<int:pk>/withdraw", (Action.WITHDRAW_CASES,), body={"reason": "x"}),
    Operation("get", "cases/<int:pk>/comments", (Action.VIEW_CASES,)),
    Operation("post", "cases/<int:pk>/comments", (Action.VIEW_CASES,)),
    Operation("post", "comments/<int:pk>/resolve", (Action.VIEW_CASES,)),
    Operation("get", f"{PROJECT}/claims", READ),
    Operation("post", f"{PROJECT}/claims", READ),
    Operation("post", f"{PROJECT}/claims/next", READ),
    Operation("delete", f"{PROJECT}/claims/next", READ),
    Operation("get", "slots/<int:pk>", READ, in_hand=True),
    Operation("get", "slots/<int:pk>/hanging", READ, in_hand=True),
    Operation("get", "slots/<int:pk>/series", READ, in_hand=True, query="?series={series}"),
    Operation("post", "slots/<int:pk>/heartbeat", READ, in_hand=True, body=HELD),
    Operation("post", "slots/<int:pk>/release", READ, in_hand=True, body=HELD),
    Operation("post", "slots/<int:pk>/skip", READ, in_hand=True, body=HELD | {"reason": "x"}),
    Operation(
        "post", "slots/<int:pk>/issue", READ, in_hand=True, body=HELD | {"issue": "x", "text": "x"}
    ),
    Operation(
        "put",
        "slots/<int:pk>/draft",
        READ,
        in_hand=True,
        body=HELD | {"version": 0, "content": EMPTY, "active_seconds": 1},
    ),
    Operation(
        "post",
        "slots/<int:pk>/commit",
        READ,
        in_hand=True,
        body=HELD | {"content": EMPTY, "active_seconds": 1},
    ),
    Operation("post", "slots/<int:pk>/suggestion", READ, in_hand=True),
    Operation(
        "post",
        "slots/<int:pk>/submit",
        READ,
        in_hand=True,
        body=HELD | {"content": EMPTY, "active_seconds": 1},
    ),
    Operation("get", "slots/<int:pk>/prompt-methods", READ, in_hand=True),
    Operation("post", "slots/<int:pk>/prompts", READ, in_hand=True, body=HELD | PROMPT),
    Operation("get", "prompts/<int:pk>", READ, in_hand=True),
    Operation("delete", "prompts/<int:pk>", READ, in_hand=True),
    Operation("get", "prompts/<int:pk>/mask", READ, in_hand=True),
    Operation("put", "slots/<int:pk>/masks", READ, in_hand=True, query="?series={series}&sha256=0"),
    Operation("get", "slots/<int:pk>/masks/<str:sha256>", READ, in_hand=True),
    Operation("get", f"{PROJECT}/learning", (Action.VIEW_PROGRESS,)),
    Operation("get", f"{PROJECT}/curve", (Action.VIEW_PROGRESS,)),
    Operation("get", f"{PROJECT}/stopping", (Action.VIEW_PROGRESS,)),
    Operation(
        "post",
        f"{PROJECT}/stopping",
        (Action.EDIT_PROJECT,),
        body={"choice": "go_on", "reason": "x"},
    ),
    Operation("get", f"{PROJECT}/label-issues", (Action.EDIT_PROJECT,)),
    Operation(
        "post",
        f"{PROJECT}/label-issues/<int:case>/reading",
        (Action.EDIT_PROJECT,),
        body={"reason": "x"},
    ),
    Operation("get", f"{PROJECT}/ranking", (Action.VIEW_ROUNDS,)),
    Operation("get", f"{PROJECT}/suggestions", (Action.VIEW_ROUNDS,)),
    Operation("get", f"{PROJECT}/rounds", (Action.VIEW_ROUNDS,)),
    Operation("post", f"{PROJECT}/rounds", (Action.RUN_ROUNDS,)),
    Operation("get", "rounds/<int:pk>", (Action.VIEW_ROUNDS,)),
    Operation("get", "rounds/<int:pk>/log", (Action.VIEW_ROUNDS,)),
    Operation("post", "rounds/<int:pk>/cancel", (Action.RUN_ROUNDS,)),
    Operation("post", "rounds/<int:pk>/retry", (Action.RUN_ROUNDS,)),
    Operation("get", f"{PROJECT}/models", (Action.VIEW_ROUNDS,)),
    Operation("get", "models/<int:pk>", (Action.VIEW_ROUNDS,)),
    Operation("get", "models/<int:pk>/against/<int:other>", (Action.VIEW_ROUNDS,)),
    Operation("get", "models/<int:pk>/card", (Action.VIEW_ROUNDS,)),
    Operation("post", "models/<int:pk>/use", (Action.MANAGE_MODELS,)),
    Operation("get", "models/<int:pk>/download", (Action.MANAGE_MODELS,)),
]


def routed() -> set[tuple[str, str]]:
    """(method, route below /api/) of everything that the URL resolver knows there."""
    found = set()
    for route, pattern in _patterns(get_resolver().url_patterns, ""):
        if not route.startswith("api/"):
            continue
        view = getattr(pattern.callback, "view_class", pattern.callback)
        for method in METHODS:
            if hasattr(view, method):
                found.add((method, route.removeprefix("api/")))
    return found


def _patterns(
    patterns: list[URLPattern | URLResolver], before: str
) -> Iterator[tuple[str, URLPattern]]:
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _patterns(one.url_patterns, route)
        else:
            yield route, one
