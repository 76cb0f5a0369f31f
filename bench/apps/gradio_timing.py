"""Times the Gradio app from within its own environment: by its client, over HTTP, and its function alone, in turn.

Prints JSON: the seconds of each request by these three names.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import httpx
from gradio_client import Client, handle_file

from bench.apps.gradio_app import transcribe
from bench.turns import in_turn


def main() -> None:
    """Ask and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.apps.gradio_timing", description=__doc__)
    parser.add_argument("url", help="of the app")
    parser.add_argument("file", help="what it is given")
    parser.add_argument("requests", type=int, help="of each kind")
    given = parser.parse_args()
    client = Client(given.url, verbose=False)
    with httpx.Client(base_url=f"{given.url}/gradio_api", timeout=60) as http:
        seconds = in_turn(
            given.requests,
            client=lambda: client.predict(handle_file(given.file), api_name="/transcribe"),
            http=lambda: _by_http(http, Path(given.file)),
            alone=lambda: transcribe(given.file),
        )
    print(json.dumps(seconds))


def _by_http(http: httpx.Client, file: Path) -> None:
    """The three requests of https://www.gradio.app/guides/querying-gradio-apps-with-curl."""
    [path] = http.post("/upload", files={"files": file.read_bytes()}).raise_for_status().json()
    data = [{"path": path, "meta": {"_type": "gradio.FileData"}}]
    event = http.post("/call/transcribe", json={"data": data}).raise_for_status().json()["event_id"]
    said = http.get(f"/call/transcribe/{event}").raise_for_status().text
    if "event: complete" not in said:
        raise RuntimeError(f"Gradio did not answer: {said}")


if __name__ == "__main__":
    main()
