"""Pictures that guidelines show. The only writer of GuidelinePicture.

What is uploaded is decoded within bounds and drawn anew, so that nothing but the picture is kept: no
place, no name, no comment that a camera or a workstation wrote into the file.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from PIL import Image, ImageOps, UnidentifiedImageError

from . import ledger, uploads
from .errors import Conflict, InvalidInput, NotFound, TooLarge
from .models import GuidelinePicture, LabelSchema, Project, User
from .schema import pictures_named

MOST_BYTES = 4 * 2**20
LONGEST_SIDE = 4096
MOST_PICTURES = 200
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg"}
JPEG_QUALITY = 90
MODES = {"PNG": ("L", "RGB", "RGBA"), "JPEG": ("L", "RGB")}


@dataclass(frozen=True)
class _Drawn:
    media_type: str
    width: int
    height: int
    content: bytes


def of_project(project: Project) -> QuerySet[GuidelinePicture]:
    """Newest first, without their content."""
    return project.guideline_pictures.defer("content").order_by("-pk")


def store(project: Project, uploaded: bytes, *, user: User) -> GuidelinePicture:
    """Keep a PNG or JPEG; the same one is kept once. Known afterwards by the SHA-256 of what is kept."""
    drawn = _redraw(uploaded)
    sha256 = hashlib.sha256(drawn.content).hexdigest()
    uploads.require_space(len(drawn.content))
    with transaction.atomic():
        project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        known = of_project(project)
        if before := known.filter(sha256=sha256).first():
            return before
        if known.count() >= MOST_PICTURES:
            raise Conflict(
                f"A project keeps at most {MOST_PICTURES} pictures. Remove some that no guideline shows."
            )
        picture = GuidelinePicture.objects.create(
            project=project, sha256=sha256, uploaded_by=user, **vars(drawn)
        )
        data = {"sha256": sha256, "width": drawn.width, "height": drawn.height}
        ledger.record("guideline_picture.add", project=project, actor=user, obj=picture, data=data)
    return picture


def find(project: Project, sha256: str) -> GuidelinePicture:
    picture = project.guideline_pictures.filter(sha256=sha256).first()
    if picture is None:
        raise NotFound("This project has no such picture.")
    return picture


@transaction.atomic
def remove(project: Project, sha256: str, *, user: User) -> None:
    """Conflict if a version of the label schema shows it: what readers were shown stays known."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    picture = find(project, sha256)
    for version, document in _schemas(project):
        if sha256 in pictures_named(document).values():
            raise Conflict(
                f"Version {version} of the label schema shows this picture, so it stays."
            )
    data = {"sha256": sha256}
    ledger.record("guideline_picture.remove", project=project, actor=user, obj=picture, data=data)
    picture.delete()


def _schemas(project: Project) -> list[tuple[int, dict[str, object]]]:
    versions = LabelSchema.objects.filter(project=project).order_by("version")
    return list(versions.values_list("version", "document"))


def _redraw(uploaded: bytes) -> _Drawn:
    if len(uploaded) > MOST_BYTES:
        raise TooLarge(f"A picture may have at most {MOST_BYTES // 2**20} MiB. Make it smaller.")
    try:
        with Image.open(io.BytesIO(uploaded), formats=list(MEDIA_TYPES)) as picture:
            if max(picture.size) > LONGEST_SIDE:
                raise TooLarge(f"A picture may be at most {LONGEST_SIDE} pixels wide and high.")
            kind = str(picture.format)
            upright = ImageOps.exif_transpose(picture)
    except UnidentifiedImageError as wrong:
        raise InvalidInput("This is neither a PNG nor a JPEG picture.") from wrong
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as wrong:
        raise InvalidInput("This picture is damaged and cannot be read.") from wrong
    content = io.BytesIO()
    plain = _plain(upright, kind)
    plain.save(content, kind, **({"quality": JPEG_QUALITY} if kind == "JPEG" else {}))
    return _Drawn(MEDIA_TYPES[kind], plain.width, plain.height, content.getvalue())


def _plain(picture: Image.Image, kind: str) -> Image.Image:
    """The pixels alone, in a mode that every browser shows."""
    transparent = "A" in picture.getbands() or "transparency" in picture.info
    mode = picture.mode
    if mode not in MODES[kind]:
        mode = "RGBA" if transparent and kind == "PNG" else "RGB"
    bare = Image.new(mode, picture.size)
    bare.paste(picture.convert(mode))
    return bare
