"""The edge of deploy/nginx.conf: frames flow from Orthanc only when the web process says so."""

from __future__ import annotations

import base64
import io
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template

import httpx
import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from deploy.stack import ROOT, Ports, Stack

FRAME_TYPE = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"


class Web(BaseHTTPRequestHandler):
    """Stands in for the web processes: it lets every request be carried to where ``?to=`` says."""

    protocol_version = "HTTP/1.1"
    seen: list[dict[str, str]] = []

    def do_GET(self) -> None:
        self.seen.append(dict(self.headers.items()))
        self.send_response(200)
        self.send_header("X-Accel-Redirect", self.path.partition("?to=")[2])
        self.send_header("Content-Type", FRAME_TYPE)
        self.send_header("Cache-Control", "private, max-age=600")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@dataclass(frozen=True)
class Edge:
    url: str
    orthanc: httpx.Client
    frames: Path


def ct_slice(pixels: np.ndarray) -> bytes:
    slice_ = Dataset()
    slice_.PatientID, slice_.PatientName, slice_.StudyID = "edge", "Edge", "1"
    slice_.SOPClassUID, slice_.SOPInstanceUID = CTImageStorage, generate_uid()
    slice_.StudyInstanceUID, slice_.SeriesInstanceUID = generate_uid(), generate_uid()
    slice_.Modality = "CT"
    slice_.Rows, slice_.Columns = pixels.shape
    slice_.SamplesPerPixel, slice_.PhotometricInterpretation = 1, "MONOCHROME2"
    slice_.BitsAllocated, slice_.BitsStored, slice_.HighBit = 16, 16, 15
    slice_.PixelRepresentation = 0
    slice_.PixelData = pixels.tobytes()
    slice_.file_meta = FileMetaDataset()
    slice_.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = io.BytesIO()
    slice_.save_as(file, enforce_file_format=True)
    return file.getvalue()


@pytest.fixture(scope="module")
def edge(orthanc_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """nginx with the committed configuration, before a web process that redirects and a real Orthanc."""
    if shutil.which("nginx", path="/usr/sbin:/usr/bin") is None:
        pytest.fail("nginx is not installed: apt install nginx-light")
    web = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    folder = tmp_path_factory.mktemp("edge")
    frames = folder / "frames"
    frames.mkdir()
    credentials = f"consilium:{orthanc_stack.settings['ORTHANC_PASSWORD']}"
    port = Ports.free().web
    server = Template((ROOT / "deploy" / "nginx.conf").read_text()).safe_substitute(
        CONSILIUM_NAME="localhost",
        CONSILIUM_LISTEN=f"127.0.0.1:{port}",
        CONSILIUM_WEB=f"127.0.0.1:{web.server_port}",
        CONSILIUM_ORTHANC=f"127.0.0.1:{orthanc_stack.ports.orthanc}",
        CONSILIUM_ORTHANC_BASIC=base64.b64encode(credentials.encode()).decode(),
        CONSILIUM_FRAMES=f"{frames}/",
    )
    whole = (
        f"user root; pid {folder}/pid; daemon off; events {{}} http {{ access_log off; {server} }}"
    )
    (folder / "nginx.conf").write_text(f"error_log stderr; {whole}")
    log = (folder / "log").open("wb")
    nginx = subprocess.Popen(
        ["/usr/sbin/nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=log
    )
    _await_port(port)
    with httpx.Client(
        base_url=orthanc_stack.settings["ORTHANC_URL"], auth=tuple(credentials.split(":", 1))
    ) as client:
        yield Edge(f"http://127.0.0.1:{port}", client, frames)
    nginx.terminate()
    nginx.wait(10)
    log.close()
    web.shutdown()
    web.server_close()


def _await_port(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("nginx did not start")


@pytest.fixture(scope="module")
def instance(edge: Edge) -> tuple[str, bytes]:
    """Orthanc's name of a slice, and its pixels."""
    pixels = np.arange(64 * 64, dtype="<u2").reshape(64, 64)
    answer = edge.orthanc.post("/instances", content=ct_slice(pixels)).raise_for_status()
    return answer.json()["ID"], pixels.tobytes()


def test_a_frame_comes_from_orthanc_with_the_headers_of_the_web_process(
    edge: Edge, instance: tuple[str, bytes]
) -> None:
    name, pixels = instance
    got = httpx.get(f"{edge.url}/pixels/x?to=/_orthanc/instances/{name}/frames/0/raw")
    assert got.status_code == 200
    assert got.content == pixels
    assert got.headers.get_list("content-type") == [FRAME_TYPE]
    assert got.headers.get_list("cache-control") == ["private, max-age=600"]
    assert "content-location" not in got.headers


def test_the_inner_places_cannot_be_asked_for_from_outside(
    edge: Edge, instance: tuple[str, bytes]
) -> None:
    (edge.frames / "secret").write_bytes(b"x")
    for path in (f"/_orthanc/instances/{instance[0]}/frames/0/raw", "/_frames/secret"):
        assert httpx.get(edge.url + path).status_code == 404


@pytest.mark.parametrize("path", ["/system", "/instances", "/instances/../system", "/tools/reset"])
def test_nothing_of_orthanc_but_single_frames_can_be_reached(edge: Edge, path: str) -> None:
    got = httpx.get(f"{edge.url}/pixels/x?to=/_orthanc{path}")
    assert b"DicomAet" not in got.content
    assert not got.content.startswith(b"[")


def test_a_frame_on_disk_is_served_and_no_path_leads_out(edge: Edge) -> None:
    (edge.frames / "frame").write_bytes(b"pixels")
    got = httpx.get(f"{edge.url}/pixels/x?to=/_frames/frame")
    assert got.content == b"pixels"
    assert got.headers["content-type"] == FRAME_TYPE
    outside = httpx.get(f"{edge.url}/pixels/x?to=/_frames/../nginx.conf")
    assert b"proxy_pass" not in outside.content


def test_many_frames_over_kept_connections_all_arrive(
    edge: Edge, instance: tuple[str, bytes]
) -> None:
    name, pixels = instance
    with httpx.Client() as client:
        for pause in (0.0, 0.0, 0.6, 1.1, 0.0):
            time.sleep(pause)
            got = client.get(f"{edge.url}/pixels/x?to=/_orthanc/instances/{name}/frames/0/raw")
            assert got.content == pixels


def test_the_web_process_learns_the_real_sender_and_no_invented_host(edge: Edge) -> None:
    Web.seen.clear()
    invented = {
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Host": "evil",
        "Content-Encoding": "gzip",
    }
    httpx.get(f"{edge.url}/pixels/x?to=/_frames/none", headers=invented)
    seen = Web.seen[0]
    assert seen["X-Forwarded-For"] == "127.0.0.1"
    assert "X-Forwarded-Host" not in seen
    assert "Content-Encoding" not in seen
