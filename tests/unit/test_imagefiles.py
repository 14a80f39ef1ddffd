"""Exported images hold the same values at the same places as the arrays that they were made from."""

from __future__ import annotations

import gzip
import io

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from annotation import imagefiles

AXIAL = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]


def display(frames: int = 3, *, placed: bool = True) -> dict[str, object]:
    return {
        "pixel_spacing": [0.5, 0.25],
        "slice_spacing": 5.0,
        "frames": [
            {
                "position": [10.0, 20.0, 30.0 + 5 * index] if placed else None,
                "orientation": AXIAL if placed else None,
            }
            for index in range(frames)
        ],
    }


def read_nifti(data: bytes) -> nib.Nifti1Image:
    return nib.Nifti1Image.from_bytes(gzip.decompress(data))


def read_png(picture: imagefiles.Png) -> np.ndarray:
    stored = np.asarray(Image.open(io.BytesIO(picture.data))).astype(np.float64)
    return stored * picture.slope + picture.intercept


def test_the_affine_leads_from_column_row_frame_to_the_patient() -> None:
    affine = imagefiles.lps_affine(display())
    np.testing.assert_allclose(affine @ [4, 2, 1, 1], [11.0, 21.0, 35.0, 1.0])


def test_uneven_order_of_frames_is_kept() -> None:
    turned = display()
    turned["frames"] = list(reversed(turned["frames"]))
    np.testing.assert_allclose(imagefiles.lps_affine(turned)[:3, 2], [0, 0, -5])


def test_frames_without_a_place_keep_their_spacing() -> None:
    affine = imagefiles.lps_affine(display(placed=False))
    np.testing.assert_allclose(np.diag(affine), [0.25, 0.5, 5, 1])


def test_one_frame_gets_the_direction_across_it() -> None:
    np.testing.assert_allclose(imagefiles.lps_affine(display(1))[:3, 2], [0, 0, 5])


def test_a_volume_comes_back_with_its_voxels_and_places() -> None:
    voxels = np.arange(3 * 4 * 5, dtype=np.int16).reshape(3, 4, 5)
    image = read_nifti(imagefiles.nifti(voxels, imagefiles.lps_affine(display())))
    assert image.shape == (5, 4, 3)
    assert image.get_fdata()[4, 2, 1] == voxels[1, 2, 4]
    np.testing.assert_allclose(image.affine @ [4, 2, 1, 1], [-11.0, -21.0, 35.0, 1.0], atol=1e-5)
    assert nib.aff2axcodes(image.affine) == ("L", "P", "S")


def test_the_same_volume_is_the_same_file() -> None:
    voxels = np.ones((2, 3, 4), np.uint8)
    first, second = (imagefiles.nifti(voxels, np.eye(4)) for _ in range(2))
    assert first == second


@given(arrays(np.int32, (3, 4), elements=st.integers(-30000, 35000)))
def test_whole_numbers_survive_a_png_exactly(pixels: np.ndarray) -> None:
    np.testing.assert_array_equal(read_png(imagefiles.png(pixels)), pixels)


@given(arrays(np.float32, (3, 4), elements=st.floats(-1000, 3000, width=32)))
def test_fractions_survive_a_png_to_a_65535th_of_their_range(pixels: np.ndarray) -> None:
    step = float(pixels.max() - pixels.min()) / 65535
    np.testing.assert_allclose(read_png(imagefiles.png(pixels)), pixels, atol=step + 1e-9)


def test_colours_survive_a_png() -> None:
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    np.testing.assert_array_equal(read_png(imagefiles.png(pixels)), pixels)


@pytest.mark.parametrize(
    ("values", "kind"),
    [([-1024.0, 3071.0], np.int16), ([0.0, 40000.0], np.float32), ([0.5, 1.0], np.float32)],
)
def test_voxels_are_kept_small_where_nothing_is_lost(values: list[float], kind: type) -> None:
    kept = imagefiles.small(np.array(values, np.float32))
    assert kept.dtype == kind
    np.testing.assert_array_equal(kept, np.array(values, np.float32))
