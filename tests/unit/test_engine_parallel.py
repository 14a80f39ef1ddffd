"""Several processes on one training: the same losses as one process, one checkpoint, one leader."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from engine_samples import make_images, make_mask_recipe, make_recipe, make_volumes

from learning.engine import checkpoint, determinism, loop
from learning.engine.jobs import Job
from learning.engine.spec import Box, Recipe, Sample

ROOT = Path(checkpoint.__file__).parents[2]
PROCESS = """
import json, sys
from pathlib import Path
from learning.engine import determinism, loop, parallel
from learning.engine.jobs import Job

folder = Path(sys.argv[1])
determinism.limit_threads(1)
parallel.join()
if not parallel.leads():
    loop.follow()
job = Job.of(json.loads((folder / "job.json").read_text()))


def trained(stop_after=10**9, resume=None):
    steps = iter(range(10**9))
    return loop.train(
        job.recipe,
        job.network,
        job.samples,
        validation=job.validation,
        checkpoint_dir=job.folder,
        resume=resume,
        should_stop=lambda: next(steps) >= stop_after,
    )


def lost(report):
    raise RuntimeError("the lease went to another worker")


try:
    loop.train(job.recipe, job.network, job.samples, validation=job.validation,
               checkpoint_dir=folder / "lost", on_epoch=lost)
except RuntimeError:
    pass
part = trained(stop_after=3)
done = trained(resume=part.checkpoint)
said = {
    "finished": [part.finished, done.finished],
    "world": parallel.world(),
    "history": list(done.history),
    "checkpoint": done.checkpoint.name,
}
(folder / "result.json").write_text(json.dumps(said))
parallel.leave()
"""


def job(network: str, folder: Path) -> Job:
    """Without augmentation, which each process draws for itself, as it does what is dropped out; the
    transformer's stem normalises each process's part of a batch, the U-Net each image.
    """
    size = 4 if network == "unet" else 16
    changes = {"epochs": 3, "batch_size": size, "augment": False, "learning_rate": 1e-3}
    if network == "unet":
        recipe: Recipe = make_mask_recipe(**changes)
        samples = make_volumes(folder, 10)
    else:
        recipe, samples = make_recipe(**changes), make_images(folder, 34)
    return Job(recipe, network, samples[:-2], samples[-2:], folder / "made", None, None)


@pytest.mark.parametrize("network", ["unet", "vit"])
def test_two_processes_learn_as_one_does(network: str, tmp_path: Path) -> None:
    wanted = job(network, tmp_path)
    (tmp_path / "job.json").write_text(json.dumps(wanted.document()))
    (tmp_path / "process.py").write_text(PROCESS)
    launcher = ["torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    done = subprocess.run(
        [sys.executable, "-m", *launcher, str(tmp_path / "process.py"), str(tmp_path)],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads((tmp_path / "result.json").read_text())
    assert found["world"] == 2
    assert found["finished"] == [False, True]
    assert [path.name for path in wanted.folder.iterdir()] == [found["checkpoint"]]
    determinism.limit_threads(1)
    alone = loop.train(
        wanted.recipe,
        network,
        wanted.samples,
        validation=wanted.validation,
        checkpoint_dir=tmp_path / "alone",
    )
    tolerance = 0.01 if network == "unet" else 0.2
    for one, both in zip(alone.history, found["history"], strict=True):
        assert both["train_loss"] == pytest.approx(one["train_loss"], rel=tolerance)
    first, last = found["history"][0], found["history"][-1]
    assert last["train_loss"] < first["train_loss"]


def test_a_job_survives_its_way_as_json(tmp_path: Path) -> None:
    samples = [
        Sample(1, "a", tmp_path / "1.npy", (1.0, 2.0), 1),
        Sample(2, "b", tmp_path / "2.npy", (), tmp_path / "mask.npy"),
        Sample(3, "c", tmp_path / "3.npy", (), (0.5, None)),
        Sample(4, "d", tmp_path / "4.npy", (), ((1.0, 2.5), None)),
        Sample(5, "e", tmp_path / "5.npy", (), (Box(0, (1.0, 2.0), (3.0, 4.0), 0.5),)),
        Sample(6, "f", tmp_path / "6.npy", (), None),
    ]
    sent = Job(make_recipe(), "vit", samples, samples[:1], tmp_path, tmp_path / "x", None)
    assert Job.of(json.loads(json.dumps(sent.document()))) == sent
