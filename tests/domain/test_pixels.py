"""Frames and thumbnails: only by a link, the right bytes, from disk where they are, never stale."""

from __future__ import annotations

import errno
import io
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from wsgiref.util import FileWrapper

import builders
import edge_cases
import images
import numpy as np
import pytest
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import OperationalError
from django.test import Client
from PIL import Image

from annotation import frame_cache, frames, imports, intake, orthanc, pixel_links, pixels
from annotation.dicom.sandbox import DecoderUnavailable
from annotation.errors import InvalidInput, NotFound
from annotation.models import Project, Series, User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_known(empty_store: None) -> None:
    pixels._known.clear()
    pixels._sources.cache_clear()


@pytest.fixture
def project() -> Project:
    return builders.project()


@pytest.fixture
def user() -> User:
    return builders.user()


def taken_in(project: Project, folder: Path, *datasets: Any) -> Series:
    images.write(folder, *datasets)
    imports.import_paths(project, [folder], None)
    return Series.objects.latest("pk")


def edge_case(project: Project, name: str) -> Series:
    imports.import_paths(project, [edge_cases.FOLDER / name], None)
    return Series.objects.latest("pk")


def address(series: Series, user: User, index: int = 0) -> str:
    return pixel_links.links(series, holder(user))["frames_url"].format(index=index)


def holder(user: User) -> str:
    return pixel_links.holder_of({"HTTP_COOKIE": f"session={user.pk}"})


def thumbnail_url(series: Series, user: User) -> str:
    return pixel_links.thumbnail_url(series.pk, series.display["version"], holder(user))


def browser(user: User) -> Client:
    """A browser with a session cookie; whose it is, nobody asks where pixels are sent."""
    client = Client()
    client.cookies["session"] = str(user.pk)
    return client


def through_wsgi(path: str, user: User, **environ: str) -> tuple[str, dict[str, str], bytes]:
    """What a WSGI server would send, and by whom: Django is never reached if all is at hand."""
    sent: list[Any] = []
    application = pixels.FastPath(get_wsgi_application())
    request = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80",
        "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO(),
        "wsgi.file_wrapper": FileWrapper, "HTTP_HOST": "127.0.0.1",
        "HTTP_COOKIE": f"session={user.pk}", **environ,
    }  # fmt: skip
    answer = application(request, lambda status, headers, *_: sent.append((status, dict(headers))))
    body = b"".join(answer)
    getattr(answer, "close", lambda: None)()
    return *sent[0], body


def test_each_frame_comes_with_its_encoding_and_may_be_kept(
    tmp_path: Path, project: Project, user: User
) -> None:
    slices = images.series(3)
    series = taken_in(project, tmp_path / "in", *reversed(slices))
    for index, dataset in enumerate(slices):
        response = browser(user).get(address(series, user, index))
        assert response.content == dataset.pixel_array.tobytes()
        assert response["Content-Type"] == (
            "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
        )
        assert "private" in response["Cache-Control"]
        again = browser(user).get(
            address(series, user, index), headers={"If-None-Match": response["ETag"]}
        )
        assert (again.status_code, again.content) == (304, b"")


def test_a_link_is_not_to_be_made_up_stretched_or_used_elsewhere(
    tmp_path: Path, project: Project, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = taken_in(project, tmp_path / "in", images.slice_())
    good = address(series, user)
    token = good.split("/")[2]
    for bad in (
        good.replace(token, token[:-2] + "xx"),
        good.replace(token, token.replace(f"{series.pk}-", f"{series.pk + 1}-", 1)),
        good.replace(token, "nonsense"),
        good.replace("frames/0", "frames/1"),
        good.replace("frames/0", "thumbnail"),
        good.replace("frames/0", "frames/x"),
        "/pixels/",
    ):
        assert browser(user).get(bad).status_code == 404
    thumbnail = thumbnail_url(series, user).split("/")[2]
    assert browser(user).get(good.replace(token, thumbnail)).status_code == 404
    assert browser(user).post(good).status_code == 405
    later = time.time() + 2 * 3600
    monkeypatch.setattr(pixel_links.time, "time", lambda: later)
    assert browser(user).get(good).status_code == 403


def test_a_link_is_good_for_the_sign_in_that_asked_for_it_alone(
    tmp_path: Path, project: Project, user: User
) -> None:
    series = taken_in(project, tmp_path / "in", images.slice_())
    good, other = address(series, user), builders.user()
    thumbnail = thumbnail_url(series, user)
    assert through_wsgi(good, user)[0] == through_wsgi(good, user)[0] == "200 OK"
    for path in (good, thumbnail):
        assert browser(other).get(path).status_code == 403
        assert Client().get(path).status_code == 403
    assert through_wsgi(good, other)[0] == "403 Forbidden"
    token = "Bearer cns_secret"
    of_program = pixel_links.links(
        series, pixel_links.holder_of({"HTTP_AUTHORIZATION": token, "HTTP_COOKIE": "session=1"})
    )["frames_url"].format(index=0)
    assert Client().get(of_program, headers={"Authorization": token}).status_code == 200
    assert Client().get(of_program, headers={"Authorization": f"{token}2"}).status_code == 403
    assert browser(user).get(of_program).status_code == 403


def test_a_link_of_a_series_that_grew_says_so(tmp_path: Path, project: Project, user: User) -> None:
    slices = images.series(2)
    series = taken_in(project, tmp_path / "a", slices[0])
    old = address(series, user)
    taken_in(project, tmp_path / "b", slices[1])
    response = browser(user).get(old)
    assert (response.status_code, response.json()["code"]) == (410, "series_changed")
    series.refresh_from_db()
    assert browser(user).get(address(series, user, 1)).status_code == 200


def test_frames_that_were_looked_at_come_from_disk_past_django(
    tmp_path: Path, project: Project, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = images.slice_()
    series = taken_in(project, tmp_path / "in", dataset)
    first = through_wsgi(address(series, user), user)

    def unreachable(*_: object) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr(orthanc, "frame", unreachable)
    monkeypatch.setattr(pixels, "resolve", unreachable)
    status, headers, body = through_wsgi(address(series, user), user)
    assert (status, body) == ("200 OK", dataset.pixel_array.tobytes())
    assert headers.pop("Content-Length") == str(len(body))
    first[1].pop("Content-Length", None)
    assert headers == first[1]


def test_the_fast_path_leaves_every_doubt_to_django(
    tmp_path: Path, project: Project, user: User
) -> None:
    series = taken_in(project, tmp_path / "in", images.slice_())
    good = address(series, user)
    through_wsgi(good, user)
    etag = through_wsgi(good, user)[1]["ETag"]
    assert through_wsgi(good, user, HTTP_IF_NONE_MATCH=etag)[0] == "304 Not Modified"
    assert through_wsgi(good, user, REQUEST_METHOD="PUT")[0] == "405 Method Not Allowed"
    assert through_wsgi(good.replace("frames/0", "frames/7"), user)[0] == "404 Not Found"
    (kept,) = settings.FRAMES_DIR.glob("stored/*/*/0.raw")
    kept.write_bytes(kept.read_bytes()[:-1])
    assert len(through_wsgi(good, user)[2]) == 160


def test_a_decoded_copy_that_is_missing_or_cut_short_is_made_again(
    project: Project, user: User
) -> None:
    path = "pydicom/test_files/MR_small_bigendian.dcm"
    series = edge_case(project, path)
    expected = edge_cases.expected_frames(edge_cases.FOLDER / path)[0].astype("<i2").tobytes()
    (copy,) = settings.FRAMES_DIR.glob("decoded/*/*/0.raw")
    copy.unlink()
    assert browser(user).get(address(series, user)).content == expected
    copy.write_bytes(expected[:100])
    assert browser(user).get(address(series, user)).content == expected


def test_a_lost_copy_is_made_once_however_many_ask_at_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = edge_case(project, "pydicom/test_files/MR_small_bigendian.dcm")
    [source] = frame_cache.sources(series.display)
    frame_cache.drop(source.sha256)
    made: list[object] = []
    decode = frame_cache._decode

    def slowly(wanted: frame_cache.Source) -> None:
        made.append(wanted)
        time.sleep(0.3)
        decode(wanted)

    monkeypatch.setattr(frame_cache, "_decode", slowly)
    with ThreadPoolExecutor(4) as pool:
        contents = set(pool.map(frame_cache.content, [source] * 4))
    assert (len(contents), len(made)) == (1, 1)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 507, "storage_full"),
        (OSError(errno.EIO, "Input/output error"), 503, "decoder_unavailable"),
        (DecoderUnavailable("no process could be started"), 503, "decoder_unavailable"),
    ],
)
def test_a_copy_that_cannot_be_made_now_is_said_in_plain_words(
    project: Project,
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
    status: int,
    code: str,
) -> None:
    series = edge_case(project, "pydicom/test_files/MR_small_bigendian.dcm")
    frame_cache.drop(frame_cache.sources(series.display)[0].sha256)

    def fails(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(frame_cache.sandbox, "decode", fails)
    response = browser(user).get(address(series, user))
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_a_copy_is_never_that_of_another_object_with_the_same_uid(
    tmp_path: Path, project: Project, user: User
) -> None:
    dataset = images.slice_(
        images.ramp(dtype=np.uint16) | np.uint16(0xF000), BitsStored=12, HighBit=11
    )
    series = taken_in(project, tmp_path / "a", dataset)
    assert browser(user).get(address(series, user)).status_code == 200
    orthanc.delete_instance(series.instances.get().orthanc_id)
    intake.reconcile()
    dataset.PixelData = (images.ramp(start=9, dtype=np.uint16) | np.uint16(0xF000)).tobytes()
    series = taken_in(project, tmp_path / "b", dataset)
    expected = images.ramp(start=9, dtype=np.uint16)
    assert browser(user).get(address(series, user)).content == expected.tobytes()


def test_behind_a_proxy_only_the_place_of_the_bytes_is_named(
    tmp_path: Path, project: Project, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "X_ACCEL", True)
    series = taken_in(project, tmp_path / "in", images.slice_())
    response = browser(user).get(address(series, user))
    place = response["X-Accel-Redirect"]
    assert (response.content, place[:16]) == (b"", "/_frames/stored/")
    assert (settings.FRAMES_DIR / place.removeprefix("/_frames/")).stat().st_size == 160
    compressed = edge_case(project, "pydicom/test_files/MR_small_RLE.dcm")
    place = browser(user).get(address(compressed, user))["X-Accel-Redirect"]
    assert place == f"/_orthanc/instances/{compressed.instances.get().orthanc_id}/frames/0/raw"


def test_an_image_store_or_database_that_is_away_is_said_in_plain_words(
    tmp_path: Path, project: Project, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = taken_in(project, tmp_path / "in", images.slice_())
    with monkeypatch.context() as patch:
        patch.setattr(settings, "ORTHANC_URL", "http://127.0.0.1:9")
        response = browser(user).get(address(series, user))
        assert (response.status_code, response.json()["code"]) == (503, "image_store_unavailable")
        assert "does not answer" in response.json()["detail"]

    def away(*_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(pixels, "_sources", away)
    assert browser(user).get(address(series, user)).status_code == 503


def test_the_cache_stays_within_its_limit_and_loses_nothing(
    tmp_path: Path, project: Project, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = taken_in(project, tmp_path / "in", *images.series(4))
    for index in range(4):
        browser(user).get(address(series, user, index))
    monkeypatch.setattr(settings, "FRAMES_CACHE_BYTES", 2 * 160)
    frame_cache.sweep()
    assert len(list(settings.FRAMES_DIR.glob("stored/*/*/*.raw"))) == 2
    assert all(browser(user).get(address(series, user, i)).status_code == 200 for i in range(4))


def test_a_full_disk_does_not_stop_reading(
    tmp_path: Path, project: Project, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = images.slice_()
    series = taken_in(project, tmp_path / "in", dataset)
    monkeypatch.setattr(settings, "FREE_SPACE_FLOOR", 1.1)
    assert browser(user).get(address(series, user)).content == dataset.pixel_array.tobytes()
    assert not list(settings.FRAMES_DIR.glob("stored/*/*/*"))


def test_a_thumbnail_is_a_small_picture_of_the_middle(
    tmp_path: Path, project: Project, user: User
) -> None:
    array = np.zeros((300, 200), np.int16)
    array[:, 100:] = 1000
    series = taken_in(project, tmp_path / "in", images.slice_(array))
    response = browser(user).get(thumbnail_url(series, user))
    picture = Image.open(io.BytesIO(response.content))
    assert (response["Content-Type"], picture.size) == ("image/png", (85, 128))
    assert (picture.getpixel((5, 60)), picture.getpixel((80, 60))) == (0, 255)


def test_volumes_for_learning_have_real_values_and_a_place(
    tmp_path: Path, project: Project
) -> None:
    slices = images.series(3, gap=2.5, PatientID="x")
    series = taken_in(project, tmp_path / "ct", *slices)
    volume = frames.load_pixels(series)
    assert volume.array.dtype == np.float32
    assert np.array_equal(volume.array[1], slices[1].pixel_array.astype(np.float32) - 1024)
    assert volume.spacing == (2.5, 0.5, 0.25)
    assert volume.affine @ [1, 2, 2, 1] == pytest.approx([0.25, 1.0, 5.0, 1.0])


def test_learning_sees_compressed_images_and_turns_monochrome1_round(
    tmp_path: Path, project: Project
) -> None:
    compressed = edge_case(project, "pydicom/test_files/MR_small_RLE.dcm")
    plain = edge_cases.expected_frames(edge_cases.FOLDER / "pydicom/test_files/MR_small.dcm")
    slope, intercept = compressed.display["rescale_slope"], compressed.display["rescale_intercept"]
    assert np.allclose(frames.load_pixels(compressed).array, plain * slope + intercept)
    negative = images.slice_(
        images.ramp(dtype=np.uint8), PhotometricInterpretation="MONOCHROME1", RescaleIntercept=0
    )
    series = taken_in(project, tmp_path / "in", negative)
    assert np.array_equal(frames.load_pixels(series).array[0], 255.0 - images.ramp(dtype=np.uint8))


def test_images_of_different_size_cannot_be_stacked(tmp_path: Path, project: Project) -> None:
    one, two = images.series(2)
    two.Rows, two.Columns, two.PixelData = 4, 4, images.ramp(4, 4).tobytes()
    series = taken_in(project, tmp_path / "in", one, two)
    with pytest.raises(InvalidInput, match="differ in size"):
        frames.load_pixels(series)


def test_frames_of_a_deleted_series_are_not_found(tmp_path: Path, project: Project) -> None:
    series = taken_in(project, tmp_path / "in", images.slice_())
    assert len(frames.frame_bytes(series, 0)) == 160
    with pytest.raises(NotFound):
        frames.frame_bytes(series, 1)
    orthanc.delete_instance(series.instances.get().orthanc_id)
    intake.reconcile()
    series.refresh_from_db()
    with pytest.raises(NotFound):
        frames.frame_bytes(series, 0)


def test_connections_that_orthanc_closed_are_replaced_unseen(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from annotation import orthanc_frames

    series = taken_in(project, tmp_path / "in", images.slice_())
    store_id = series.instances.get().orthanc_id
    orthanc.frame(store_id, 0)
    orthanc_frames._local.connection._http.sock.shutdown(2)
    assert len(orthanc.frame(store_id, 0)) == 160
    monkeypatch.setattr(orthanc_frames, "_IDLE_SECONDS", 30)
    time.sleep(2.5)
    assert len(orthanc.frame(store_id, 0)) == 160
    assert orthanc.statistics().instances == 1
