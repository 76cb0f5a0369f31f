"""The examples in Python run as they stand."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest
from kikitori.app import create_app
from kikitori.settings import Settings

from tests.documents.pages import page, pages
from tests.processes import ServiceProcess, serving
from tests.scripted_engine import ScriptedEngine
from tests.speech import SENTENCES, say, word_error_rate


def test_no_page_has_another_one() -> None:
    assert [here.name for here in pages() if here.blocks("python")] == ["README.ja.md", "README.md", "docs/http.md"]


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_the_client_of_the_first_page(
    service: ServiceProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("speech.wav").write_bytes(say(SENTENCES[0]))
    _run(name, service.url)
    assert word_error_rate(SENTENCES[0], capsys.readouterr().out) < 0.4


def test_a_question_about_a_sound() -> None:
    engine = ScriptedEngine()
    engine.description = replace(engine.description, aliases=("qwen2-audio",))
    engine.allow_everything()
    sound = base64.b64encode(say(SENTENCES[0])).decode()
    with serving(create_app(Settings(), engine)) as url, openai.OpenAI(base_url=f"{url}/v1", api_key="none") as client:
        _run("docs/http.md", url, client=client, base64_of_a_file=sound)
    [request] = engine.started
    assert "Describe the sounds." in request.messages[0].content
    assert request.duration > 1


def _run(name: str, url: str, **given: Any) -> None:
    """Run the example of a page, where the service is at another address."""
    [example] = page(name).blocks("python")
    exec(example.replace("http://127.0.0.1:8000", url), given)  # noqa: S102
