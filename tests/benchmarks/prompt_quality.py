"""How well a box outlines a structure on real images, by the classical method: Dice with experts.

    python tests/benchmarks/prompt_quality.py [--every 1]

On the demonstration's images: the hippocampus on MR, which hardly differs from its surroundings, against one
expert; a lesion on CT against four readers. The box is drawn around the largest section on one image, three
pixels wider.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the worker has it; before NumPy is loaded
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import nibabel  # noqa: E402
import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from PIL import Image, ImageDraw  # noqa: E402
from pydicom import dcmread  # noqa: E402

from annotation.prompting import region  # noqa: E402
from annotation.prompting.asked import Prompt, Spacing, on_frame  # noqa: E402
from annotation.prompting.segment import segment  # noqa: E402

DEMO = ROOT / "deploy" / "demo"
MARGIN = 3.0
Volume = NDArray[np.float32]
Mask = NDArray[np.bool_]


def dice(one: Mask, other: Mask) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


def from_the_front(truth: Mask) -> tuple[int, Prompt]:
    frame = int(truth.sum((1, 2)).argmax())
    (top, left), (bottom, right) = _sides(truth[frame])
    return frame, on_frame("box", True, frame, ((left, top), (right, bottom)))


def _sides(section: Mask) -> tuple[tuple[float, float], tuple[float, float]]:
    places = np.argwhere(section)
    low, high = places.min(axis=0) - MARGIN, places.max(axis=0) + MARGIN
    last = np.array(section.shape) - 1
    first, second = np.clip(low, 0, last), np.clip(high, 0, last)
    return (float(first[0]), float(first[1])), (float(second[0]), float(second[1]))


def found(image: Volume, spacing: Spacing, *prompts: Prompt, volume: bool = True) -> Mask:
    around = region.around(prompts, image.shape, spacing, volume=volume)
    whole = np.zeros(image.shape, np.bool_)
    whole[around.slices] = segment(image[around.slices], spacing, prompts, around, image.shape)
    return whole


def hippocampi(every: int) -> Iterator[tuple[Volume, Spacing, NDArray[np.uint8]]]:
    folder = DEMO / "hippocampus"
    for path in sorted((folder / "images").iterdir())[::every]:
        stored, labels = nibabel.load(path), nibabel.load(folder / "labels" / path.name)
        across, down, through = (float(step) for step in stored.header.get_zooms()[:3])
        image = np.asarray(stored.dataobj, np.float32).T
        yield image, (through, down, across), np.asarray(labels.dataobj, np.uint8).T


def lesion() -> tuple[Volume, Spacing, list[Mask]]:
    files = [dcmread(path) for path in (DEMO / "lung-lesion" / "dicom").iterdir()]
    files.sort(key=lambda file: float(file.ImagePositionPatient[2]))
    places = [float(file.ImagePositionPatient[2]) for file in files]
    rows, columns = (float(step) for step in files[0].PixelSpacing)
    voxels = [
        file.pixel_array * float(file.RescaleSlope) + float(file.RescaleIntercept) for file in files
    ]
    image = np.stack(voxels).astype(np.float32)
    uids = [file.SOPInstanceUID for file in files]
    readers = json.loads((DEMO / "lung-lesion" / "readers.json").read_text())["readers"]
    masks = [_outlined(one["contours"], uids, image.shape) for one in readers]
    return image, (places[1] - places[0], rows, columns), masks


def _outlined(contours: list[dict], uids: list[str], shape: tuple[int, ...]) -> Mask:  # type: ignore[type-arg]
    """Their points run along the first pixel outside."""
    mask = np.zeros(shape, np.bool_)
    for contour in contours:
        picture = Image.new("L", shape[:0:-1])
        points = [tuple(point) for point in contour["points_xy"]]
        ImageDraw.Draw(picture).polygon(points, fill=1)
        inside = np.array(picture, bool)
        inside[[row for _, row in points], [column for column, _ in points]] = False
        at = uids.index(contour["sop_instance_uid"])
        mask[at] = mask[at] | inside if contour["inclusion"] else mask[at] & ~inside
    return mask


def say(name: str, scores: list[tuple[float, ...]]) -> None:
    means = "".join(f"{statistics.mean(column):>16.2f}" for column in zip(*scores, strict=True))
    print(f"{name:<34}{means}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--every", type=int, default=1, help="of the hippocampi, only each n-th")
    every = parser.parse_args().every
    print(f"{'':<34}{'on its image':>16}{'images around':>16}")
    parts = {"hippocampus": (1, 2), "hippocampus, anterior": (1,), "hippocampus, posterior": (2,)}
    for name, values in parts.items():
        scores = []
        for image, spacing, labels in hippocampi(every):
            scores.append(_scores(image, spacing, np.isin(labels, values)))
        say(name, scores)
    image, spacing, readers = lesion()
    agreed = np.sum(readers, axis=0) >= 2
    for number, reader in enumerate(readers, 1):
        say(f"lesion on CT, reader {number}", [_scores(image, spacing, reader, drawn=agreed)])


def _scores(
    image: Volume, spacing: Spacing, truth: Mask, drawn: Mask | None = None
) -> tuple[float, ...]:
    """``drawn``: what the boxes are drawn around, where it is not the truth itself."""
    frame, front = from_the_front(truth if drawn is None else drawn)
    flat = found(image, spacing, front, volume=False)
    return dice(flat[frame], truth[frame]), dice(found(image, spacing, front), truth)


if __name__ == "__main__":
    main()
