"""What the image store says of its own change log."""

from __future__ import annotations

from annotation import orthanc

PAGE = 1000


def newest_change() -> int:
    """Its number; 0 in an empty store."""
    last, done = 0, False
    while not done:
        page = orthanc.changes(last, PAGE)
        last, done = max(last, page.last), page.done
    return last
