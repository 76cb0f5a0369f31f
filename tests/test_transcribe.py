"""A folder of recordings goes through the real service, however it is interrupted."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from scripts.transcribe import __main__ as program
from tests.e2e.houses import ScriptedHouse, scripted_house
from tests.e2e.platform import ConnectionCutError
from tests.processes import ServiceProcess, free_port, serving, until
from tests.speech import SENTENCES, say, word_error_rate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three recordings, one of them in a folder, and a file that is none."""
    source = tmp_path / "recordings"
    (source / "more").mkdir(parents=True)
    for name, sentence in zip(("a.wav", "b.WAV", "more/a.wav"), SENTENCES, strict=False):
        (source / name).write_bytes(say(sentence))
    (source / "notes.md").write_text("not audio")
    return source


def test_each_file_gets_its_text_once(
    service: ServiceProcess, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [str(folder), "--service", service.url, "--to", str(tmp_path / "texts")]
    assert transcribed([*command, "--dry-run"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert transcribed(command) == 0
    for name, sentence in zip(("a.wav", "b.WAV", "more/a.wav"), SENTENCES, strict=False):
        assert word_error_rate(sentence, (tmp_path / "texts" / f"{name}.txt").read_text()) < 0.35
    assert transcribed(command) == 0
    assert "3 of 3 files have a text already" in capsys.readouterr().err


def test_lines_of_json_go_on_after_a_crash(service: ServiceProcess, folder: Path) -> None:
    command = [str(folder), "--service", f"{service.url}/v1", "--format", "jsonl", "--concurrency", "1"]
    lines = folder / "transcripts.jsonl"
    lines.write_text(json.dumps({"file": "a.wav", "text": "kept"}) + '\n{"file": "b.WAV", "te')
    assert transcribed(command) == 0
    written = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [line["file"] for line in written] == ["a.wav", "b.WAV", "more/a.wav"]
    assert written[0]["text"] == "kept"
    assert written[1]["segments"][0]["text"]


def test_subtitles_and_a_file_that_is_damaged(
    service: ServiceProcess, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.mp3").write_bytes(b"this is no sound")
    command = [str(folder), "--service", service.url, "--format", "srt"]
    assert transcribed(command) == 1
    assert "broken.mp3" in capsys.readouterr().err.splitlines()[-1]
    assert "-->" in (folder / "more/a.wav.srt").read_text()
    assert transcribed(command) == 1  # it alone is tried again
    assert "3 of 4 files have a text already" in capsys.readouterr().err


def test_a_busy_service_is_asked_again_when_it_says_so_and_never_by_more_than_were_allowed(folder: Path) -> None:
    with scripted_house() as house:
        house.start()
        house.engine.allow_everything()
        house.platform.refuse(429, path="/v1/audio", times=2, retry_after=1)
        assert transcribed([str(folder), "--service", _service(house), "--model", "parrot", "--concurrency", "2"]) == 0
        assert house.platform.asked.count("POST /v1/audio/transcriptions") == 5
        assert max(house.engine.running) <= 2


def test_names_that_are_no_utf8_or_too_long_for_a_text_are_not_in_the_way_of_others(tmp_path: Path) -> None:
    for name in (b"a \xff\n.wav", b"l" * 250 + b".wav"):
        (tmp_path / os.fsdecode(name)).write_bytes(say(SENTENCES[0]))
    with scripted_house() as house:
        house.start()
        house.engine.allow_everything()
        command = [str(tmp_path), "--service", _service(house), "--model", "parrot"]
        assert transcribed(command) == 1
        assert (tmp_path / os.fsdecode(b"a \xff\n.wav.txt")).exists()
        assert transcribed([*command, "--format", "jsonl"]) == 0
        assert transcribed([*command, "--format", "jsonl"]) == 0
    lines = (tmp_path / "transcripts.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["file"][0] for line in lines) == ["a", "l"]


def test_a_disk_that_is_full_ends_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / ".a.wav.txt.unfinished").symlink_to("/dev/full")
    with scripted_house() as house:
        house.start()
        house.engine.allow_everything()
        command = [str(folder), "--service", _service(house), "--model", "parrot", "--concurrency", "1"]
        assert transcribed(command) == 2
        assert house.platform.asked.count("POST /v1/audio/transcriptions") == 1
    assert "No space left on device" in capsys.readouterr().err.splitlines()[-1]


def test_a_dry_run_leaves_half_a_line_and_a_strange_line_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = folder / "transcripts.jsonl"
    lines.write_text('{"file": "a.w')
    assert transcribed([str(folder), "--format", "jsonl", "--dry-run"]) == 0
    assert lines.read_text() == '{"file": "a.w'
    lines.write_text("[1]\n")
    assert transcribed([str(folder), "--format", "jsonl"]) == 2
    assert "transcripts.jsonl has lines that are not of this program" in capsys.readouterr().err


def test_two_do_not_write_into_one_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = os.open(folder, os.O_RDONLY)
    fcntl.flock(first, fcntl.LOCK_EX)
    assert transcribed([str(folder)]) == 2
    os.close(first)
    assert "Let it end first" in capsys.readouterr().err


def test_who_has_no_key_is_told_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "0123456789abcdef0123456789abcdef"
    command = [str(folder), "--model", "parrot"]
    with scripted_house(auth="api-key", api_keys=(key,)) as house:
        house.start()
        house.engine.allow_everything()
        assert transcribed([*command, "--service", _service(house)]) == 2
        monkeypatch.setenv("KIKITORI_API_KEY", f"{key}\r\n")  # from a file of Windows
        assert transcribed([*command, "--service", _service(house)]) == 0
    assert "access key is not valid" in capsys.readouterr().err


def test_what_is_stopped_keeps_what_it_has(folder: Path) -> None:
    with scripted_house() as house:
        house.start()
        house.engine.load_gate.set()
        house.engine.step_gate.release(5)  # the words of one answer
        command = [sys.executable, "-m", "scripts.transcribe", str(folder), "--concurrency", "1"]
        running = subprocess.Popen(
            [*command, "--service", _service(house), "--model", "parrot"], cwd=Path(__file__).parent.parent
        )
        until(lambda: (folder / "a.wav.txt").exists())
        os.kill(running.pid, signal.SIGINT)
        assert running.wait(20) == 130
        house.engine.allow_everything()
    assert [file.name for file in folder.rglob("*.txt")] == ["a.wav.txt"]


def test_nobody_is_there(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(program, "TRIES", 0)
    assert transcribed([str(folder), "--service", f"http://127.0.0.1:{free_port()}"]) == 2
    assert "The service is not at http://127.0.0.1:" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("form", "kind", "content"),
    [
        ("txt", "text/html", "<p>Log in"),
        ("srt", "text/html", "<p>Log in"),
        ("srt", "text/plain", "Log in"),
        ("jsonl", "text/html", "<p>Log in"),
        ("jsonl", "application/json", '{"text": "cut'),
        ("jsonl", "application/json", "null"),
        ("jsonl", "application/json", "[]"),
        ("jsonl", "application/json", '{"x": 1}'),
    ],
)
def test_what_is_no_transcript_is_kept_for_none(
    form: str, kind: str, content: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = tmp_path / "texts"
    with _replying(lambda _: Response(content, media_type=kind)) as elsewhere:
        assert transcribed([str(folder), "--service", elsewhere, "--format", form, "--to", str(texts)]) == 2
    assert not list(texts.iterdir())
    assert f"The answer is no transcript: {kind}" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("failing", [lambda: Response("<p>", media_type="text/html"), lambda: _cut_off()])
def test_one_file_without_an_answer_is_not_in_the_way_of_others(
    failing: Callable[[], Response], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "TRIES", 0)
    (folder / "0.wav").write_bytes(b"fatal")
    with _replying(lambda sound: failing() if b"fatal" in sound else PlainTextResponse("said")) as service:
        assert transcribed([str(folder), "--service", service]) == 1
    assert sorted(text.name for text in folder.rglob("*.txt")) == ["a.wav.txt", "a.wav.txt", "b.WAV.txt"]


def test_a_service_that_is_gone_is_not_asked_for_every_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "TRIES", 0)
    for number in range(9):
        (tmp_path / f"{number}.wav").write_bytes(bytes(100))
    asked = []

    def reply(sound: bytes) -> Response:
        asked.append(sound)
        return PlainTextResponse("said") if len(asked) in (1, 4) else _cut_off()

    with _replying(reply) as service:
        assert transcribed([str(tmp_path), "--service", service, "--concurrency", "1"]) == 2
    assert len(asked) == 7  # after two without an answer, one had its own
    assert len(list(tmp_path.glob("*.txt"))) == 2
    assert "Files in a row without an answer of it: 3." in capsys.readouterr().err.splitlines()[-1]


def test_a_last_line_without_an_end_is_whole(folder: Path) -> None:
    lines = folder / "transcripts.jsonl"
    whole = "\n".join(json.dumps({"file": name, "text": "kept"}) for name in ("a.wav", "b.WAV", "more/a.wav"))
    lines.write_text(whole)
    assert transcribed([str(folder), "--format", "jsonl"]) == 0
    assert lines.read_text() == f"{whole}\n"


@pytest.mark.parametrize("content", ['{"x": 1}', "Dear diary", '{"file": "a.wav", "text": ""}\nDear diary'])
def test_what_is_of_others_is_left_alone(content: str, folder: Path) -> None:
    lines = folder / "transcripts.jsonl"
    lines.write_text(content)
    assert transcribed([str(folder), "--format", "jsonl"]) == 2
    assert lines.read_text() == content


def test_two_folders_do_not_share_their_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    days = tmp_path / "days"
    for day in ("monday", "tuesday"):
        (days / day).mkdir(parents=True)
        (days / day / "a.wav").write_bytes(day.encode())
    command = ["--to", str(days / "texts"), "--service"]
    with _replying(lambda _: PlainTextResponse("said")) as service:
        assert transcribed([str(days / "monday"), *command, service]) == 0
        assert transcribed([str(days / "tuesday"), *command, service]) == 2
    assert f"{days}/texts has the texts of {days}/monday; give another --to" in capsys.readouterr().err
    days.rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path / "moved")
    assert transcribed(["monday", "--to", "texts"]) == 0
    assert "1 of 1 files have a text already" in capsys.readouterr().err


def test_what_cannot_be_looked_into_is_said(folder: Path, tmp_path: Path) -> None:
    (folder / "same").symlink_to(folder / "more")
    (folder / "elsewhere").symlink_to(tmp_path)
    (folder / "endless.wav").symlink_to("endless.wav")
    for name, mode in (("unreadable", 0o300), ("unsearchable", 0o400)):
        (folder / name / "deep").mkdir(parents=True)
        (folder / name / "c.wav").touch()
        (folder / name).chmod(mode)
    command = [sys.executable, "-m", "scripts.transcribe", str(folder), "--dry-run"]
    if os.geteuid() == 0:  # whom no mode stops, unless so
        lost = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--bounding-set={lost}", f"--inh-caps={lost}", *command]
    done = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert len(done.stdout.splitlines()) == 3
    why = dict(line.removeprefix(f"no text: {folder}/").split(": ", 1) for line in done.stderr.splitlines()[1:])
    assert set(why) == {"elsewhere", "endless.wav", "unreadable", "unsearchable/deep", "unsearchable/c.wav"}
    assert why["unreadable"] == why["unsearchable/c.wav"] == "not looked into: Permission denied"


@pytest.mark.parametrize("address", ["http://127.0.0.1:80a", "http://127.0.0.1:99999", "localhost:8000", "http://a..b"])
def test_what_is_no_address_is_refused(address: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        transcribed([str(folder), "--service", address])
    assert refused.value.code == 2
    assert f"{address} is no address such as" in capsys.readouterr().err


def test_what_is_no_key_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIKITORI_API_KEY", "鍵")
    assert transcribed([str(folder)]) == 2
    assert "KIKITORI_API_KEY is no access key" in capsys.readouterr().err


def test_a_folder_with_a_space_goes_through_make_and_a_dry_run_sends_nothing(tmp_path: Path) -> None:
    recording = tmp_path / "my talks" / "a.wav"
    recording.parent.mkdir()
    recording.touch()
    command = [
        "make",
        "--silent",
        "transcribe",
        f"FOLDER={recording.parent}",
        f"TO={tmp_path / 'my texts'}",
        "DRY_RUN=1",
    ]
    done = subprocess.run(command, cwd=Path(__file__).parent.parent, check=True, capture_output=True, text=True)
    assert done.stdout == f"{recording}\n"


def transcribed(command: list[str]) -> int:
    """The program's exit status. It has a thread: Playwright's tests leave an event loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(program.main, command).result()


def _service(house: ScriptedHouse) -> str:
    return f"http://127.0.0.1:{house.port}"


def _replying(reply: Callable[[bytes], Response]) -> AbstractContextManager[str]:
    """Serve what `reply` makes of each recording sent, in place of the service; gives the address."""

    async def answer(request: Request) -> Response:
        return reply(await request.body())

    return serving(Starlette(routes=[Route("/v1/audio/transcriptions", answer, methods=["POST"])]))


def _cut_off() -> Response:
    async def nothing() -> AsyncIterator[bytes]:
        raise ConnectionCutError
        yield b""

    return StreamingResponse(nothing())
