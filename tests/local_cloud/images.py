"""The images that `docker-registry` keeps, in its folders (https://distribution.github.io/distribution/spec/api/).

Their layout is that of its `filesystem` storage: `docker/registry/v2/repositories/NAME/_manifests`.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"(?P<name>.+?)(?::(?P<tag>[\w.-]+))?(?:@sha256:(?P<digest>[0-9a-f]{64}))?")


@dataclass(frozen=True)
class Images:
    """Those below a folder, the registry's `rootdirectory`."""

    folder: Path

    def has(self, image: str) -> bool:
        """Whether an image was pushed: `NAME[:TAG][@DIGEST]`, the digest counts where both are given."""
        found = _NAME.fullmatch(image)
        if not found:
            return False
        tag = f"tags/{found['tag'] or 'latest'}/current"
        link = f"revisions/sha256/{found['digest']}" if found["digest"] else tag
        return (self._of(found["name"]) / "_manifests" / link / "link").is_file()

    def forget(self, name: str) -> None:
        """Let go of all images whose names begin with this one."""
        shutil.rmtree(self._of(name), ignore_errors=True)

    def _of(self, name: str) -> Path:
        return self.folder / "docker/registry/v2/repositories" / name
