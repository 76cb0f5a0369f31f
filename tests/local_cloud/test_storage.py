"""Buckets and objects by Google's client."""

from __future__ import annotations

import io
from typing import Any

import httpx2 as httpx
import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseDownload, MediaIoBaseUpload

from .call import Project
from .conftest import Served


@pytest.fixture
def storage(cloud: Served) -> Any:
    return cloud.client("storage", "v1")


def _bucket(storage: Any, name: str, **body: Any) -> str:
    storage.buckets().insert(project=Project.id, body={"name": name, "location": "asia-southeast1", **body}).execute()
    return name


def _put(storage: Any, bucket: str, name: str, content: bytes, **options: Any) -> Any:
    resumable = options.pop("resumable", False)
    media = MediaIoBaseUpload(io.BytesIO(content), "text/plain", chunksize=256 * 1024, resumable=resumable)
    return storage.objects().insert(bucket=bucket, body={"name": name}, media_body=media, **options).execute()


@pytest.mark.parametrize("resumable", [False, True], ids=["multipart", "resumable"])
def test_contents(cloud: Served, storage: Any, resumable: bool) -> None:
    bucket = _bucket(storage, f"contents-{resumable}".lower())
    content = b"weights\r\n" * 70_000
    made = _put(storage, bucket, "folder/model one", content, resumable=resumable)
    assert (made["size"], made["contentType"]) == (str(len(content)), "text/plain")
    read = io.BytesIO()
    request = storage.objects().get_media(bucket=bucket, object="folder/model one")
    download = MediaIoBaseDownload(read, request, chunksize=256 * 1024)
    while not download.next_chunk()[1]:
        pass
    assert read.getvalue() == content
    by_xml = httpx.get(
        f"{cloud.url}/{bucket}/folder/model%20one", headers={"Authorization": "Bearer x", "Range": "bytes=3-8"}
    )
    assert (by_xml.status_code, by_xml.content) == (206, content[3:9])
    listed = storage.objects().list(bucket=bucket, delimiter="/").execute()
    assert (listed["prefixes"], "items" in listed) == (["folder/"], False)


def test_generations_and_preconditions(storage: Any) -> None:
    bucket = _bucket(storage, "generations", versioning={"enabled": True})
    first = _put(storage, bucket, "state", b"1", ifGenerationMatch=0)
    with pytest.raises(HttpError) as locked:
        _put(storage, bucket, "state", b"2", ifGenerationMatch=0)
    assert locked.value.status_code == 412
    second = _put(storage, bucket, "state", b"2", ifGenerationMatch=first["generation"])
    storage.objects().delete(bucket=bucket, object="state").execute()
    with pytest.raises(HttpError, match="404"):
        storage.objects().get(bucket=bucket, object="state").execute()
    old = storage.objects().get_media(bucket=bucket, object="state", generation=first["generation"]).execute()
    assert old == b"1"
    with pytest.raises(HttpError, match="not empty") as kept:
        storage.buckets().delete(bucket=bucket).execute()
    assert kept.value.status_code == 409
    versions = storage.objects().list(bucket=bucket, versions=True).execute()["items"]
    assert [each["generation"] for each in versions] == [first["generation"], second["generation"]]
    for each in versions:
        storage.objects().delete(bucket=bucket, object="state", generation=each["generation"]).execute()
    storage.buckets().delete(bucket=bucket).execute()


def test_bucket_is_merged(storage: Any) -> None:
    bucket = _bucket(storage, "merged", labels={"a": "1", "b": "2"})
    patched = storage.buckets().patch(bucket=bucket, body={"labels": {"a": None, "c": "3"}}).execute()
    assert (patched["labels"], patched["metageneration"]) == ({"b": "2", "c": "3"}, "2")
    with pytest.raises(HttpError, match="412"):
        storage.buckets().patch(bucket=bucket, ifMetagenerationMatch=1, body={}).execute()


def test_refused(storage: Any) -> None:
    bucket = _bucket(storage, "private", iamConfiguration={"publicAccessPrevention": "enforced"})
    policy = storage.buckets().getIamPolicy(bucket=bucket).execute()
    policy["bindings"].append({"role": "roles/storage.objectViewer", "members": ["allUsers"]})
    with pytest.raises(HttpError, match="public access prevention is enforced"):
        storage.buckets().setIamPolicy(bucket=bucket, body=policy).execute()
    for name, location, words in [
        ("google-bucket", "asia-southeast1", "Invalid bucket name"),
        ("elsewhere", "atlantis1", "location constraint is not valid"),
        ("private", "asia-southeast1", "you already own it"),
    ]:
        with pytest.raises(HttpError, match=words):
            _bucket(storage, name, location=location)
