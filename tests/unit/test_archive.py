"""Archives are looked into before they are opened."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.dicom import archive, limits
from annotation.dicom.faults import Fault


def packed(path: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


def test_files_come_out_as_they_went_in_and_clutter_stays(tmp_path: Path) -> None:
    path = packed(
        tmp_path / "a.zip",
        {"x/1.dcm": b"one", "x/": b"", "__MACOSX/x/._1.dcm": b"-", ".DS_Store": b"-", "2": b"two"},
    )
    listed = archive.entries(path)
    assert [entry.name for entry in listed] == ["x/1.dcm", "2"]
    contents = []
    with archive.opened(path) as opened:
        for entry in listed:
            archive.unpack(opened, entry.number, tmp_path / "out")
            contents.append((tmp_path / "out").read_bytes())
    assert contents == [b"one", b"two"]


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/etc/passwd", "C:/evil", "..\\evil", "\\\\host\\share"]
)
def test_an_entry_that_wants_out_refuses_the_whole_archive(tmp_path: Path, name: str) -> None:
    path = packed(tmp_path / "a.zip", {"good": b"1", name: b"2"})
    with pytest.raises(Fault, match="wants to leave") as refused:
        archive.entries(path)
    assert refused.value.code == "archive_path"


def test_links_and_encrypted_entries_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr(link, "/etc/passwd")
    with pytest.raises(Fault, match="is a link"):
        archive.entries(tmp_path / "a.zip")
    path = packed(tmp_path / "b.zip", {"x": b"1"})
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(Fault, match="is encrypted"):
        archive.entries(path)


def test_a_bomb_is_seen_before_it_goes_off(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"zeros": bytes(20_000_000)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    with pytest.raises(Fault) as refused:
        archive.entries(path)
    assert refused.value.code == "archive_bomb"


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_ARCHIVE_ENTRIES", 3)
    path = packed(tmp_path / "a.zip", {str(number): b"" for number in range(4)})
    with pytest.raises(Fault, match="holds 4 files; the limit is 3"):
        archive.entries(path)


def test_an_entry_larger_than_it_says_is_stopped(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"x": b"0123456789" * 10})
    raw = bytearray(path.read_bytes())
    at = raw.index(b"PK\x01\x02") + 24
    raw[at : at + 4] = (50).to_bytes(4, "little")
    path.write_bytes(bytes(raw))
    with archive.opened(path) as opened, pytest.raises(Fault):
        archive.unpack(opened, 0, tmp_path / "out")
    assert (tmp_path / "out").stat().st_size <= 50


def test_an_entry_without_a_name_is_passed_over(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"one": b"1", "two": b"2"})
    path.write_bytes(path.read_bytes().replace(b"one", b"\0ne"))  # a name ends at its first zero
    assert [entry.name for entry in archive.entries(path)] == ["two"]


@settings(max_examples=60)
@given(st.binary(max_size=400), st.data())
def test_a_damaged_archive_is_a_fault_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("zip")
    path = packed(folder / "a.zip", {"one": b"1" * 50, "two": b"2" * 50}, zipfile.ZIP_DEFLATED)
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:at] + junk + whole[at + len(junk) :])
    with suppress(Fault):
        listed = archive.entries(path)
        with archive.opened(path) as opened:
            for entry in listed:
                archive.unpack(opened, entry.number, folder / "out")


def test_an_archive_is_opened_once_for_all_its_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "a.zip", {f"{number}": b"1" for number in range(50)})
    opens: list[object] = []
    real = zipfile.ZipFile._RealGetContents  # type: ignore[attr-defined]

    def counted(self: zipfile.ZipFile) -> None:
        opens.append(self)
        real(self)

    monkeypatch.setattr(zipfile.ZipFile, "_RealGetContents", counted)
    with archive.opened(path) as opened:
        for number in range(50):
            archive.unpack(opened, number, tmp_path / "out")
    assert len(opens) == 1
