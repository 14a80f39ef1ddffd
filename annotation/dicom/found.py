"""What examining a file yields; kept apart so that those who only pass it on need no decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Found:
    """One DICOM object. ``path`` is the file to store; ``frames`` the folder of decoded frames, or ''."""

    path: str
    sha256: str
    sop_instance_uid: str
    sop_class_uid: str
    series_uid: str
    study_uid: str
    not_an_image: str
    modality: str = ""
    transfer_syntax_uid: str = ""
    frame_count: int = 0
    pixel_sha256: str = ""
    normalised: bool = False
    frames: str = ""
    description: dict[str, Any] | None = None
