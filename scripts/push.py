"""Builds the service's image of this commit and pushes it to Artifact Registry; says its digest.

An image that was pushed of this commit before is not built again. The layer with the dependencies comes from the first
image that was pushed with the same ones. The last line is the image by digest; in GitHub Actions it becomes the step's
output `digest`, and the part behind the @ its output `sha256`. The exit status is 0 when the registry has the image, 1
when something failed, 2 when the command is wrong.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from google.auth.exceptions import GoogleAuthError

from scripts.google import access_token
from scripts.image import ENGINES, SERVICE, build, docker_answers, revision
from scripts.programs import ProgramError, run

_KINDS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_TIMEOUT_S = 60
_FAILURES = (
    ProgramError,
    subprocess.CalledProcessError,
    FileNotFoundError,
    requests.RequestException,
    GoogleAuthError,
)


@dataclass(frozen=True)
class Address:
    """Where an image is pushed to, such as asia-southeast1-docker.pkg.dev/PROJECT/REPOSITORY/NAME."""

    name: str
    token: str

    @property
    def host(self) -> str:
        """The registry."""
        return self.name.partition("/")[0]

    @property
    def here(self) -> bool:
        """Whether it is a registry of this machine, which has no certificate."""
        return self.host.rpartition(":")[0] in ("127.0.0.1", "localhost")

    def digest(self, tag: str) -> str | None:
        """What a tag means; None where there is none.

        Raises:
            requests.RequestException: the registry refuses.
        """
        path = self.name.partition("/")[2]
        answer = requests.head(
            f"{'http' if self.here else 'https'}://{self.host}/v2/{path}/manifests/{tag}",
            headers={"Accept": ", ".join(_KINDS)},
            auth=("oauth2accesstoken", self.token),
            timeout=_TIMEOUT_S,
        )
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        found: str = answer.headers["Docker-Content-Digest"]
        return found


def push(address: Address, engine: str, tag: str, base: str | None = None, source: str | None = None) -> str:
    """Build and push an image, unless its tag is there; gives its digest.

    Raises:
        subprocess.CalledProcessError, ProgramError, requests.RequestException: it could not be built or pushed.
    """
    if digest := address.digest(tag):
        print(f"{address.name}:{tag} was pushed before", file=sys.stderr)
        return digest
    image, packages = f"{address.name}:{tag}", f"{address.name}:{packages_tag(engine)}"
    with _signed_in(address):
        build(engine, image, base, source, cache=packages)
        _push(address, image)
        # Tags stay what they are: the first image with these dependencies keeps the name.
        if not address.digest(packages_tag(engine)):
            run(_program(), "tag", image, packages)
            _push(address, packages)
    pushed = address.digest(tag)
    if pushed is None:
        raise requests.RequestException(f"{address.host} does not have {image}, which was just pushed.")
    return pushed


def packages_tag(engine: str, context: Path = SERVICE) -> str:
    """A tag for all images whose layer with the dependencies is the same: it is made of what that layer is made of."""
    made_of = [context / "Dockerfile", *sorted((context / "requirements").glob("*"))]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in made_of)).hexdigest()
    return f"packages-{engine}-{digest[:16]}"


def _program() -> str:
    return "docker" if docker_answers() else "buildah"


def _push(address: Address, image: str) -> None:
    # Docker knows by itself that a registry of this machine has no certificate.
    options = ["--tls-verify=false"] if address.here and _program() == "buildah" else []
    run(_program(), "push", *options, image)


@contextmanager
def _signed_in(address: Address) -> Iterator[None]:
    """Let docker and buildah push; the token lies in a file that they alone are told of, for no longer than this."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        user = base64.b64encode(f"oauth2accesstoken:{address.token}".encode()).decode()
        file = Path(folder, "config.json")
        file.touch(0o600)
        file.write_text(json.dumps({"auths": {address.host: {"auth": user}}}), encoding="utf-8")
        os.environ |= {"DOCKER_CONFIG": folder, "REGISTRY_AUTH_FILE": str(file)}
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.push", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("address", help="of the image without tag: bootstrap's output image_address")
    parser.add_argument("--engine", choices=ENGINES, default="qwen2-audio", help="(default: %(default)s)")
    parser.add_argument("--tag", default=revision(), help="(default: the commit)")
    parser.add_argument("--base", help="image to build on (default: the Dockerfile's, pinned by digest)")
    parser.add_argument("--source", help="address of the repository, for the label")
    parser.add_argument("--dry-run", action="store_true", help="only say whether it would be built")
    options = parser.parse_args(arguments)
    if ":" in options.address.partition("/")[2]:
        parser.error("the address takes no tag and no digest")
    if not options.tag or options.tag.endswith("-dirty"):
        parser.error("files differ from the commit, and a tag must say what is in the image: commit, or give a --tag")
    try:
        address = Address(options.address, access_token())
        if options.dry_run:
            print(address.digest(options.tag) or f"{options.address}:{options.tag} would be built and pushed")
            return 0
        digest = push(address, options.engine, options.tag, options.base, options.source)
    except _FAILURES as error:
        print(f"The image was not pushed. {error}", file=sys.stderr)
        return 1
    if outputs := os.environ.get("GITHUB_OUTPUT"):
        with Path(outputs).open("a", encoding="utf-8") as file:
            file.write(f"digest={options.address}@{digest}\nsha256={digest}\n")
    print(f"{options.address}@{digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
