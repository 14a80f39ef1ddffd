"""The description of a whole series for the viewer, made from the descriptions of its objects."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import geometry

_PER_FRAME = (
    "rows",
    "columns",
    "samples_per_pixel",
    "photometric_interpretation",
    "planar_configuration",
    "bits_allocated",
    "bits_stored",
    "high_bit",
    "pixel_representation",
    "rescale_slope",
    "rescale_intercept",
    "rescale_type",
    "windows",
    "pixel_spacing",
    "spacing_source",
    "technique",
)


@dataclass(frozen=True)
class Described:
    """One stored object and its curated header (see ``describe``)."""

    sop_instance_uid: str
    store_id: str
    sha256: str
    normalised: bool
    description: dict[str, Any]


def series_display(objects: Sequence[Described]) -> dict[str, Any]:
    """Frames in spatial order; what all frames share is said once, a frame says what differs."""
    frames = [frame for place, item in enumerate(objects) for frame in _frames(place, item)]
    arrangement = geometry.arrange([frame["placed"] for frame in frames])
    ordered = [frames[i] for i in arrangement.order]
    first, leading = ordered[0]["values"], _leading(objects)
    display: dict[str, Any] = {
        "modality": leading["modality"],
        "description": leading["description"],
        "frame_count": len(ordered),
        **first,
        "slice_spacing": arrangement.slice_spacing,
        "geometry": arrangement.geometry,
        "frame_of_reference": _frame_of_reference(objects),
        "frame_time_ms": _frame_time(objects),
        "fidelity": _fidelity(objects, arrangement.notes),
        "frames": [_public(frame, index, first) for index, frame in enumerate(ordered)],
        "sources": _sources(objects, ordered),
    }
    if any("suv" in item.description for item in objects):
        display["suv"] = _suv(objects)
    canonical = json.dumps(display, sort_keys=True, separators=(",", ":"))
    display["version"] = hashlib.sha256(canonical.encode()).hexdigest()[:16]
    return display


def irregularity(objects: Sequence[Described]) -> str:
    """Why the frames are no volume although they say where they lie, in sentences; '' if they are one."""
    placed = [
        frame["placed"] for place, item in enumerate(objects) for frame in _frames(place, item)
    ]
    return " ".join(geometry.arrange(placed).notes)


def _leading(objects: Sequence[Described]) -> dict[str, Any]:
    return min(objects, key=lambda item: item.sop_instance_uid).description


def _frames(place: int, item: Described) -> list[dict[str, Any]]:
    description = item.description
    pixels = description["pixels"]
    found = []
    for index, frame in enumerate(description["frames"]):
        said = {**frame, **pixels}
        values = {key: said[key] for key in _PER_FRAME if key in said}
        found.append(
            {
                "sop_instance_uid": item.sop_instance_uid,
                "object": place,
                "transfer_syntax_uid": description["transfer_syntax_uid"],
                "compressed": description["compressed"],
                "frame": index + 1,
                "position": frame["position"],
                "orientation": frame["orientation"],
                "values": values,
                "placed": _placed(item, index, frame, values),
            }
        )
    return found


def _placed(
    item: Described, index: int, frame: dict[str, Any], values: dict[str, Any]
) -> geometry.Placed:
    position, orientation, spacing = (
        tuple(value) if value else None
        for value in (frame["position"], frame["orientation"], values["pixel_spacing"])
    )
    return geometry.Placed(
        number=item.description["instance_number"] or 0,
        frame=index + 1,
        uid=item.sop_instance_uid,
        position=position,
        orientation=orientation,
        time=frame["time"],
        shape=(values["rows"], values["columns"]),
        spacing=spacing,
    )


def _public(frame: dict[str, Any], index: int, first: dict[str, Any]) -> dict[str, Any]:
    shared = ("sop_instance_uid", "frame", "transfer_syntax_uid", "position", "orientation")
    differing = {key: value for key, value in frame["values"].items() if value != first.get(key)}
    return {"index": index, **{key: frame[key] for key in shared}, **differing}


def _sources(objects: Sequence[Described], ordered: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Where the frames lie; for the server alone (see ``frame_cache.sources``)."""
    return {
        "objects": [[item.store_id, item.sha256, item.normalised] for item in objects],
        "object": [frame["object"] for frame in ordered],
        "number": [frame["frame"] for frame in ordered],
        "length": [_length(frame) for frame in ordered],
    }


def _length(frame: dict[str, Any]) -> int:
    """Bytes of an uncompressed frame; 0 for a compressed one."""
    if frame["compressed"]:
        return 0
    values = frame["values"]
    pixels: int = values["rows"] * values["columns"] * values["samples_per_pixel"]
    return pixels * int(values["bits_allocated"]) // 8


def _frame_time(objects: Sequence[Described]) -> float | None:
    times = {item.description["frame_time_ms"] for item in objects}
    found: float | None = times.pop() if len(times) == 1 else None
    return found


def _suv(objects: Sequence[Described]) -> dict[str, Any]:
    """One factor for all images, or none: a value must not change its meaning from image to image."""
    said = [item.description.get("suv", {"factor": None, "reason": ""}) for item in objects]
    reasons = dict.fromkeys(one["reason"] for one in said if one["factor"] is None)
    if reasons:
        return {"factor": None, "reason": " ".join(filter(None, reasons))}
    factors = [one["factor"] for one in said]
    if not math.isclose(min(factors), max(factors), rel_tol=1e-6):
        reason = "The images of this series differ in what makes an uptake of their values."
        return {"factor": None, "reason": reason}
    return {"factor": factors[0], "reason": ""}


def _frame_of_reference(objects: Sequence[Described]) -> str | None:
    """Within which positions can be compared; None if the objects do not agree on one."""
    named = {item.description.get("frame_of_reference") or None for item in objects}
    return named.pop() if len(named) == 1 else None


def _fidelity(objects: Sequence[Described], notes: Sequence[str]) -> dict[str, Any]:
    each = [item.description["fidelity"] for item in objects]
    said = dict.fromkeys(one["note"] for one in each)
    exact = all(one["exact"] for one in each)
    reasons = dict.fromkeys(reason for one in each for reason in one.get("reasons", []))
    found = {"exact": exact, "note": " ".join(filter(None, [*notes, *said]))}
    return {**found, "reasons": list(reasons)} if reasons else found
