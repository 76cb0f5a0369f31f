"""What Terraform writes is what the service and the page read."""

from __future__ import annotations

import io
import json
import logging
import re
from typing import Any

import pytest
from kikitori.api.middleware import RequestLog
from kikitori.logs import configure_logging
from kikitori.settings import Settings, load_settings, variable
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from scripts.hosting import hosting
from tests.terraform import hcl
from tests.terraform.runs import TERRAFORM, Configuration

_LOCALS = (TERRAFORM / "modules/gpu-service/environment.tf").read_text(encoding="utf-8")


def _outputs(configuration: Configuration, run: str) -> dict[str, Any]:
    return {
        name: output["value"] for name, output in configuration.tested("app").of("test_state")[run]["outputs"].items()
    }


@pytest.mark.parametrize("run", ["page_with_keys", "page_with_sign_in", "price_of_ones_own_gives_costs_and_an_alert"])
def test_service_takes_its_environment(configuration: Configuration, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = _outputs(configuration, run)["environment"]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if environment["KIKITORI_AUTH"] == "api-key":
        monkeypatch.setenv("KIKITORI_API_KEYS", "a key of many characters")
    settings = load_settings()
    assert settings.engine == "qwen2-audio"
    assert settings.concurrency + (settings.queue_size or 0) == 32
    assert settings.log_format == "json"


def test_every_setting_is_somebodys() -> None:
    """A new setting must be given by the module, allowed to be given, or named here as not for Cloud Run."""
    mentioned = set(re.findall(r"\b(?:KIKITORI_\w+|HF_TOKEN)\b", _LOCALS))
    known = {variable(name) for name in Settings.model_fields}
    assert mentioned - known == set()
    # Cloud Run sets the port; code of a model's repository would be run with the rights of the service.
    assert known - mentioned == {"PORT", "KIKITORI_TRUST_REMOTE_CODE"}


@pytest.mark.parametrize(
    ("run", "source"), [("page_with_keys", "'self'"), ("page_with_sign_in", "https://apis.google.com")]
)
def test_page_gets_its_headers(configuration: Configuration, run: str, source: str) -> None:
    config = _outputs(configuration, run)["page_config"]
    policy = hosting(config)["Content-Security-Policy"]
    assert config["service"] in policy
    assert source in policy


def test_metrics_count_lines_that_the_service_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = io.StringIO()
    monkeypatch.setattr("sys.stderr", lines)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        configure_logging("json")
        client = TestClient(RequestLog(Starlette(routes=[Route("/v1/models", _fails)])))
        assert client.get("/v1/models").status_code == 503
        logging.getLogger("kikitori.engines.scheduler").critical("no weights")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    written = [json.loads(line) for line in lines.getvalue().splitlines()]
    request, load = (line for line in written if line["logger"].startswith("kikitori"))
    metrics = hcl.read(TERRAFORM / "modules/alerts/metrics.tf")["locals"][0]["metrics"]
    filters = {name: metric["filter"].replace('\\"', '"') for name, metric in metrics.items()}
    assert filters["requests"] == f'jsonPayload.logger="{request["logger"]}"'
    assert filters["errors"] == f'jsonPayload.logger="{request["logger"]}" AND jsonPayload.status>=500'
    assert request["status"] == 503
    assert f'(jsonPayload.logger="{load["logger"]}" AND severity={load["severity"]})' in filters["failed_loads"]


async def _fails(_: Request) -> Response:
    return Response(status_code=503)


def test_probes_ask_routes_that_exist() -> None:
    from kikitori.api.health import router

    asked = set(
        re.findall(r'path = "(/.*?)"', (TERRAFORM / "modules/gpu-service/service.tf").read_text(encoding="utf-8"))
    )
    assert asked == {"/health/live"}
    assert asked <= {getattr(route, "path", "") for route in router.routes}


def test_prices_have_a_source_and_a_date() -> None:
    prices = json.loads((TERRAFORM / "modules/gpu-service/regions.json").read_text(encoding="utf-8"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", prices["date"])
    assert all(source.startswith("https://cloud.google.com/run/") for source in prices["source"].values())
    for region in prices["regions"].values():
        assert {"gpus", "cpu_usd_per_s", "gib_usd_per_s"} == set(region)
        for gpu in region["gpus"].values():
            assert {"by_invitation", "usd_per_s", "usd_per_s_zonal_redundancy"} == set(gpu)
