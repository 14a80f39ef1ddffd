"""The whole loop through the REST API alone: images in, reads, a round, a new order, a dataset out."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from safetensors.numpy import load as load_safetensors

from deploy.simulation.api import Api
from deploy.simulation.known_labels import DEMO, of_demo
from deploy.simulation.reader import SimulatedReader
from deploy.stack import Stack

IMAGES = 80
READS_BEFORE_ROUND = 26
CHUNK = 64 * 1024
ARRIVAL_SECONDS = 90
PROJECT = """
import json, yaml
from annotation import api_tokens, members, projects
from annotation.access import Action
from learning import recipes
from deploy.demo.load import HERE
from annotation.models import User
document = yaml.safe_load((HERE / "tuberculosis" / "project.yaml").read_text())
document["slug"] = "journey"
document["stream_shares"] = {"pool": 0.4, "control": 0.25, "calibration": 0.1, "holdout": 0.25}
document["recipe"] |= {"input_size": [32, 32], "epochs": 2, "batch_size": 8, "minimum_labels": 4}
lead = members.new_account("journey-lead").user
project = projects.create(document, owner=lead)
members.add(project, username=lead.username, role="reader", user=lead)
recipes.store(project, document["recipe"], user=lead)
token = api_tokens.create(project, user=lead, name="journey", actions=list(Action), days=1)
print(json.dumps({"token": token.secret}))
"""


@pytest.fixture(scope="module")
def api(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Iterator[Api]:
    made = json.loads(in_live_stack(PROJECT).splitlines()[-1])
    client = Api(live_stack.url, made["token"], "journey")
    yield client
    client.close()


def archive_of_radiographs() -> bytes:
    """A zip of radiographs, as many of one class as of the other."""
    with (DEMO / "tuberculosis" / "labels.csv").open() as table:
        rows = list(csv.DictReader(table))
    chosen = [
        row["image"]
        for label in ("normal", "tuberculosis")
        for row in [row for row in rows if row["label"] == label][: IMAGES // 2]
    ]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in chosen:
            archive.write(DEMO / "tuberculosis" / "images" / name, name)
    return packed.getvalue()


def eventually(check: Callable[[], Any], seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.5)
    return found


def progress(api: Api) -> dict[str, Any]:
    return dict(api.request("GET", f"{api.project}/progress"))


def upload(api: Api, name: str, content: bytes) -> int:
    batch = api.request(
        "POST", f"{api.project}/imports", json={"files": [{"name": name, "size": len(content)}]}
    )
    item = batch["items"][0]["id"]
    for offset in range(0, len(content), CHUNK):
        api.request(
            "PUT",
            f"import-items/{item}/content",
            params={"offset": offset},
            content=content[offset : offset + CHUNK],
            headers={"Content-Type": "application/octet-stream"},
        )
    api.request("POST", f"imports/{batch['id']}/complete")
    return int(batch["id"])


def read_everything_for_evaluation(api: Api, reader: SimulatedReader) -> None:
    while any(progress(api)["streams"][name]["open"] for name in ("holdout", "calibration")):
        assert reader.read_one()


def download(api: Api, path: str) -> zipfile.ZipFile:
    response = api._client.get(path)
    assert response.status_code == httpx.codes.OK, response.text
    return zipfile.ZipFile(io.BytesIO(response.content))


def test_images_become_a_dataset_and_a_model(api: Api) -> None:
    batch = upload(api, "radiographs.zip", archive_of_radiographs())
    eventually(
        lambda: api.request("GET", f"imports/{batch}")["state"] == "done",
        ARRIVAL_SECONDS,
        "the import",
    )

    def arrived() -> bool:
        streams = progress(api)["streams"].values()
        return sum(stream["open"] for stream in streams) == IMAGES

    eventually(arrived, ARRIVAL_SECONDS, "the arrival of every case")

    reader = SimulatedReader(api, of_demo("tuberculosis"), rng=np.random.default_rng(1))
    with pytest.raises(RuntimeError, match="label"):
        api.start_round()
    read_everything_for_evaluation(api, reader)
    for _ in range(READS_BEFORE_ROUND):
        assert reader.read_one()

    *_, ended = api.watch_round(api.start_round()["id"])
    assert ended["state"] == "done", ended["error"]
    assert {training["network"] for training in ended["trainings"]} == {"densenet", "vit"}

    curve = api.curve()
    assert {point["arm"] for point in curve["points"]} == {"active", "control"}
    for point in curve["points"]:
        assert point["low"] <= point["value"] <= point["high"]
        assert point["patients"] == curve["holdout_patients"] > 0

    ranking = api.request("GET", f"{api.project}/ranking")
    assert ranking["size"] == progress(api)["streams"]["pool"]["open"] > 0
    first_of_pool = ranking["batch"][0]["case"]
    claimed = []
    while first_of_pool not in claimed:
        assignment = api.claim()
        assert assignment is not None, "the first case of the ranking was never offered"
        claimed.append(assignment["case"]["id"])
        api.request(
            "POST",
            f"slots/{assignment['slot']}/skip",
            json={"token": assignment["token"], "reason": "only looking at the order"},
        )
    ranked = {row["case"] for row in ranking["batch"]}
    assert not ranked & set(claimed[:-1]), "a lower ranked pool case was offered earlier"

    used = [
        m for m in api.request("GET", f"{api.project}/models")["results"] if m["state"] == "in_use"
    ]
    assert [model["network"] for model in used] == ["ensemble"]

    snapshot = api.request(
        "POST", f"{api.project}/snapshots", json={"title": "First", "query": {"min_reads": 1}}
    )
    with download(api, f"snapshots/{snapshot['id']}/download?images=1&models=1") as dataset:
        manifest = json.loads(dataset.read("manifest.json"))
        names = set(dataset.namelist())
        for file in manifest["files"]:
            content = dataset.read(file["name"])
            assert hashlib.sha256(content).hexdigest() == file["sha256"], file["name"]
        assert {file["name"] for file in manifest["files"]} <= names
        weights = [name for name in names if name.endswith(".safetensors")]
        assert len(weights) == 2
        assert all(load_safetensors(dataset.read(name)) for name in weights)

    verdict = api.request("POST", f"{api.project}/ledger/verify")
    assert verdict["ok"], verdict
    assert verdict["events"] > IMAGES
