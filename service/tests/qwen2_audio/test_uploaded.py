"""What scripts/weights.py writes into a bucket is what the service loads from there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kikitori.engines.qwen2_audio.loading import load
from kikitori.errors import StartupError

from scripts import weights
from tests.local_cloud.conftest import served
from tests.local_hub import local_hub
from tests.processes import running_service
from tests.speech import say

BUCKET = "kikitori-local-weights"
FOLDER = "model-0123456789ab-int8"
ADDRESS = f"gs://{BUCKET}/{FOLDER}"


@pytest.fixture
def objects(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Google's client of the bucket, into which the tiny model came from the hub in 8 bits."""
    monkeypatch.setattr(weights, "_CONVERTED", tmp_path / "converted")
    with (
        local_hub(tiny) as hub,
        served(tmp_path / "cloud", everything_enabled=True, with_registry=False) as cloud,
    ):
        hub.lead_here(monkeypatch, tmp_path / "hub")
        cloud.lead_here(monkeypatch)
        storage = cloud.client("storage", "v1")
        bucket = {"name": BUCKET, "location": "asia-southeast1"}
        storage.buckets().insert(project="kikitori-local", body=bucket).execute()
        assert weights.main([f"gs://{BUCKET}", "--model", "some/model", "--to", "int8"]) == 0
        yield storage.objects()


def test_the_service_starts_from_what_was_uploaded_and_not_from_half_of_it(objects: Any, tmp_path: Path) -> None:
    with running_service(tmp_path, ENGINE="qwen2-audio", MODEL=ADDRESS) as service:
        service.until_ready()
        heard = service.client().audio.transcriptions.create(model=FOLDER, file=("speech.wav", say("three seven")))
        assert "three seven" in heard.text.lower()
    objects.delete(bucket=BUCKET, object=f"{FOLDER}/config.json").execute()
    with pytest.raises(StartupError, match="Files are missing or damaged"):
        load(ADDRESS, None, "auto", False, lambda *report: None)
