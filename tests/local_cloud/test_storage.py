"""Buckets and objects by Google's client."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import google_crc32c
import httpx2 as httpx
import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseDownload, MediaIoBaseUpload
from hypothesis import given, settings
from hypothesis import strategies as st

from .call import Project
from .conftest import Served, served


@pytest.fixture
def storage(cloud: Served) -> Any:
    return cloud.client("storage", "v1")


def _bucket(storage: Any, name: str, **body: Any) -> str:
    made = {"name": name, "location": "asia-southeast1", **body}
    storage.buckets().insert(project=Project.id, body=made).execute()
    return name


def _put(storage: Any, bucket: str, name: str, content: bytes, **options: Any) -> Any:
    body = {"name": name, **{key: options.pop(key) for key in ("crc32c",) if key in options}}
    resumable = options.pop("resumable", False)
    media = MediaIoBaseUpload(io.BytesIO(content), "text/plain", chunksize=256 * 1024, resumable=resumable)
    return storage.objects().insert(bucket=bucket, body=body, media_body=media, **options).execute()


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


_PIECES = st.sampled_from([b"\r", b"\n", b"\r\n", b"--", b"--edge", b"\n--edge", b"\n--edge--\n", b"\r\n\r\n"])


@pytest.mark.parametrize("line", [b"\r\n", b"\n"])
def test_multipart_content_is_kept_to_the_byte(cloud: Served, storage: Any, line: bytes) -> None:
    """Whatever it ends in, and whatever in it looks like the end of it."""
    bucket = _bucket(storage, f"multipart-{len(line)}")
    address = f"{cloud.url}/upload/storage/v1/b/{bucket}/o?uploadType=multipart"
    headers = {"Authorization": "Bearer fake", "Content-Type": 'multipart/related; boundary="edge"'}

    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(_PIECES | st.binary(max_size=9)).map(b"".join).filter(lambda each: line + b"--edge" not in line + each)
    )
    def kept(content: bytes) -> None:
        parts = [b'Content-Type: application/json\n\n{"name": "content"}', b"Content-Type: a/b\n\n"]
        described, media = (part.replace(b"\n", line) for part in parts)
        body = line.join([b"--edge", described, b"--edge", media + content, b"--edge--", b""])
        made = client.post(address, content=body, headers=headers).raise_for_status().json()
        assert made["size"] == str(len(content))
        assert client.get(f"{cloud.url}/{bucket}/content", headers=headers).content == content

    with httpx.Client() as client:
        kept()


@pytest.mark.parametrize("body", [b"", b"--edge\r\n", b"--edge\n\n{}\n--edge\n\ncut off", b"--edge\n\n{}\n--edge--"])
def test_multipart_that_is_none(cloud: Served, storage: Any, body: bytes) -> None:
    address = f"{cloud.url}/upload/storage/v1/b/any/o?uploadType=multipart"
    headers = {"Authorization": "Bearer fake", "Content-Type": "multipart/related; boundary=edge"}
    answer = httpx.post(address, content=body, headers=headers)
    assert (answer.status_code, "two parts" in answer.json()["error"]["message"]) == (400, True)


def test_pages_are_in_the_order_of_names(storage: Any) -> None:
    bucket = _bucket(storage, "pages", versioning={"enabled": True})
    for name in ["b", "dir/2", "a", "dir/1", "c", "a", "dir.txt"]:
        _put(storage, bucket, name, b"")

    def listed(**options: Any) -> list[list[str]]:
        request, pages = storage.objects().list(bucket=bucket, **options), []
        while request is not None:
            answer = request.execute()
            pages.append([each["name"] for each in answer.get("items", [])] + answer.get("prefixes", []))
            request = storage.objects().list_next(request, answer)
        return pages

    assert listed(maxResults=4) == [["a", "b", "c", "dir.txt"], ["dir/1", "dir/2"]]
    assert listed(maxResults=2, delimiter="/") == [["a", "b"], ["c", "dir.txt"], ["dir/"]]
    assert listed(maxResults=1, versions=True, prefix="a") == [["a"], ["a"]]
    with pytest.raises(HttpError, match="less than 0"):
        listed(maxResults=-1)


def test_sums_are_checked(storage: Any) -> None:
    bucket = _bucket(storage, "sums")
    made = _put(storage, bucket, "right", b"weights", crc32c=_crc32c(b"weights"))
    assert made["crc32c"] == _crc32c(b"weights")
    with pytest.raises(HttpError, match="doesn't match the calculated"):
        _put(storage, bucket, "wrong", b"weights", crc32c=_crc32c(b"others"))


def _crc32c(content: bytes) -> str:
    return base64.b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode()


def test_links_lead_to_where_it_listens_now(tmp_path: Path) -> None:
    with served(tmp_path, everything_enabled=True, with_registry=False) as cloud:
        storage = cloud.client("storage", "v1")
        _put(storage, _bucket(storage, "linked"), "kept", b"kept")
    with served(tmp_path, with_registry=False) as again:
        found = again.client("storage", "v1").objects().get(bucket="linked", object="kept").execute()
        assert found["selfLink"].startswith(f"{again.url}/storage/")
        assert httpx.get(found["mediaLink"], headers={"Authorization": "Bearer fake"}).content == b"kept"


def test_generations_and_preconditions(storage: Any) -> None:
    bucket = _bucket(storage, "generations", versioning={"enabled": True})
    first = _put(storage, bucket, "state", b"1", ifGenerationMatch=0)
    with pytest.raises(HttpError) as locked:
        _put(storage, bucket, "state", b"2", ifGenerationMatch=0)
    assert locked.value.status_code == 412
    second = _put(storage, bucket, "state", b"2", ifGenerationMatch=first["generation"])
    known = storage.objects().get(bucket=bucket, object="state", ifGenerationNotMatch=second["generation"])
    with pytest.raises(HttpError) as unchanged:
        known.execute()
    assert unchanged.value.status_code == 304
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
    servers = {"timeCreated": "2020-01-01T00:00:00Z", "projectNumber": "1", "metageneration": None, "etag": "x"}
    kept = storage.buckets().patch(bucket=bucket, body=servers).execute()
    changed = {name for name in patched if patched[name] != kept[name]}
    assert (changed - {"updated", "softDeletePolicy"}, kept["metageneration"]) == ({"metageneration", "etag"}, "3")
    cleared = storage.buckets().patch(bucket=bucket, body={"lifecycle": {"rule": None}, "labels": None}).execute()
    assert "labels" not in cleared
    with pytest.raises(HttpError, match="cannot be changed"):
        storage.buckets().patch(bucket=bucket, body={"location": None}).execute()
    with pytest.raises(HttpError, match="412"):
        storage.buckets().patch(bucket=bucket, ifMetagenerationMatch=1, body={}).execute()


def test_refused(storage: Any) -> None:
    bucket = _bucket(storage, "private", iamConfiguration={"publicAccessPrevention": "enforced"})
    policy = storage.buckets().getIamPolicy(bucket=bucket).execute()
    policy["bindings"].append({"role": "roles/storage.objectViewer", "members": ["allUsers"]})
    with pytest.raises(HttpError, match="public access prevention is enforced"):
        storage.buckets().setIamPolicy(bucket=bucket, body=policy).execute()
    plain = storage.buckets().getIamPolicy(bucket=_bucket(storage, "plain")).execute()
    condition = {"title": "t", "expression": "true"}
    plain |= {
        "version": 3,
        "bindings": [{"role": "roles/storage.admin", "members": ["user:a@b.c"], "condition": condition}],
    }
    with pytest.raises(HttpError, match="need uniform bucket-level access") as conditional:
        storage.buckets().setIamPolicy(bucket="plain", body=plain).execute()
    plain |= {"etag": "CAI=", "bindings": []}
    with pytest.raises(HttpError, match="concurrent policy changes") as stale:
        storage.buckets().setIamPolicy(bucket="plain", body=plain).execute()
    assert (conditional.value.status_code, stale.value.status_code) == (412, 412)


def _rule(action: str, **condition: Any) -> dict[str, Any]:
    return {"lifecycle": {"rule": [{"action": {"type": action}, "condition": condition}]}}


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("google-bucket", {}, "Invalid bucket name"),
        ("goog-bucket", {}, "Invalid bucket name"),
        ("192.168.5.4", {}, "Invalid bucket name"),
        ("two..dots", {}, "Invalid bucket name"),
        ("elsewhere", {"location": "atlantis1"}, "location constraint is not valid"),
        ("softly", {"softDeletePolicy": {"retentionDurationSeconds": "86400"}}, "0, or from 7 to 90 days"),
        ("retained", {"retentionPolicy": {"retentionPeriod": "0"}}, "at most 100 years"),
        ("classless", _rule("SetStorageClass", age=1), "needs a storage class"),
        ("aborting", _rule("AbortIncompleteMultipartUpload", isLive=True), "may have only age"),
        ("young", _rule("Delete", age=-1), "must not be negative"),
        ("ruled", {"lifecycle": {"rule": _rule("Delete", age=1)["lifecycle"]["rule"] * 101}}, "At most 100 rules"),
        ("folders", {"hierarchicalNamespace": {"enabled": True}}, "needs uniform bucket-level access"),
    ],
)
def test_bucket_refused(storage: Any, name: str, body: dict[str, Any], words: str) -> None:
    with pytest.raises(HttpError, match=words) as refused:
        _bucket(storage, name, **body)
    assert refused.value.status_code == 400


def test_name_that_is_taken(storage: Any) -> None:
    _bucket(storage, "has-goog-in-it")
    with pytest.raises(HttpError, match="you already own it"):
        _bucket(storage, "has-goog-in-it")


def test_upload_whose_last_answer_was_lost(cloud: Served, storage: Any) -> None:
    bucket, content = _bucket(storage, "lost"), b"weights" * 50_000
    started = httpx.post(
        f"{cloud.url}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&name=model",
        headers={"Authorization": "Bearer fake"},
    )

    def piece(first: int, last: int, **headers: str) -> httpx.Response:
        span = f"bytes {first}-{last - 1}/{len(content)}"
        return httpx.put(
            started.headers["location"],
            content=content[first:last],
            headers={"Authorization": "Bearer fake", "Content-Range": span, **headers},
        )

    assert piece(0, 262144).headers["range"] == "bytes=0-262143"
    wrong = piece(262144, len(content), **{"X-Goog-Hash": "crc32c=AAAAAA=="})
    assert (wrong.status_code, "doesn't match" in wrong.text) == (400, True)
    made = piece(262144, len(content), **{"X-Goog-Hash": f"crc32c={_crc32c(content)}"})
    assert made.json()["size"] == str(len(content))
    asked = piece(0, 0, **{"Content-Range": f"bytes */{len(content)}"})
    again = piece(262144, len(content))
    assert [each.json()["generation"] for each in (asked, again)] == [made.json()["generation"]] * 2


def test_name_in_query_and_metadata(cloud: Served, storage: Any) -> None:
    """As Terraform's backend sends it: the query's counts."""
    bucket = _bucket(storage, "named-twice")
    parts = '--x\r\n\r\n{"name": "inner"}\r\n--x\r\n\r\nstate\r\n--x--'
    made = httpx.post(
        f"{cloud.url}/upload/storage/v1/b/{bucket}/o?uploadType=multipart&name=outer&projection=full&ifGenerationMatch=0",
        content=parts,
        headers={"Authorization": "Bearer fake", "Content-Type": "multipart/related; boundary=x"},
    )
    assert (made.status_code, made.json().get("name")) == (200, "outer"), made.text
