"""The private Orthanc: its configuration, written anew at each start, and whether it answers.

Plugins are named one by one: the transcoding plugin of some distributions crashes the process.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import httpx
import psutil

from .errors import StackError

USER = "consilium"
AE_TITLE = "CONSILIUM"
PLUGIN = "libOrthancDicomWeb.so"
PLUGIN_FOLDERS = (Path("/usr/share/orthanc/plugins"), Path("/usr/local/share/orthanc/plugins"))
ANYWHERE = ("0.0.0.0", "::")  # noqa: S104 - looked for, not listened on
LOCAL_SENDER = ["STORESCU", "127.0.0.1", 11113]


def binary() -> str:
    found = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise StackError(
            "Orthanc is not installed.", "Install it: apt install orthanc orthanc-dicomweb"
        )
    return found


def plugin() -> Path:
    for folder in PLUGIN_FOLDERS:
        if (folder / PLUGIN).exists():
            return folder / PLUGIN
    raise StackError(
        "Orthanc's DICOMweb plugin is not installed.", "Install it: apt install orthanc-dicomweb"
    )


def configuration(
    folder: Path, *, http_port: int, dicom_port: int, password: str
) -> dict[str, Any]:
    """Answers loopback only, own credentials, no transcoding, nothing that writes files or runs scripts."""
    return {
        "Name": "Consilium",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "StorageCompression": False,
        "SyncStorageArea": True,
        "OverwriteInstances": False,
        "StableAge": 2,
        "Plugins": [str(plugin())],
        "HttpPort": http_port,
        "HttpThreadsCount": max(16, 4 * (os.cpu_count() or 1)),
        "HttpCompressionEnabled": False,
        "KeepAlive": True,
        "TcpNoDelay": True,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {USER: password},
        "OrthancExplorerEnabled": False,
        "WebDavEnabled": False,
        "ExecuteLuaEnabled": False,
        "DicomServerEnabled": True,
        "DicomAet": AE_TITLE,
        "DicomPort": dicom_port,
        "DicomCheckCalledAet": True,
        "DicomAlwaysAllowStore": False,
        "DicomAlwaysAllowEcho": False,
        "DicomCheckModalityHost": True,
        "DicomModalities": modalities(folder),
        "DicomWeb": {
            "Enable": True,
            "Root": "/dicom-web/",
            "EnableWado": False,
            "StudiesMetadata": "Full",
            "SeriesMetadata": "Full",
        },
    }


def modalities(folder: Path) -> dict[str, Any]:
    """Who may send by DIMSE: this machine as STORESCU, and what modalities.json names."""
    named = folder / "modalities.json"
    senders: dict[str, Any] = {"local": LOCAL_SENDER}
    if named.exists():
        senders |= json.loads(named.read_text(encoding="utf-8"))
    return senders


def write_configuration(folder: Path, **values: Any) -> Path:
    """The configuration holds the password, so only its owner may read it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "orthanc.json"
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(configuration(folder, **values), indent=2), encoding="utf-8")
    return path


def is_reachable_from_outside(port: int) -> bool:
    """Orthanc has no setting for the address it listens on: it listens on all, and turns others away."""
    return any(
        found.status == psutil.CONN_LISTEN and found.laddr[0] in ANYWHERE
        for found in psutil.net_connections("tcp")
        if found.laddr and found.laddr[1] == port
    )


def answers(url: str, password: str) -> bool:
    try:
        response = httpx.get(f"{url}/system", auth=(USER, password), timeout=2)
    except httpx.HTTPError:
        return False
    return response.status_code == httpx.codes.OK
