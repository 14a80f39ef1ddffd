"""The page that loads the application names what the browser will ask for, and who reads."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import builders
import pytest
from django.test import Client

from annotation.models import User

PAGE = """<!doctype html>
<html lang="en">
<head><script type="module" src="/static/assets/index-1.js"></script></head>"""
MANIFEST = {
    "index.html": {"file": "assets/index-1.js", "isEntry": True, "css": ["assets/index-1.css"]},
    "src/start.ts": {"file": "assets/start-1.js", "imports": ["index.html", "_shared.js"]},
    "_shared.js": {
        "file": "assets/shared-1.js",
        "imports": ["src/start.ts"],
        "css": ["assets/shared-1.css"],
    },
    "src/pages/reading-room/ReadingRoom.svelte": {
        "file": "assets/room-1.js",
        "imports": ["_shared.js"],
        "css": ["assets/room-1.css"],
    },
    "src/viewer/stage.ts": {"file": "assets/stage-1.js", "imports": ["_pixels.js"]},
    "_pixels.js": {"file": "assets/pixels-1.js"},
}


@pytest.fixture
def reader(db: None) -> User:
    return builders.user()


@pytest.fixture
def dist(settings: Any, tmp_path: Path) -> Path:
    settings.FRONTEND_DIST = tmp_path
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    return tmp_path


def page(user: User, path: str) -> str:
    client = Client()
    client.force_login(user)
    return client.get(path).content.decode()


def links(user: User, path: str) -> list[tuple[str, str]]:
    text = page(user, path)
    head = text[: text.index("</head>")]
    return re.findall(r'<link rel="(\w+)"[ \w="]* href="/static/assets/([\w.-]+)">', head)


def test_each_page_names_what_every_page_needs(reader: User, dist: Path) -> None:
    assert links(reader, "/p/chest/list") == [
        ("preload", "start-1.js"),
        ("preload", "shared-1.js"),
        ("stylesheet", "shared-1.css"),
    ]


@pytest.mark.parametrize("path", ["/p/chest/read", "/p/chest/read/7"])
def test_the_reading_room_names_its_viewer_too(reader: User, dist: Path, path: str) -> None:
    assert links(reader, path) == [
        ("preload", "start-1.js"),
        ("preload", "shared-1.js"),
        ("preload", "room-1.js"),
        ("preload", "stage-1.js"),
        ("preload", "pixels-1.js"),
        ("stylesheet", "shared-1.css"),
        ("stylesheet", "room-1.css"),
    ]


def test_a_new_build_is_named_at_once(reader: User, dist: Path) -> None:
    assert ("preload", "start-1.js") in links(reader, "/")
    (dist / "manifest.json").write_text(json.dumps(MANIFEST).replace("start-1", "start-2"))
    assert ("preload", "start-2.js") in links(reader, "/")


def test_without_a_list_of_the_build_the_page_is_served_as_it_is(reader: User, dist: Path) -> None:
    (dist / "manifest.json").unlink()
    assert links(reader, "/p/chest/read") == []


def test_a_name_cannot_leave_its_place(reader: User, dist: Path) -> None:
    reader.username = 'a"><script>alert(1)</script>'
    reader.save()
    text = page(reader, "/")
    assert "<script>alert" not in text
    assert "a&quot;&gt;&lt;script&gt;" in text
