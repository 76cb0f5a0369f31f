"""What is in the image, and what is not."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import tarfile

import pytest
from packaging.requirements import Requirement
from testinfra.host import Host

from scripts.image import SERVICE
from tests.container.images import CANARY, Image
from tests.container.registry import Registry

_BYTECODE = """
import importlib.util, json, pathlib, site, sys
folders = [pathlib.Path("/app"), *(pathlib.Path(one) for one in site.getsitepackages() if "/usr/local/" in one)]
stale = []
sources = [one for folder in folders for one in folder.rglob("*.py")]
for source in sources:
    try:
        code = source.read_bytes()
        compile(code, source, "exec")
    except SyntaxError:
        continue
    compiled = pathlib.Path(importlib.util.cache_from_source(source))
    head = compiled.read_bytes()[:16] if compiled.is_file() else b""
    if head != importlib.util.MAGIC_NUMBER + b"\\1\\0\\0\\0" + importlib.util.source_hash(code):
        stale.append(str(source))
json.dump([len(sources), stale], sys.stdout)
"""
_INSTALLED = """
import importlib.metadata, json, sys
json.dump({one.metadata["Name"]: one.version for one in importlib.metadata.distributions()}, sys.stdout)
"""
_MARKERS = """
import json, sys
from packaging.markers import default_environment
json.dump(default_environment(), sys.stdout)
"""


def python(inside: Host, code: str) -> str:
    """What the image's Python prints."""
    printed: str = inside.check_output("PYTHONDONTWRITEBYTECODE=1 python3 -W ignore -c %s", code)
    return printed


def plain(name: str) -> str:
    """A package's name as all spellings of it are equal."""
    return name.lower().replace("_", "-").replace(".", "-")


@pytest.fixture(scope="module")
def installed(inside: Host) -> dict[str, str]:
    """Versions of the Python packages in the image, without what a Python base brings along."""
    listed = {plain(name): version for name, version in json.loads(python(inside, _INSTALLED)).items()}
    listed.pop("pip", None)
    return listed


def test_it_says_how_to_run_it(image: Image) -> None:
    config = image.config
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["python3", "-m", "kikitori"]
    assert "Cmd" not in config
    assert list(config["ExposedPorts"]) == ["8080/tcp"]
    environment = dict(one.split("=", 1) for one in config["Env"])
    assert {
        name: environment[name] for name in ("PORT", "KIKITORI_HOST", "KIKITORI_ENGINE", "KIKITORI_LOG_FORMAT")
    } == {
        "PORT": "8080",
        "KIKITORI_HOST": "0.0.0.0",  # noqa: S104
        "KIKITORI_ENGINE": "whisper",
        "KIKITORI_LOG_FORMAT": "json",
    }


def test_it_says_where_it_comes_from(image: Image) -> None:
    labels = image.config["Labels"]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=SERVICE, capture_output=True, text=True, check=True)
    assert labels["org.opencontainers.image.revision"].removesuffix("-dirty") == commit.stdout.strip()
    assert labels["org.opencontainers.image.title"] == "kikitori"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_its_packages_are_the_locks(inside: Host, installed: dict[str, str]) -> None:
    markers = json.loads(python(inside, _MARKERS))
    wanted = {}
    for line in (SERVICE / "requirements/whisper.txt").read_text().splitlines():
        if not line.startswith((" ", "#")):
            requirement = Requirement(line.removesuffix("\\"))
            if requirement.marker is None or requirement.marker.evaluate(markers):
                [pin] = requirement.specifier
                wanted[plain(requirement.name)] = pin.version
    assert len(wanted) > 40
    assert installed == wanted
    assert "torch" not in installed


def test_its_bill_of_materials_names_every_package(inside: Host, installed: dict[str, str]) -> None:
    bill = json.loads(inside.file("/app/sbom.cdx.json").content_string)
    assert bill["bomFormat"] == "CycloneDX"
    named = {plain(one["name"]): one["version"] for one in bill["components"]}
    named.pop("pip", None)
    assert named == installed
    assert all(one["purl"].startswith("pkg:pypi/") for one in bill["components"])


def test_its_user_can_log_in_nowhere_and_owns_nothing(inside: Host) -> None:
    user = inside.user("kikitori")
    assert (user.uid, user.gid, user.shell) == (10001, 10001, "/usr/sbin/nologin")
    assert inside.check_output("find / -xdev \\( -user 10001 -o -group 10001 \\)") == ""


def test_only_folders_for_what_passes_can_be_written_to(inside: Host) -> None:
    writable = set(inside.check_output("find / -xdev -path /dev -prune -o -perm -o+w -not -type l -print").splitlines())
    assert writable <= {"/tmp", "/var/tmp", "/run/lock", "/var/lock"}  # noqa: S108
    code = inside.file("/app/kikitori/app.py")
    assert (code.user, code.group, code.mode) == ("root", "root", 0o644)


def test_everything_is_compiled_for_good(inside: Host) -> None:
    count, stale = json.loads(python(inside, _BYTECODE))
    assert count > 1500
    assert stale == []


@pytest.mark.parametrize("name", ["cc", "gcc", "g++", "clang", "ld", "make", "uv", "cyclonedx-py", "git", "curl"])
def test_it_holds_no_tool_that_only_a_builder_needs(inside: Host, name: str) -> None:
    assert not inside.exists(name)


def test_no_layer_holds_what_was_only_needed_meanwhile(image: Image, image_registry: Registry) -> None:
    """Layers, not the file system that they add up to: what a later layer deletes can still be read in an earlier."""
    assert CANARY not in json.dumps(image.oci)
    held = []
    for layer in image_registry.layers(image.digest):
        unzipped = gzip.decompress(layer.read_bytes())
        assert CANARY.encode() not in unzipped
        with tarfile.open(fileobj=io.BytesIO(unzipped)) as files:
            held += [file.name for file in files if file.size]
    assert "app/kikitori/app.py" in held
    passing = ("cache/", "root/.cache/", "tools/", "tmp/", "var/tmp/", "var/lib/apt/lists/", "var/cache/apt/")
    assert [name for name in held if name.startswith(passing)] == []
    assert {name.split("/")[1] for name in held if name.startswith("app/")} == {
        "kikitori",
        "requirements",
        "sbom.cdx.json",
    }
