"""Pictures of guidelines: what is kept of an upload, who may see it, and what happens to one in use."""

from __future__ import annotations

import io
import zipfile

import builders
import pytest
from PIL import Image, PngImagePlugin

from annotation import export, guideline_pictures, schema_versions, snapshots
from annotation.errors import Conflict, InvalidInput, NotFound, TooLarge
from annotation.models import Event, GuidelinePicture, Project, Role, User

pytestmark = pytest.mark.django_db


def picture(size: tuple[int, int] = (6, 4), mode: str = "RGB", kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, 0).save(file, kind)
    return file.getvalue()


@pytest.fixture
def project() -> Project:
    return builders.project()


@pytest.fixture
def lead(project: Project) -> User:
    return builders.user(Role.LEAD, project=project)


def shown(sha256: str) -> dict[str, object]:
    return builders.label_document(
        questions=[
            {**builders.QUESTION, "pictures": [{"picture": sha256, "alt": "A round shadow"}]}
        ]
    )


def test_nothing_but_the_pixels_is_kept(project: Project, lead: User) -> None:
    plain = Image.effect_noise((20, 10), 50).convert("RGB")
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "Jane Doe, 1 May")
    exif = Image.Exif()
    exif[0x010E] = "Jane Doe"
    file = io.BytesIO()
    plain.save(file, "PNG", pnginfo=notes, exif=exif)
    stored = guideline_pictures.store(project, file.getvalue(), user=lead)
    assert b"Jane Doe" in file.getvalue()
    assert b"Jane Doe" not in bytes(stored.content)
    assert Image.open(io.BytesIO(bytes(stored.content))).tobytes() == plain.tobytes()
    assert (stored.width, stored.height, stored.media_type) == (20, 10, "image/png")


def test_a_photograph_that_lies_on_its_side_is_set_upright(project: Project, lead: User) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.new("RGB", (20, 10)).save(file, "JPEG", exif=exif)
    stored = guideline_pictures.store(project, file.getvalue(), user=lead)
    assert (stored.width, stored.height, stored.media_type) == (10, 20, "image/jpeg")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_is_taken(project: Project, lead: User, mode: str) -> None:
    assert guideline_pictures.store(project, picture(mode=mode), user=lead).width == 6


def test_the_same_picture_is_kept_once(project: Project, lead: User) -> None:
    first = guideline_pictures.store(project, picture(), user=lead)
    assert guideline_pictures.store(project, picture(), user=lead) == first
    assert Event.objects.filter(project=project, verb="guideline_picture.add").count() == 1


@pytest.mark.parametrize(
    ("uploaded", "wrong", "sentence"),
    [
        (b"", InvalidInput, "neither a PNG nor a JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", InvalidInput, "neither a PNG nor a JPEG"),
        (picture(kind="GIF"), InvalidInput, "neither a PNG nor a JPEG"),
        (picture(size=(400, 400))[:300], InvalidInput, "damaged"),
        (picture(size=(4097, 1)), TooLarge, "4096 pixels"),
        (b"x" * (4 * 2**20 + 1), TooLarge, "4 MiB"),
    ],
)
def test_what_is_no_picture_is_refused(
    project: Project, lead: User, uploaded: bytes, wrong: type[Exception], sentence: str
) -> None:
    with pytest.raises(wrong, match=sentence):
        guideline_pictures.store(project, uploaded, user=lead)


def test_a_label_schema_shows_only_pictures_of_its_own_project(
    project: Project, lead: User
) -> None:
    elsewhere = builders.project()
    foreign = guideline_pictures.store(elsewhere, picture(), user=lead)
    with pytest.raises(InvalidInput, match="Upload it to the project first"):
        schema_versions.add(project, shown(foreign.sha256), user=lead)
    own = guideline_pictures.store(project, picture(), user=lead)
    assert schema_versions.add(project, shown(own.sha256), user=lead).version == 2


def test_a_picture_that_was_shown_stays(project: Project, lead: User) -> None:
    used = guideline_pictures.store(project, picture(), user=lead)
    spare = guideline_pictures.store(project, picture((7, 7)), user=lead)
    schema_versions.add(project, shown(used.sha256), user=lead)
    schema_versions.add(project, builders.label_document(guideline="New."), user=lead)
    with pytest.raises(Conflict, match="Version 2 of the label schema shows this picture"):
        guideline_pictures.remove(project, used.sha256, user=lead)
    guideline_pictures.remove(project, spare.sha256, user=lead)
    with pytest.raises(NotFound):
        guideline_pictures.find(project, spare.sha256)
    assert Event.objects.filter(project=project, verb="guideline_picture.remove").count() == 1


def test_a_project_keeps_so_many_and_no_more(
    project: Project, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guideline_pictures, "MOST_PICTURES", 1)
    guideline_pictures.store(project, picture(), user=lead)
    with pytest.raises(Conflict, match="at most 1 pictures"):
        guideline_pictures.store(project, picture((7, 7)), user=lead)
    assert GuidelinePicture.objects.filter(project=project).count() == 1


def test_an_exported_dataset_holds_the_pictures_of_its_guideline(
    project: Project, lead: User
) -> None:
    used = guideline_pictures.store(project, picture(), user=lead)
    guideline_pictures.store(project, picture((7, 7)), user=lead)
    schema_versions.add(project, shown(used.sha256), user=lead)
    builders.reference(builders.case(project))
    snapshot = snapshots.freeze(project, user=None, title="", query={})
    file = io.BytesIO()
    export.write_zip(snapshot, file, images=False)
    archive = zipfile.ZipFile(file)
    names = [name for name in archive.namelist() if name.startswith("guideline/")]
    assert names == [f"guideline/{used.sha256}.png"]
    assert archive.read(names[0]) == bytes(used.content)
