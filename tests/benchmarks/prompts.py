"""How long a mask takes after a prompt: the classical method alone, on noise and on a real CT.

    python tests/benchmarks/prompts.py [--times 15]

Prints the median and the 95th percentile for boxes of several sizes, on one image and on the images
around, as shares of the aim of one second. What the browser, PostgreSQL and the worker's pick-up add is
printed by ``tests/e2e/test_prompts_in_the_room.py``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the worker has it; before NumPy is loaded
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from pydicom import dcmread  # noqa: E402

from annotation.prompting import region  # noqa: E402
from annotation.prompting.asked import Spacing, on_frame  # noqa: E402
from annotation.prompting.segment import coarseness, segment  # noqa: E402

AIM_SECONDS = 1.0
Volume = NDArray[np.float32]


def ct() -> tuple[Volume, Spacing]:
    """Chest CT of the demonstration: 29 slices of 512 x 512."""
    files = [dcmread(path) for path in (ROOT / "deploy/demo/lung-lesion/dicom").iterdir()]
    files.sort(key=lambda file: float(file.ImagePositionPatient[2]))
    rows, columns = (float(step) for step in files[0].PixelSpacing)
    voxels = [
        file.pixel_array * float(file.RescaleSlope) + float(file.RescaleIntercept) for file in files
    ]
    return np.stack(voxels).astype(np.float32), (1.0, rows, columns)


def measure(
    name: str, image: Volume, spacing: Spacing, side: int, *, volume: bool, times: int
) -> None:
    """A box whose region has about this side."""
    half = side / (1 + 2 * region.AROUND_BOX) / 2
    row, column = image.shape[1] / 2, image.shape[2] / 2
    corners = ((column - half, row - half), (column + half, row + half))
    box = on_frame("box", True, image.shape[0] // 2, corners)
    around = region.around([box], image.shape, spacing, volume=volume)
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        segment(image[around.slices], spacing, [box], around, image.shape)
        seconds.append(time.perf_counter() - begun)
    p50, p95 = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
    shape = " x ".join(map(str, around.shape))
    print(
        f"{name:<28}{shape:>16}{max(coarseness(around, spacing)):>9}{1000 * p50:>9.0f}{1000 * p95:>9.0f}"
        f"{p50 / AIM_SECONDS:>9.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--times", type=int, default=15)
    times = parser.parse_args().times
    print(f"{'':<28}{'region':>16}{'shrunk':>9}{'p50 ms':>9}{'p95 ms':>9}{'of aim':>9}")
    image, spacing = ct()
    noise = np.random.default_rng(0).normal(size=image.shape).astype(np.float32)
    for name, voxels in (("CT", image), ("noise", noise)):
        for side in (128, 256, 512):
            measure(f"{name}, one image", voxels, spacing, side, volume=False, times=times)
        for side in (64, 128, 256):
            measure(f"{name}, images around", voxels, spacing, side, volume=True, times=times)


if __name__ == "__main__":
    main()
