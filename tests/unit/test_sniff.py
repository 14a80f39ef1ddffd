"""What a file is, by its first bytes alone."""

from __future__ import annotations

import gzip
from pathlib import Path

import edge_cases
import images
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from annotation.dicom.sniff import Kind, kind_of, sniff


@given(st.binary(max_size=600))
def test_any_bytes_have_a_kind(head: bytes) -> None:
    assert kind_of(head) in Kind


@given(st.binary(min_size=128, max_size=128), st.binary(max_size=64))
def test_the_mark_after_the_preamble_means_dicom_whatever_is_before_and_behind(
    preamble: bytes, rest: bytes
) -> None:
    assert kind_of(preamble + b"DICM" + rest) is Kind.DICOM


def test_nothing_is_empty_and_text_is_other() -> None:
    assert kind_of(b"") is Kind.EMPTY
    assert kind_of(b"patient,label\n1,yes\n" * 40) is Kind.OTHER
    assert kind_of(gzip.compress(b"just text" * 100)) is Kind.OTHER


@pytest.mark.parametrize(("suffix", "kind"), [("png", "png"), ("jpg", "jpeg"), ("tiff", "tiff")])
def test_pictures_are_known_whatever_they_are_called(
    tmp_path: Path, suffix: str, kind: str
) -> None:
    picture = tmp_path / f"picture.{suffix}"
    Image.new("L", (4, 4)).save(picture)
    assert sniff(picture.rename(tmp_path / "report.txt")) == kind


def test_nifti_is_known_plain_and_compressed(tmp_path: Path) -> None:
    voxels = np.zeros((2, 3, 4), np.int16)
    assert sniff(images.nifti(tmp_path / "a.nii", voxels)) is Kind.NIFTI
    assert sniff(images.nifti(tmp_path / "a.nii.gz", voxels)) is Kind.NIFTI_GZIP


def test_dicom_without_its_first_part_is_known(tmp_path: Path) -> None:
    bare = [
        row
        for row in edge_cases.rows()
        if row["preamble"] == "False" and row["file"].endswith(".dcm")
    ]
    assert len(bare) >= 3
    for row in bare:
        assert sniff(edge_cases.FOLDER / row["file"]) is Kind.BARE_DICOM
