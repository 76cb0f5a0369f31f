"""The real process from nothing to ready, and the ways it refuses to start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2 as httpx
import pytest
from kikitori.settings import load_settings

from tests.processes import ServiceProcess, running_service, until
from tests.speech import SENTENCES, say, word_error_rate


def snapshots(url: str) -> list[dict[str, object]]:
    text = httpx.get(f"{url}/v1/warmup/events", timeout=60).text
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line]


def test_waking(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        first = httpx.post(f"{service.url}/v1/warmup")
        assert first.status_code == 202  # the port is open before the model is there
        assert first.json()["status"] == "loading"
        assert httpx.get(f"{service.url}/health/live").status_code == 200
        assert httpx.get(f"{service.url}/health/ready").status_code == 503
        assert httpx.post(f"{service.url}/v1/warmup").status_code == 202  # twice is fine
        early = httpx.post(
            f"{service.url}/v1/audio/transcriptions",
            data={"model": "whisper"},
            files={"file": ("a.wav", say(SENTENCES[1]))},
            timeout=60,
        )
        assert word_error_rate(SENTENCES[1], early.json()["text"]) < 0.2
        assert httpx.post(f"{service.url}/v1/warmup").status_code == 200
        assert httpx.get(f"{service.url}/health/ready").json()["status"] == "ready"


def test_the_events_of_a_cold_start(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        cold = snapshots(service.url)
        warm = snapshots(service.url)
    assert [one["status"] for one in (cold[0], cold[-1])] == ["loading", "ready"]
    phases: list[dict[str, object]] = cold[-1]["phases"]  # type: ignore[assignment]
    assert [phase["phase"] for phase in phases] == ["process", "imports", "weights", "warmup"]
    assert all(phase["status"] == "done" for phase in phases)
    weights = phases[2]
    assert weights["bytes"] == weights["total_bytes"] > 70_000_000  # type: ignore[operator]
    assert sum(phase["seconds"] for phase in phases) == pytest.approx(cold[-1]["seconds"], abs=0.01)  # type: ignore[misc]
    assert [one["status"] for one in warm] == ["ready"]


def test_sigterm_lets_requests_finish(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        service.until_ready()
        with service.streaming("whisper", say(" ".join(SENTENCES))) as answer:
            service.process.send_signal(signal.SIGTERM)
            assert "transcript.text.done" in answer.read().decode()
        assert service.process.wait(20) in (0, -signal.SIGTERM)


def test_a_client_that_leaves_a_real_transcription_frees_the_engine(tmp_path: Path) -> None:
    minutes = say(" ".join(SENTENCES * 20))
    with running_service(tmp_path, CONCURRENCY="1", QUEUE_SIZE="0") as service:
        service.until_ready()
        with service.streaming("whisper", minutes) as answer:
            next(answer.iter_lines())  # it has begun; now hang up
        until(lambda: service.logged("/v1/audio/transcriptions 499"))
        heard = service.client().audio.transcriptions.create(model="whisper", file=("a.wav", say(SENTENCES[1])))
        assert word_error_rate(SENTENCES[1], heard.text) < 0.2


def test_json_logs_are_what_cloud_logging_reads(tmp_path: Path) -> None:
    with running_service(tmp_path, LOG_FORMAT="json") as service:
        httpx.post(f"{service.url}/v1/warmup")
        until(lambda: service.logged("/v1/warmup"))
        line = json.loads(service.log.read_text().splitlines()[-1])
    assert line["severity"] == "INFO"
    assert (line["method"], line["path"], line["status"]) == ("POST", "/v1/warmup", 202)
    assert len(line["request_id"]) == 32


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kikitori"],
        env=dict(os.environ) | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_callers_key_is_none_of_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever calls a service exports it, and may start another from the same shell."""
    monkeypatch.setenv("KIKITORI_API_KEY", "0123456789abcdef")
    assert load_settings().api_keys == ()


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"KIKITORI_ENGIN": "whisper"}, ["KIKITORI_ENGIN", "KIKITORI_ENGINE"]),
        ({"KIKITORI_ENGINE": "gpt"}, ["KIKITORI_ENGINE", "whisper"]),
        ({"KIKITORI_MODEL": "/nowhere"}, ["KIKITORI_MODEL", "/nowhere", "model.bin"]),
        ({"KIKITORI_CONCURRENCY": "many"}, ["KIKITORI_CONCURRENCY", "integer"]),
        ({"PORT": "99999"}, ["PORT"]),
        ({"KIKITORI_QUANTIZATION": "int4"}, ["QUANTIZATION=int4", "qwen2-audio", "none or int8"]),
        ({"KIKITORI_DTYPE": "bfloat16"}, ["DTYPE", "qwen2-audio"]),
        (
            {"KIKITORI_ENGINE": "qwen2-audio", "KIKITORI_CACHE_TOKENS": "4000"},
            ["CACHE_TOKENS=4000", "CONCURRENCY=8", "10240"],
        ),
        ({"KIKITORI_CORS_ORIGINS": "https://a.example/path"}, ["KIKITORI_CORS_ORIGINS", "without a path"]),
        ({"KIKITORI_AUTH": "api-key"}, ["API_KEYS"]),
        ({"kikitori_concurrency": "3"}, ["kikitori_concurrency", "KIKITORI_CONCURRENCY"]),
        ({"KIKITORI_AUTH": "api-key", "KIKITORI_API_KEYS": "sha256:" + "z" * 64}, ["API_KEYS", "hexadecimal"]),
        ({"KIKITORI_AUTH": "api-key", "KIKITORI_API_KEYS": "short"}, ["API_KEYS", "16"]),
    ],
)
def test_unusable_settings_end_it_with_one_clear_word(environment: dict[str, str], words: list[str]) -> None:
    ended = start(**environment)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "short" not in ended.stderr  # a value may be a secret
    for word in words:
        assert word in ended.stderr


def test_a_damaged_model_ends_it(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "model.bin").write_bytes(b"not a model")
    with running_service(tmp_path, MODEL=str(tmp_path)) as service:
        assert service.process.wait(60) == 1
        assert "Convert or copy it again" in service.log.read_text()


def test_a_taken_port_ends_it(service: ServiceProcess) -> None:
    port = service.url.rpartition(":")[2]
    ended = start(PORT=port)
    assert ended.returncode != 0
    assert "address already in use" in ended.stderr
