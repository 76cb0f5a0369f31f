"""Every way to an object, and every piece of an upload, passes where the documented requests do."""

from __future__ import annotations

from typing import Any

import httpx2 as httpx
import pytest

from .call import Project
from .conftest import Served
from .store import Store


def _asked(cloud: Served, verb: str, path: str, token: str = "fake", **options: Any) -> httpx.Response:  # noqa: S107
    return httpx.request(verb, f"{cloud.url}/{path}", headers={"Authorization": f"Bearer {token}"}, **options)


def _bucket(cloud: Served, name: str) -> str:
    storage = cloud.client("storage", "v1")
    storage.buckets().insert(project=Project.id, body={"name": name, "location": "us"}).execute()
    return name


@pytest.mark.parametrize("way", ["storage/v1/b/{}/o/a%2Fb?alt=media&", "download/storage/v1/b/{}/o/a%2Fb?", "{}/a/b?"])
def test_ways_to_an_object(cloud: Served, way: str) -> None:
    bucket = _bucket(cloud, f"ways-{len(way)}")
    made = _asked(cloud, "POST", f"upload/storage/v1/b/{bucket}/o?uploadType=media&name=a%2Fb", content=b"content")

    def got(query: str, token: str = "fake") -> int:  # noqa: S107
        return _asked(cloud, "GET", way.format(bucket) + query, token).status_code

    assert _asked(cloud, "GET", way.format(bucket)).content == b"content"
    assert (got(f"ifGenerationMatch={made.json()['generation']}"), got("ifGenerationMatch=1")) == (200, 412)
    assert (got("", "local.nobody's"), got("userProject=other"), got("colour=red")) == (401, 501, 400)
    store = Store(cloud.folder / "state.sqlite3")
    before = store.calls()[-1][0]
    cloud.fault("storage.objects.get", status=503)
    assert (got(""), got("")) == (503, 200)
    name = f"b/{bucket}/o/a/b"
    assert [call[1:] for call in store.calls(before)] == [
        ("storage.objects.get", name, 503),
        ("storage.objects.get", name, 200),
    ]
    store.close()


def test_pieces_of_an_upload(cloud: Served) -> None:
    def started(bucket: str) -> httpx.Response:
        return _asked(cloud, "POST", f"upload/storage/v1/b/{bucket}/o?uploadType=resumable&name=model")

    assert started("never-made").status_code == 404
    location = started(_bucket(cloud, "pieces")).headers["location"].removeprefix(f"{cloud.url}/")
    cloud.fault("storage.objects.insert", status=503)
    answers = [_asked(cloud, "PUT", location, token, content=b"model") for token in ("fake", "local.nobody's", "fake")]
    assert [answer.status_code for answer in answers] == [503, 401, 200]
