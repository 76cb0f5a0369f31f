"""Tries a deployment from outside, as a person's browser uses it: wakes it, lets it transcribe, and looks at the page.

The access key is read from KIKITORI_API_KEY. The exit status is 0 when everything works, 1 when something does not (the
last line says what), 2 when the command is wrong.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx

_SPEECH = Path(__file__).parent / "spoken-digits.flac"
_SPOKEN = ("one", "two", "three", "four", "five", "six", "seven")
_MOST_MISSING = 3
"""Of the spoken words; every engine here hears them all, but a smoke test is no test of the ear."""
_PATIENCE_S = 900.0
_TIMEOUT = httpx.Timeout(60, read=330)
"""Reading takes as long as the service may take for an answer."""


class SmokeError(Exception):
    """Something does not work; the message says what, and what to look at."""


def try_service(
    url: str,
    *,
    key: str | None = None,
    page: str | None = None,
    patience_s: float = _PATIENCE_S,
    say: Callable[[str], None] = print,
) -> None:
    """Wake a service and let it transcribe.

    Args:
        url: its address.
        key: access key, or another bearer token.
        page: origin of a page that must be able to call it; None skips that.
        patience_s: for the cold start.
        say: takes a line for each thing that works.

    Raises:
        SmokeError: it does not work.
    """
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT) as client:
        with _step("the process is up", say):
            _expect(client.get("/health/live"), 200)
        with _step("the model is loaded", say):
            _wake(client, patience_s)
        with _step("it says what it is", say):
            model = _expect(client.get("/v1/models"), 200).json()["data"][0]["id"]
        with _step(f"{model} transcribes", say):
            _expect_digits(client, model)
        if key:
            with _step("it refuses who has no key", say):
                _expect(httpx.get(f"{url}/v1/models", timeout=_TIMEOUT), 401, 403)
        if page:
            with _step(f"a browser may call it from {page}", say):
                _expect_cors(client, page)


def try_page(url: str, *, service: str, say: Callable[[str], None] = print) -> None:
    """Look at a page: its files, its headers, and the service that it calls.

    Args:
        url: its address.
        service: address that it must call.
        say: takes a line for each thing that works.

    Raises:
        SmokeError: it does not work.
    """
    with httpx.Client(base_url=url, timeout=_TIMEOUT, follow_redirects=True) as client:
        with _step("the page is served", say):
            index = _expect(client.get("/"), 200)
            files = re.findall(r'(?:src|href)="(/assets/[^"]+)"', index.text)
            if not files:
                raise SmokeError("it refers to no file of ours; is this the built page?")
            for file in files:
                _expect(client.get(file), 200)
        with _step(f"it calls {service}", say):
            config = _expect(client.get("/config.json"), 200).json()
            if config["service"] != service:
                raise SmokeError(f"its config.json names {config['service']}")
        with _step("its headers let it call that, and record", say):
            rules = index.headers.get("content-security-policy", "")
            if not re.search(rf"connect-src [^;]*{re.escape(service)}", rules):
                raise SmokeError(f"its Content-Security-Policy does not allow {service}: {rules or 'there is none'}")
            if "microphone=(self)" not in index.headers.get("permissions-policy", ""):
                raise SmokeError("its Permissions-Policy does not allow the microphone")


@contextmanager
def _step(what: str, say: Callable[[str], None]) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    except httpx.HTTPError as error:
        raise SmokeError(f"{what}: no. {type(error).__name__}: {error}") from error
    except SmokeError as error:
        raise SmokeError(f"{what}: no. {error}") from error
    say(f"{what} ({time.monotonic() - began:.1f} s)")


def _expect(response: httpx.Response, *status: int) -> httpx.Response:
    if response.status_code in status:
        return response
    asked, wanted = f"{response.request.method} {response.url}", " or ".join(map(str, status))
    hint = " Is KIKITORI_API_KEY a key of this service?" if response.status_code in (401, 403) else ""
    raise SmokeError(f"{asked} answered {response.status_code}, not {wanted}: {response.text[:500]}{hint}")


def _wake(client: httpx.Client, patience_s: float) -> None:
    """Follow the cold start to its end; the events of one start end with it, or with the service's deadline."""
    deadline = time.monotonic() + patience_s
    while (answer := _expect(client.post("/v1/warmup"), 200, 202)).status_code == 202:
        if time.monotonic() > deadline:
            raise SmokeError(f"not within {patience_s:.0f} s; it is at: {answer.json()['phase']}")
        with client.stream("GET", "/v1/warmup/events") as events:
            for _ in events.iter_lines():
                if time.monotonic() > deadline:
                    break


def _expect_digits(client: httpx.Client, model: str) -> None:
    answer = client.post(
        "/v1/audio/transcriptions",
        data={"model": model, "language": "en"},
        files={"file": (_SPEECH.name, _SPEECH.read_bytes(), "audio/flac")},
    )
    text: str = _expect(answer, 200).json()["text"]
    words = [_SPOKEN[int(word) - 1] if word in "1234567" else word for word in re.findall(r"[a-z]+|\d", text.lower())]
    missing = [word for word in _SPOKEN if word not in words]
    if len(missing) > _MOST_MISSING:
        raise SmokeError(f"somebody counts from one to seven, and it heard: {text!r}")


def _expect_cors(client: httpx.Client, page: str) -> None:
    asking = {
        "Origin": page,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = client.options("/v1/audio/transcriptions", headers=asking)
    if (allowed := answer.headers.get("access-control-allow-origin")) not in (page, "*"):
        raise SmokeError(f"it allows {allowed or 'no page'}: set KIKITORI_CORS_ORIGINS (access.origins) to that origin")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.smoke", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    service = kinds.add_parser("service", help="wake a service and let it transcribe; starts its GPU")
    service.add_argument("url")
    service.add_argument("--page", metavar="ORIGIN", help="page that must be able to call it")
    service.add_argument("--patience", type=float, default=_PATIENCE_S, metavar="S", help="seconds for the cold start")
    page = kinds.add_parser("page", help="look at a page; starts no GPU")
    page.add_argument("url")
    page.add_argument("--service", required=True, metavar="URL", help="service that it must call")
    options = parser.parse_args(arguments)
    try:
        if options.kind == "service":
            key = os.environ.get("KIKITORI_API_KEY", "").strip()
            try_service(options.url, key=key, page=options.page, patience_s=options.patience)
        else:
            try_page(options.url, service=options.service)
    except SmokeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
