"""The decoder process: one JSON request a line on standard input, one JSON answer a line on output.

It has a memory limit, no secrets in its environment, and goes when its parent goes or leaves it idle.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import resource
import select
import sys
from pathlib import Path
from typing import Any

from . import examine, limits
from .faults import Fault

IDLE_SECONDS = 120

# Errors of the system that are not the file's; codecs raise OSError of their own, without a number.
_MACHINE = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EIO,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOENT,
    errno.ENOSPC,
    errno.ENOTDIR,
    errno.EROFS,
}


def main() -> None:
    answers = _claim_standard_output()
    resource.setrlimit(resource.RLIMIT_AS, (limits.SANDBOX_MEMORY_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0]:
        line = sys.stdin.readline()
        if not line:
            return
        os.write(answers, json.dumps(answer(json.loads(line))).encode() + b"\n")


def _claim_standard_output() -> int:
    """Answers alone may use it: what a codec prints goes to standard error."""
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def answer(request: dict[str, Any]) -> dict[str, Any]:
    path, folder = Path(request["path"]), Path(request["folder"])
    try:
        match request["job"]:
            case "examine":
                found = examine.examine(
                    path, name=request["name"], patient=request["patient"], folder=folder
                )
                return {"objects": [dataclasses.asdict(each) for each in found]}
            case "object":
                return {
                    "objects": [dataclasses.asdict(examine.examine_object(path, folder=folder))]
                }
            case "decode":
                return {"frames": examine.decode(path, folder=folder)}
            case "marks":
                return {"outside": _marks(path, folder)}
            case "write":
                return {"written": _written(path, folder)}
            case job:
                raise ValueError(job)
    except Fault as fault:
        return {"code": fault.code, "reason": fault.reason}
    except MemoryError:
        return {"code": "too_large", "reason": "The file needs more memory than it may have."}
    except Exception as error:  # the process edge: a hostile file must not stop the rest
        if isinstance(error, OSError) and error.errno in _MACHINE:
            return {"machine": str(error)}
        reason = f"The file could not be examined ({type(error).__name__}: {error})."
        return {"code": "unreadable", "reason": reason}


def _marks(path: Path, folder: Path) -> str:
    """Where the description lies: it may hold more than a line should."""
    from . import read_outside

    answer = folder / "outside.json"
    found = read_outside.read(path, folder=folder)
    answer.write_text(json.dumps(dataclasses.asdict(found)), encoding="utf-8")
    return str(answer)


def _written(path: Path, folder: Path) -> list[dict[str, Any]]:
    from . import write  # takes seconds to import, and few workers ever need it

    return [dataclasses.asdict(each) for each in write.write(path, folder=folder)]


if __name__ == "__main__":
    main()
