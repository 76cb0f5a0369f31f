"""Terraform for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.terraform.runs import Configuration, providers


@pytest.fixture(scope="session")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Configuration]:
    """A copy of the configuration that Terraform can run in."""
    with providers():
        yield Configuration(tmp_path_factory.mktemp("terraform"))
