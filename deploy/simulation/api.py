"""The few calls of the REST API that a simulated reader needs. Speaks HTTP only; knows no database."""

from __future__ import annotations

import gzip
import hashlib
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

RETRY_SECONDS = 60.0
UNAVAILABLE = {429, 502, 503, 504}


class ApiError(RuntimeError):
    """The server refused; ``code`` and the sentence are the server's own."""

    def __init__(self, response: httpx.Response) -> None:
        is_problem = response.headers.get("content-type", "").startswith("application/problem+json")
        problem: dict[str, Any] = response.json() if is_problem else {}
        self.status = response.status_code
        self.code = str(problem.get("code", ""))
        self.errors = problem.get("errors", [])
        sentence = problem.get("detail") or f"The server answered {response.status_code}."
        super().__init__(f"{sentence} {self.errors}" if self.errors else sentence)


class Api:
    """One project of one server, with a token. A server that is away is asked again for a minute."""

    def __init__(self, server: str, token: str, project: str) -> None:
        self.project = f"projects/{project}"
        self._client = httpx.Client(
            base_url=f"{server.rstrip('/')}/api/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        )

    def close(self) -> None:
        self._client.close()

    def request(self, method: str, path: str, **options: Any) -> Any:
        deadline = time.monotonic() + RETRY_SECONDS
        while True:
            try:
                response = self._client.request(method, path, **options)
            except httpx.TransportError:
                response = None
            if response is not None and response.status_code not in UNAVAILABLE:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"The server did not answer for {RETRY_SECONDS:.0f} s.")
            time.sleep(0.5)
        if response.is_error:
            raise ApiError(response)
        return response.json() if response.content else None

    def claim(self) -> dict[str, Any] | None:
        """The next case as an assignment, or None when nothing is left for this reader."""
        try:
            assignment: dict[str, Any] = self.request("POST", f"{self.project}/claims", json={})
        except ApiError as error:
            if error.code == "nothing_to_read":
                return None
            raise
        return assignment

    def series(self, series_id: int, case_id: int) -> dict[str, Any]:
        path = f"series/{series_id}?case={case_id}"
        display: dict[str, Any] = self.request("GET", path)
        return display

    def store_mask(self, slot: int, series: int, voxels: NDArray[np.uint8]) -> str:
        """Upload a labelmap [frames, rows, columns]; returns the SHA-256 by which marks name it."""
        raw = np.ascontiguousarray(voxels).tobytes()
        digest = hashlib.sha256(raw).hexdigest()
        self.request(
            "PUT",
            f"slots/{slot}/masks",
            params={"series": series, "sha256": digest},
            content=gzip.compress(raw, 1),
            headers={"Content-Type": "application/octet-stream"},
        )
        return digest

    def submit(self, assignment: dict[str, Any], content: dict[str, Any], seconds: float) -> None:
        self.request(
            "POST",
            f"slots/{assignment['slot']}/submit",
            json={
                "token": assignment["token"],
                "content": content,
                "active_seconds": round(seconds, 1),
            },
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )

    def running_round(self) -> int | None:
        """The id of the round that runs in the project now, if any."""
        running = self.request("GET", f"{self.project}/learning")["running_round"]
        return running and int(running["id"])

    def start_round(self) -> dict[str, Any]:
        started: dict[str, Any] = self.request("POST", f"{self.project}/rounds", json={})
        return started

    def watch_round(self, round_id: int, every: float = 1.0) -> Iterator[dict[str, Any]]:
        """The round's state, again and again, until it has ended."""
        while True:
            state: dict[str, Any] = self.request("GET", f"rounds/{round_id}")
            yield state
            if state["state"] != "running":
                return
            time.sleep(every)

    def curve(self) -> dict[str, Any]:
        points: dict[str, Any] = self.request("GET", f"{self.project}/curve")
        return points
