"""Training throughput: samples a second of the loop, of a plain MONAI loop, and of the machine itself.

    python tests/benchmarks/training.py [--device auto] [--seconds 6] [--only densenet] [--out FILE.json]

All three in one run: same network, batch and precision. The ceiling is forward and backward on one
batch that lies on the device, without reading, augmentation or update; the plain loop is MONAI's
CacheDataset with the same kinds of augmentation and a DataLoader. Needs no database and no Django.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
warnings.filterwarnings("ignore")

from learning.engine import determinism, loop, spec  # noqa: E402
from learning.engine.nets import build  # noqa: E402
from learning.engine.speed import Forward, Speed, memory_format  # noqa: E402

CASES, VOLUMES = 256, 24
WARM_UP = 3


@dataclass(frozen=True)
class Job:
    """One network at one size, with the batch that suits the device."""

    network: str
    size: tuple[int, ...]
    batch: int
    compiled: bool = False
    """Whether to measure the compiled step as well, after all else: a minute for each network."""

    @property
    def task(self) -> str:
        return "classification" if self.network in ("densenet", "vit") else "segmentation"

    @property
    def name(self) -> str:
        return f"{self.network} {'x'.join(map(str, self.size))} batch {self.batch}"


JOBS = {
    "cpu": [
        Job("densenet", (96, 96), 32),
        Job("vit", (96, 96), 32),
        Job("unet", (128, 128), 8),
        Job("segresnet", (32, 32, 32), 4),
    ],
    "cuda": [
        Job("densenet", (224, 224), 256, compiled=True),
        Job("unet", (96, 96, 96), 8),
    ],
}


def recipe_of(job: Job, steps: int) -> spec.Recipe:
    return spec.parse(
        {
            "task": job.task,
            "classes": ["no", "yes"] if job.task == "classification" else ["organ"],
            "networks": [job.network],
            "input_size": list(job.size),
            "batch_size": job.batch,
            "epochs": 3,
            "minimum_steps": max(1, steps),
            "minimum_labels": 2,
        }
    )


def samples_of(job: Job, folder: Path) -> list[spec.Sample]:
    """Noise with a bright box: a quarter larger than the input on every side."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    shape = tuple(side * 5 // 4 for side in job.size)
    found = []
    for number in range(max(VOLUMES if len(shape) == 3 else CASES, job.batch)):
        image = rng.normal(0, 1, shape).astype(np.float32)
        mask = np.zeros(shape, np.uint8)
        mask[tuple(slice(side // 4, side // 2) for side in shape)] = 1
        path, target = folder / f"{number}.npy", folder / f"{number}-mask.npy"
        np.save(path, image + mask * (number % 2 + 1))
        np.save(target, mask)
        found.append(
            spec.Sample(
                number,
                f"p{number}",
                path,
                (1.0,) * len(shape),
                number % 2 if job.task == "classification" else target,
            )
        )
    return found


def waited(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def timed(step: Callable[[], object], batch: int, seconds: float, device: torch.device) -> float:
    """Samples a second of a step repeated for some seconds."""
    for _ in range(WARM_UP):
        step()
    waited(device)
    started, steps = time.perf_counter(), 0
    while steps < 2 or time.perf_counter() - started < seconds:
        step()
        steps += 1
        if steps % 8 == 0:
            waited(device)
    waited(device)
    return batch * steps / (time.perf_counter() - started)


def ceiling(job: Job, device: torch.device, speed: Speed, seconds: float) -> float:
    """Forward and backward on one resident batch of noise."""
    recipe = recipe_of(job, 1)
    determinism.seed_all(0)
    network = build(job.network, recipe).to(device).train()
    layout = memory_format(len(job.size))
    images = torch.randn(job.batch, 1, *job.size, device=device)
    network, images = network.to(memory_format=layout), images.to(memory_format=layout)
    forward = Forward(network, speed)

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            said = forward(images)[0]
        said.float().square().mean().backward()
        for parameter in network.parameters():
            parameter.grad = None

    return timed(step, job.batch, seconds, device)


def ours(
    job: Job, samples: list[spec.Sample], speed: Speed, steps: int, folder: Path
) -> tuple[float, list[str]]:
    """From the epochs' own times after the first, in which all is read: everything counts."""
    seconds: list[float] = []
    recipe = recipe_of(job, steps)
    epoch_steps = max(-(-len(samples) // job.batch), steps)
    result = loop.train(
        recipe,
        job.network,
        samples,
        validation=[],
        checkpoint_dir=folder,
        speed=speed,
        on_epoch=lambda report: seconds.append(report.seconds),
    )
    return epoch_steps * job.batch / min(seconds[1:]), list(result.notes)


def plain(job: Job, samples: list[spec.Sample], device: torch.device, seconds: float) -> float:
    """As MONAI's tutorials have it: cached and normalised once, augmented by workers, stacked, sent."""
    from monai.data.dataloader import DataLoader
    from monai.data.dataset import CacheDataset

    recipe = recipe_of(job, 1)
    rows = [{"image": str(s.image), "label": _label(s)} for s in samples]
    data = CacheDataset(rows, _transforms(job), num_workers=4, progress=False)
    workers = min(8, os.cpu_count() or 1) if device.type == "cuda" else 0
    loader = DataLoader(
        data,
        batch_size=job.batch,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        persistent_workers=workers > 0,
    )
    determinism.seed_all(0)
    network = build(job.network, recipe).to(device).train()
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3)
    loss_of: Any = torch.nn.CrossEntropyLoss()
    if job.task == "segmentation":
        from monai.losses.dice import DiceCELoss

        loss_of = DiceCELoss(softmax=True, to_onehot_y=True, include_background=False)
    batches = _endless(loader)

    def step() -> None:
        batch = next(batches)
        images = batch["image"].to(device, non_blocking=True).as_tensor()
        labels = batch["label"].to(device, non_blocking=True)
        if job.task == "segmentation":
            labels = labels.as_tensor().long()
        optimiser.zero_grad()
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss = loss_of(network(images)[0].float(), labels)
        loss.backward()
        optimiser.step()
        loss.item()

    return timed(step, job.batch, seconds, device)


def _label(sample: spec.Sample) -> Any:
    return str(sample.target) if isinstance(sample.target, Path) else sample.target


def _endless(loader: Any) -> Iterator[Any]:
    while True:
        yield from loader


def _transforms(job: Job) -> Any:
    from monai import transforms as t

    masks = job.task == "segmentation"
    keys = ["image", "label"] if masks else ["image"]
    mode = ["bilinear", "nearest"] if masks else "bilinear"
    turn = {"rotate_range": 0.17, "scale_range": 0.1, "translate_range": 4, "prob": 1.0}
    first = [
        t.LoadImaged(keys, image_only=True, ensure_channel_first=True),
        t.NormalizeIntensityd("image"),
    ]
    if masks:
        first += [t.RandCropByPosNegLabeld(keys, "label", job.size, pos=2, neg=1, num_samples=1)]
    else:
        first += [t.Resized("image", job.size)]
    return t.Compose(
        [
            *first,
            t.RandAffined(keys, mode=mode, padding_mode="border", **turn),
            t.RandScaleIntensityd("image", 0.2, prob=1.0),
            t.RandShiftIntensityd("image", 0.2, prob=1.0),
            t.RandGaussianNoised("image", prob=1.0, std=0.05),
        ]
    )


Rows = dict[str, dict[str, Any]]


def measured(jobs: list[Job], device: torch.device, seconds: float) -> Iterator[Rows]:
    """The rows as far as they are known, after each measurement; the most important ones first."""
    rows: Rows = {job.name: {"job": job.name, "device": device.type} for job in jobs}
    with tempfile.TemporaryDirectory() as folder:
        data = {job.name: samples_of(job, Path(folder) / str(at)) for at, job in enumerate(jobs)}
        for job in jobs:
            _beside_the_ceiling(rows[job.name], job, data[job.name], "eager", Speed(), seconds)
            yield rows
            rows[job.name]["plain"] = plain(job, data[job.name], device, seconds)
            yield rows
        for job in jobs:
            if job.compiled:
                speed = Speed(compile=True)
                _beside_the_ceiling(rows[job.name], job, data[job.name], "compiled", speed, seconds)
                yield rows


def _beside_the_ceiling(
    row: dict[str, Any],
    job: Job,
    samples: list[spec.Sample],
    name: str,
    speed: Speed,
    seconds: float,
) -> None:
    top = ceiling(job, determinism.device(), speed, seconds)
    steps = max(2, round(top * seconds / job.batch))
    with tempfile.TemporaryDirectory() as folder:
        got, notes = ours(job, samples, speed, steps, Path(folder))
    row[name] = {"ceiling": top, "ours": got, "share": got / top, "notes": notes}


def table(rows: Rows) -> str:
    lines = [
        "| job | device | ceiling | ours | share | compiled: ceiling | ours | share | plain | ours/plain |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows.values():
        cells = [row["job"], row["device"]]
        for name in ("eager", "compiled"):
            part = row.get(name)
            cells += (
                [f"{part['ceiling']:.0f}", f"{part['ours']:.0f}", f"{part['share']:.2f}"]
                if part
                else ["", "", ""]
            )
        if "plain" in row:
            cells += [f"{row['plain']:.0f}", f"{row['eager']['ours'] / row['plain']:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--only", default="", help="part of a job's name")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    device = determinism.device() if asked.device == "auto" else torch.device(asked.device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else platform.machine()
    facts = {"torch": torch.__version__, "device": name, "threads": torch.get_num_threads()}
    jobs = [job for job in JOBS[device.type] if asked.only in job.name]
    started = time.perf_counter()
    for rows in measured(jobs, device, asked.seconds):
        print(f"after {time.perf_counter() - started:.0f} s\n{table(rows)}", flush=True)
        if asked.out:
            document = {"facts": facts, "rows": list(rows.values())}
            asked.out.write_text(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
