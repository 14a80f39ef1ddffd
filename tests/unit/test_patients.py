"""Whose image a file is that does not say so itself."""

from __future__ import annotations

import pytest

from annotation.dicom import patients
from annotation.dicom.faults import Fault


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["sub-01/t1.nii.gz", "sub-02/t1.nii.gz"], ["sub-01", "sub-02"]),
        (["data/sub-01/anat/t1.nii", "data/sub-02/anat/t1.nii"], ["sub-01", "sub-02"]),
        (["set/readme.txt", "set/s1/t1.nii", "set/s2/t1.nii"], ["", "s1", "s2"]),
        (["data/p1.png", "data/p2.png"], ["", ""]),
        (["sub-01/t1.nii.gz"], [""]),
        (["sub-01/t1.nii.gz", "readme.nii"], ["", ""]),
        (["a\\t1.nii", "b\\t1.nii"], ["a", "b"]),
        ([], []),
    ],
)
def test_the_first_folder_that_tells_files_apart_is_the_patient(
    names: list[str], expected: list[str]
) -> None:
    assert patients.by_folder(names) == expected


def test_a_folder_with_an_endless_name_is_still_one_patient() -> None:
    long = "x" * 100
    found = patients.by_folder([f"{long}/a.png", f"{long}/b.png", "y/a.png"])
    assert found[0] == found[1] != found[2] == "y"
    assert len(found[0]) <= patients.LONGEST


def test_a_table_wins_over_folders_and_goes_by_its_own_folder() -> None:
    names = ["set/patients.csv", "set/NORMAL/p1_a.png", "set/NORMAL/p1_b.png", "set/SICK/p2.png"]
    rows = patients.read_table(
        b"\xef\xbb\xbffile,patient\r\nNORMAL/p1_a.png,p1\r\nNORMAL/p1_b.png,p1\r\n"
    )
    assert patients.assign(names, {"set/patients.csv": rows}) == ["", "p1", "p1", "SICK"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "columns"),
        (b"name,who\na.png,1\n", "columns"),
        (b"file,patient\na.png,\n", "Line 2"),
        (b"file,patient\na.png,1\\2\n", "Line 2"),
        (b"file,patient\na.png," + b"1" * 65, "Line 2"),
        (b"file,patient\na.png,1\na.png,2\n", "two patients"),
        (b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_with_its_line(content: bytes, says: str) -> None:
    with pytest.raises(Fault, match=says) as refused:
        patients.read_table(content)
    assert refused.value.code == "bad_patients_table"


def test_a_row_that_names_no_file_is_refused() -> None:
    with pytest.raises(Fault, match=r"1 of its rows name no file of the import, “b.png”"):
        patients.assign(["a.png"], {"patients.csv": {"a.png": "1", "b.png": "2"}})
