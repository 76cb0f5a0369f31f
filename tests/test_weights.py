"""The tests' model goes from a local hub into the local Google's bucket, however that is interrupted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from scripts.weights import main
from tests.local_cloud.conftest import Served, served
from tests.local_hub import COMMIT, Hub, local_hub
from tests.processes import free_port, until

ROOT = Path(__file__).parent.parent
TINY = ROOT / "service/tests/tiny-qwen2-audio"
BUCKET = "kikitori-local-weights"
FOLDER = "model-0123456789ab"
MODEL = ["--model", "some/model", "--revision", "main"]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Has the tiny model, and beside it what is no part of a model."""
    folder = tmp_path / "model"
    shutil.copytree(TINY, folder)
    (folder / "README.md").write_text("not for the service")
    with local_hub(folder) as here:
        here.lead_here(monkeypatch, tmp_path / "hub")
        yield here


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Has an empty bucket."""
    with served(tmp_path / "cloud", everything_enabled=True, with_registry=False) as here:
        here.lead_here(monkeypatch)
        body = {"name": BUCKET, "location": "asia-southeast1"}
        here.client("storage", "v1").buckets().insert(project="kikitori-local", body=body).execute()
        yield here


def objects(cloud: Served, folder: str = FOLDER) -> dict[str, Any]:
    """What the bucket has, by name, in the order in which it came."""
    listed = cloud.client("storage", "v1").objects().list(bucket=BUCKET, prefix=f"{folder}/").execute()
    items = sorted(listed.get("items", []), key=lambda item: int(item["generation"]))
    return {item["name"].removeprefix(f"{folder}/"): item for item in items}


def content(cloud: Served, name: str) -> bytes:
    read: bytes = cloud.client("storage", "v1").objects().get_media(bucket=BUCKET, object=f"{FOLDER}/{name}").execute()
    return read


def test_a_model_comes_whole_and_once(hub: Hub, cloud: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"gs://{BUCKET}/", *MODEL, "--dry-run"]) == 0
    said = capsys.readouterr().err
    assert f"some/model@{COMMIT}" in said
    assert "USD a month" in said
    assert not hub.read
    assert not objects(cloud)

    assert main([f"gs://{BUCKET}", *MODEL]) == 0
    assert capsys.readouterr().out == f'weights_folder = "{FOLDER}"\n'
    there = objects(cloud)
    assert there.keys() == {file.name for file in TINY.iterdir()}
    assert list(there)[-1] == "config.json"
    assert there["config.json"]["metadata"] == {"kikitori-made-of": f"some/model@{COMMIT}"}
    assert content(cloud, "model.safetensors") == (TINY / "model.safetensors").read_bytes()
    assert "Bearer hf_secret" in hub.tokens

    downloads = len(hub.read)
    assert main([BUCKET, *MODEL]) == 0
    assert "has it already" in capsys.readouterr().err
    assert len(hub.read) == downloads
    assert objects(cloud) == there


def test_what_was_killed_goes_on(hub: Hub, cloud: Served, capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "scripts.weights", BUCKET, *MODEL]
    running = subprocess.Popen(command, cwd=ROOT, env=os.environ, stderr=subprocess.PIPE)
    until(lambda: objects(cloud) or running.poll() is not None)
    running.kill()
    _, said = running.communicate()
    before = objects(cloud)
    assert before, said.decode()

    cloud.client("storage", "v1").objects().delete(bucket=BUCKET, object=f"{FOLDER}/{list(before)[-1]}").execute()
    cloud.fault("storage.objects.insert", status=503, times=1)
    assert main([BUCKET, *MODEL]) == 0
    after = objects(cloud)
    assert after.keys() == {file.name for file in TINY.iterdir()}
    assert list(after)[-1] == "config.json" or "config.json" in before
    assert all(after[name] == before[name] for name in list(before)[:-1])
    assert f"{len(before) - 1} of {len(after)} files are in" in capsys.readouterr().err


def test_ctrl_c_stops_it_within_a_file(hub: Hub, cloud: Served) -> None:
    half = hub.held["model.safetensors"] = Event()
    command = [sys.executable, "-m", "scripts.weights", BUCKET, *MODEL]
    running = subprocess.Popen(command, cwd=ROOT, env=os.environ, stderr=subprocess.PIPE)
    until(lambda: [name for name, _ in hub.read if name in hub.held] or running.poll() is not None)
    running.send_signal(signal.SIGINT)
    try:
        _, said = running.communicate(timeout=20)
    finally:
        half.set()
    assert said.decode().splitlines()[-1] == "Stopped; the same command goes on from here."
    assert running.returncode == 130
    assert main([BUCKET, *MODEL]) == 0
    read = [name for name, _ in hub.read]
    assert {name for name in read if read.count(name) > 1} == hub.held.keys()


def test_a_connection_that_ends_is_taken_up_within_the_file(
    hub: Hub, cloud: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 50_000)
    hub.cut["model.safetensors"] = 100_000
    assert main([BUCKET, *MODEL]) == 0
    assert [asked for name, asked in hub.read if name == "model.safetensors"] == ["", "bytes=100000-"]
    assert content(cloud, "model.safetensors") == (TINY / "model.safetensors").read_bytes()


def test_what_arrived_damaged_is_fetched_again(hub: Hub, cloud: Served, capsys: pytest.CaptureFixture[str]) -> None:
    hub.damaged = {"model.safetensors", "tokenizer.json"}
    assert main([BUCKET, *MODEL]) == 1
    assert "model.safetensors, tokenizer.json on this machine had not the hash" in capsys.readouterr().err
    assert not objects(cloud)
    assert main([BUCKET, *MODEL]) == 0
    assert sorted(name for name, _ in hub.read).count("config.json") == 1
    assert content(cloud, "model.safetensors") == (TINY / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "some/gated"], "accept its terms"),
        (["--model", "some/private"], "HF_TOKEN to a token that may read it"),
        (["--model", "some/model", "--revision", "v9"], "no some/model at revision v9"),
        (["--model", "no/id/at/all"], "is no id of the hub"),
    ],
)
def test_what_the_hub_refuses(
    hub: Hub, cloud: Served, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert main([BUCKET, *options]) == 1
    assert words in capsys.readouterr().err.splitlines()[-1]
    assert not objects(cloud)


def test_what_google_refuses_is_said_before_anything_is_downloaded(
    hub: Hub, cloud: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["gs://not-there", *MODEL]) == 1
    assert "no bucket 'not-there'" in capsys.readouterr().err
    cloud.fault("storage.objects.insert", status=403)
    assert main([BUCKET, *MODEL]) == 1
    assert "weights_writers" in capsys.readouterr().err
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    assert main([BUCKET, *MODEL]) == 1
    assert "gcloud auth application-default login" in capsys.readouterr().err
    assert not hub.read


def test_the_hub_cannot_be_reached(
    hub: Hub, cloud: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{free_port()}")
    assert main([BUCKET, *MODEL]) == 1
    assert "The same command goes on where this one was" in capsys.readouterr().err


def test_no_room(hub: Hub, cloud: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(".")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=10**6))
    assert main([BUCKET, *MODEL]) == 1
    assert "0.00 GB are free. Make room, or set HF_HOME" in capsys.readouterr().err
    assert not hub.read


def test_what_is_there_is_never_replaced(hub: Hub, cloud: Served, capsys: pytest.CaptureFixture[str]) -> None:
    command = [BUCKET, "--model", "some/model", "--folder", "current"]
    assert main(command) == 0
    there = objects(cloud, "current")
    assert main([BUCKET, "--model", "other/model", "--folder", "current"]) == 1
    assert f"holds some/model@{COMMIT}" in capsys.readouterr().err
    storage = cloud.client("storage", "v1").objects()
    storage.delete(bucket=BUCKET, object="current/config.json").execute()
    media = storage.insert(bucket=BUCKET, name="current/extra.safetensors", media_body=str(TINY / "config.json"))
    media.execute()
    assert main(command) == 1
    assert "not of this model: extra.safetensors" in capsys.readouterr().err
    assert objects(cloud, "current").keys() - there.keys() == {"extra.safetensors"}


def test_no_bucket_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    for bucket in ("", "gs://", "gs://bucket/folder"):
        with pytest.raises(SystemExit) as ended:
            main([bucket])
        assert ended.value.code == 2
    assert "weights_url" in capsys.readouterr().err
