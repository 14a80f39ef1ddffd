"""The one door to Orthanc: typed answers, typed errors, time and size limits, no redirects.

Orthanc closes idle connections after a second; a request that meets a closed one is sent once more.
Every verb here may be repeated with the same effect.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from http.client import HTTPException
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from pyorthanc import Orthanc

from . import orthanc_frames
from .dicom.attributes import RULE_ATTRIBUTES
from .errors import ImageStoreUnavailable, NotFound

_CONNECT_SECONDS, _READ_SECONDS = 3.0, 60.0
_KEEP_ALIVE_SECONDS = 0.5
_CHUNK = 1024 * 1024
_SENDER = ("Origin", "RemoteAET", "CalledAET", "RemoteIP")
_DATE = "%Y%m%dT%H%M%S"
_PATIENT_ID, _ISSUER = "0010-0020", "0010-0021"
_DOWN = "The image store (Orthanc) does not answer. Images appear again when it is back."


class NotInStore(NotFound):
    """Orthanc has no such object (any more)."""

    code, title = "not_in_store", "The image store has no such object"


class Refused(Exception):
    """Orthanc would not take the object. ``str()`` says why, as far as Orthanc does."""


@dataclass(frozen=True)
class StoredInstance:
    orthanc_id: str
    series_id: str
    is_new: bool


@dataclass(frozen=True)
class Change:
    seq: int
    kind: str
    orthanc_id: str
    at: datetime


@dataclass(frozen=True)
class ChangePage:
    """``last``: where to go on. ``done``: nothing lies behind it now."""

    changes: list[Change]
    last: int
    done: bool


@dataclass(frozen=True)
class Statistics:
    instances: int
    series: int
    disk_bytes: int


def ping() -> str:
    """Orthanc's version."""
    return str(_get("/system").json()["Version"])


def statistics() -> Statistics:
    found = _get("/statistics").json()
    return Statistics(
        instances=int(found["CountInstances"]),
        series=int(found["CountSeries"]),
        disk_bytes=int(found["TotalDiskSize"]),
    )


def store(path: Path) -> StoredInstance:
    """Store a DICOM file as it is. The same object again is not an error and changes nothing."""
    size = path.stat().st_size
    headers = {"Content-Length": str(size), "Content-Type": "application/dicom"}
    with path.open("rb") as file:

        def send(client: httpx.Client) -> httpx.Response:
            file.seek(0)
            chunks = iter(lambda: file.read(_CHUNK), b"")
            response: httpx.Response = client.post(
                _url("/instances"), content=chunks, headers=headers
            )
            return response

        response = _send(send)
    if response.is_client_error:
        raise Refused(_reason(response))
    answer = _checked(response).json()
    return StoredInstance(
        orthanc_id=answer["ID"],
        series_id=answer["ParentSeries"],
        is_new=answer["Status"] == "Success",
    )


def changes(since: int, limit: int) -> ChangePage:
    found = _get("/changes", since=since, limit=limit).json()
    return ChangePage(
        changes=[
            Change(
                seq=int(each["Seq"]),
                kind=each["ChangeType"],
                orthanc_id=each["ID"],
                at=datetime.strptime(each["Date"], _DATE).replace(tzinfo=UTC),
            )
            for each in found["Changes"]
        ],
        last=int(found["Last"]),
        done=bool(found["Done"]),
    )


def download(orthanc_id: str, destination: Path) -> None:
    """The stored file, byte for byte, to ``destination``; cut off above the largest allowed size."""

    def fetch(client: httpx.Client) -> httpx.Response:
        with client.stream("GET", _url(f"/instances/{orthanc_id}/file")) as response:
            if response.is_success:
                _write_capped(response, destination)
            return response

    _checked(_send(fetch))


def frame(orthanc_id: str, index: int) -> bytes:
    """The stored bytes of one frame, counted from 0, without their DICOM wrapping."""
    try:
        status, body = orthanc_frames.get(frame_path(orthanc_id, index))
    except (OSError, HTTPException) as error:
        raise ImageStoreUnavailable(_DOWN) from error
    if status == httpx.codes.NOT_FOUND:
        raise NotInStore
    if status != httpx.codes.OK:
        raise ImageStoreUnavailable(
            f"The image store (Orthanc) could not give the frame ({status})."
        )
    return body


def frame_path(orthanc_id: str, index: int) -> str:
    """Where a proxy beside Orthanc finds the same bytes."""
    return f"/instances/{orthanc_id}/frames/{index}/raw"


def all_instances() -> set[str]:
    found: list[str] = _get("/instances").json()
    return set(found)


def series_of(orthanc_id: str) -> str:
    """The store's id of the series that an instance belongs to."""
    return str(_get(f"/instances/{orthanc_id}").json()["ParentSeries"])


def sender(orthanc_id: str) -> dict[str, str]:
    """How the instance came: Origin, RemoteAET, CalledAET, RemoteIP, as far as Orthanc noted them."""
    found = _get(f"/instances/{orthanc_id}/metadata", expand="").json()
    return {name: str(found[name]) for name in _SENDER if found.get(name)}


def attributes(orthanc_id: str) -> dict[str, str]:
    """What an intake rule may ask of the header, as far as Orthanc could read it."""
    found = _get(f"/instances/{orthanc_id}/simplified-tags").json()
    return {name: str(found[name])[:200] for name in RULE_ATTRIBUTES if found.get(name)}


def patient_identity(orthanc_id: str) -> tuple[str, str]:
    """Patient ID and its issuer, '' where the object has none. Never to be stored on our side."""
    return _value(orthanc_id, _PATIENT_ID), _value(orthanc_id, _ISSUER)


def find_instance(sop_instance_uid: str) -> str | None:
    """The store's id of an object, by its SOP Instance UID."""
    response = _send(lambda client: client.post(_url("/tools/lookup"), content=sop_instance_uid))
    for one in _checked(response).json():
        if one["Type"] == "Instance":
            return str(one["ID"])
    return None


def delete_instance(orthanc_id: str) -> None:
    """Gone afterwards, whether it was there or not."""
    response = _send(lambda client: client.delete(_url(f"/instances/{orthanc_id}")))
    if response.status_code != httpx.codes.NOT_FOUND:
        _checked(response)


def _value(orthanc_id: str, tag: str) -> str:
    try:
        content = _get(f"/instances/{orthanc_id}/content/{tag}").content
    except NotInStore:
        return ""
    return content.decode("utf-8", "backslashreplace").strip(" \x00")


def _get(path: str, **parameters: str | int) -> httpx.Response:
    return _checked(_send(lambda client: client.get(_url(path), params=parameters or None)))


def _checked(response: httpx.Response) -> httpx.Response:
    if response.status_code == httpx.codes.NOT_FOUND:
        raise NotInStore
    if not response.is_success:
        raise ImageStoreUnavailable(
            f"The image store (Orthanc) could not answer: {_reason(response)}. "
            "Its log says more; “consilium doctor” checks its disk and its password."
        )
    return response


def _reason(response: httpx.Response) -> str:
    """Orthanc's own words where it has any, never more than a line."""
    fallback = f"HTTP {response.status_code}"
    try:
        answer = response.json()
    except (ValueError, httpx.StreamError):
        return fallback
    if not isinstance(answer, dict):
        return fallback
    words = answer.get("Details") or answer.get("Message") or fallback
    return " ".join(str(words).split())[:200]


def _send(request: Any) -> httpx.Response:
    """Once, and once more if the connection turned out to be a stale one."""
    with _typed_errors():
        try:
            response: httpx.Response = request(_client())
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            response = request(_client())
        return response


@contextmanager
def _typed_errors() -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise ImageStoreUnavailable(_DOWN) from error


def _write_capped(response: httpx.Response, destination: Path) -> None:
    size = 0
    with destination.open("wb") as file:
        for chunk in response.iter_raw(_CHUNK):
            size += len(chunk)
            if size > settings.MAX_INSTANCE_BYTES:
                raise Refused("The object is larger than the limit of 512 MiB.")
            file.write(chunk)


def _url(path: str) -> str:
    return f"{settings.ORTHANC_URL}{path}"


def _client() -> Orthanc:
    """One connection pool per process and per store that the settings name."""
    return _make_client(
        os.getpid(), settings.ORTHANC_URL, settings.ORTHANC_USER, settings.ORTHANC_PASSWORD
    )


@lru_cache(maxsize=4)
def _make_client(_process: int, url: str, user: str, password: str) -> Orthanc:
    client = Orthanc(
        url,
        username=user,
        password=password,
        return_raw_response=True,
        timeout=httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
        limits=httpx.Limits(max_connections=32, keepalive_expiry=_KEEP_ALIVE_SECONDS),
        follow_redirects=False,
        trust_env=False,
    )
    atexit.register(client.close)
    return client
