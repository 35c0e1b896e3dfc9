"""A list of versions, served by the HTTP server of the tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import synphys_frames as sf

if TYPE_CHECKING:
    from tests.support.http_server import Behaviour

NAMES = ["synphys_r9.1_small.sqlite", "synphys_r9.0_small.sqlite", "synphys_r9.1-pre2_small.sqlite"]


def catalogue(url: str, *names: str, **more: Any) -> bytes:
    listed = [{"file": name, "schema_version": "22", **more} for name in names]
    return json.dumps({"default_url_path": url, "databases": listed}).encode()


def publish(url: str, server: Behaviour, *names: str, **more: Any) -> None:
    server.files["catalogue.json"] = catalogue(url, *names, **more)
    server.etags["catalogue.json"] = '"1"'
    sf.config.catalogue_url = f"{url}/catalogue.json"
