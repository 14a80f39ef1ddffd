"""Run decoder jobs in warm child processes, so that a hostile file costs a process and not the service."""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from . import limits
from .faults import Fault
from .found import Found
from .outside import Outside, from_json
from .record import Written

_ROOT = Path(__file__).resolve().parents[2]
_COMMAND = [sys.executable, "-m", "annotation.dicom.worker"]
_BYTES_PER_SECOND = 2 * limits.MIB
_JOBS_PER_WORKER = 5_000


class DecoderUnavailable(Exception):
    """The decoder could not do its work for a reason that is not the file's (no disk, no process)."""


class _Worker:
    def __init__(self) -> None:
        self.jobs = 0
        self.process = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd=_ROOT,
            env=_environment(),
        )

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        """The answer; None if the process died. TimeoutError if it took too long."""
        self.jobs += 1
        requests, answers = self.process.stdin, self.process.stdout
        assert requests is not None  # noqa: S101 - opened as pipes above
        assert answers is not None  # noqa: S101
        try:
            requests.write(json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            return None
        line = _read_line(answers.fileno(), time.monotonic() + seconds)
        return json.loads(line) if line else None

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def _environment() -> dict[str, str]:
    """No secrets; one thread per numerical library, for many start at once and memory is limited."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {"PATH": os.defpath, "PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1", **threads}


def _read_line(descriptor: int, deadline: float) -> bytes:
    pieces = []
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            raise TimeoutError
        piece = os.read(descriptor, 1 << 20)
        if not piece:
            return b""
        pieces.append(piece)
        if piece.endswith(b"\n"):
            return b"".join(pieces)


class Sandbox:
    """A few warm workers, shared by the threads of one process."""

    def __init__(self, size: int | None = None) -> None:
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(size or max(2, os.cpu_count() or 1))
        self._owner = os.getpid()
        self.started = 0

    def examine(self, path: Path, *, name: str, folder: Path, patient: str = "") -> list[Found]:
        """What the file is or becomes, as DICOM objects; a Fault where it is not fit."""
        said = {"name": name, "patient": patient}
        answer = self._run({"job": "examine", "path": str(path), "folder": str(folder), **said})
        return [Found(**each) for each in answer["objects"]]

    def examine_object(self, path: Path, *, folder: Path) -> Found:
        answer = self._run({"job": "object", "path": str(path), "folder": str(folder)})
        return Found(**answer["objects"][0])

    def decode(self, path: Path, *, folder: Path) -> int:
        answer = self._run({"job": "decode", "path": str(path), "folder": str(folder)})
        return int(answer["frames"])

    def read_marks(self, path: Path, *, folder: Path) -> Outside:
        """What an object or mask made elsewhere says; its voxels go to ``folder``."""
        answer = self._run({"job": "marks", "path": str(path), "folder": str(folder)})
        return from_json(json.loads(Path(answer["outside"]).read_text(encoding="utf-8")))

    def write_objects(self, path: Path, *, folder: Path) -> list[Written]:
        """The DICOM objects of a read; ``path``: its record (see ``record``), as JSON."""
        answer = self._run({"job": "write", "path": str(path), "folder": str(folder)})
        return [Written(**each) for each in answer["written"]]

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.stop()

    def _run(self, request: dict[str, Any]) -> dict[str, Any]:
        seconds = limits.SANDBOX_SECONDS + Path(request["path"]).stat().st_size / _BYTES_PER_SECOND
        with self._slots:
            answer = self._ask(request, seconds) or self._ask(request, seconds, fresh=True)
        if answer is None:
            raise Fault("decoder_stopped", "The file made the decoder stop. It was not taken in.")
        if "machine" in answer:
            raise DecoderUnavailable(answer["machine"])
        if "code" in answer:
            raise Fault(answer["code"], answer["reason"])
        return answer

    def _ask(
        self, request: dict[str, Any], seconds: float, *, fresh: bool = False
    ) -> dict[str, Any] | None:
        """One try. A worker that went away while idle is no verdict on the file: hence a second, fresh."""
        worker = None if fresh else self._take()
        if worker is None:
            self.started += 1
            worker = _Worker()
        try:
            answer = worker.ask(request, seconds)
        except TimeoutError:
            worker.stop()
            raise Fault(
                "timeout", f"The file took longer than {seconds:.0f} s to decode and was given up."
            ) from None
        if answer is None or worker.jobs >= _JOBS_PER_WORKER:
            worker.stop()
        else:
            with self._lock:
                self._idle.append(worker)
        return answer

    def _take(self) -> _Worker | None:
        with self._lock:
            if self._owner != os.getpid():
                self._idle, self._owner = [], os.getpid()
            return self._idle.pop() if self._idle else None


sandbox = Sandbox()
atexit.register(sandbox.close)
