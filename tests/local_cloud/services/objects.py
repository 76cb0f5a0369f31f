"""Cloud Storage's objects: metadata and contents, with generations and preconditions.

Uploads: https://cloud.google.com/storage/docs/uploads-downloads. A versioned bucket keeps what was replaced or deleted.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import time
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import quote

import google_crc32c
from starlette.responses import JSONResponse, Response

from tests.local_cloud.call import Call, Cloud, now
from tests.local_cloud.errors import GoogleError, bad_field, invalid
from tests.local_cloud.paging import paged
from tests.local_cloud.schema import received
from tests.local_cloud.store import Entity, Json

from .storage import HOST, bucket, precondition


def _full(bucket_name: str, name: str, generation: str = "") -> str:
    kind = f"old/{generation}" if generation else "live"
    return f"{HOST}/b/{bucket_name}/{kind}/{quote(name, safe='')}"


def find(cloud: Cloud, bucket_name: str, name: str, generation: str | None = None) -> Entity:
    """An object, the live one or a generation.

    Raises:
        GoogleError: 404.
    """
    entity = cloud.store.get(_full(bucket_name, name))
    if generation and (entity is None or entity.body["generation"] != generation):
        entity = cloud.store.get(_full(bucket_name, name, generation))
    if entity is None:
        raise GoogleError("NOT_FOUND", f"No such object: {bucket_name}/{name}")
    return entity


def _retire(call: Call, entity: Entity) -> None:
    """Take the live object away; a versioned bucket keeps it as an old one."""
    versioned = bucket(call).body.get("versioning", {}).get("enabled", False)
    content = call.store.content(entity.name) or b""
    call.store.remove(entity.name)
    if versioned:
        old = _full(entity.body["bucket"], entity.body["name"], entity.body["generation"])
        call.store.put(old, {**entity.body, "timeDeleted": now()})
        call.store.put_content(old, content)


def _write(call: Call, metadata: Json, content: bytes) -> Json:
    container = bucket(call).body
    name = metadata.get("name") or call.query.get("name")
    if not name or len(name.encode()) > 1024 or re.search(r"[\r\n]", name):
        raise bad_field("name", "Required", "Required parameter: name")
    before = call.store.get(_full(container["name"], name))
    precondition(call, "generation", before.body if before else None)
    if before:
        precondition(call, "metageneration", before.body)
    digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    crc32c = base64.b64encode(google_crc32c.Checksum(content).digest()).decode()
    for kind, field, calculated in (("MD5", "md5Hash", digest), ("CRC32C", "crc32c", crc32c)):
        if metadata.get(field, calculated) != calculated:
            raise invalid(
                f'Provided {kind} hash "{metadata[field]}" doesn\'t match calculated {kind} hash "{calculated}".'
            )
    if before:
        _retire(call, before)
    generation = str(time.time_ns() // 1000)
    link = f"{call.cloud.url}/storage/v1/b/{container['name']}/o/{quote(name, safe='')}"
    body = {
        "contentType": "application/octet-stream",
        **metadata,
        "kind": "storage#object",
        "id": f"{container['name']}/{name}/{generation}",
        "selfLink": link,
        "mediaLink": f"{call.cloud.url}/download/storage/v1/b/{container['name']}/o/{quote(name, safe='')}?alt=media",
        "name": name,
        "bucket": container["name"],
        "generation": generation,
        "metageneration": "1",
        "storageClass": container["storageClass"],
        "size": str(len(content)),
        "md5Hash": digest,
        "crc32c": crc32c,
        "etag": base64.b64encode(generation.encode()).decode(),
        "timeCreated": now(),
        "updated": now(),
    }
    call.store.put(_full(container["name"], name), body)
    call.store.put_content(_full(container["name"], name), content)
    return body


def _insert(call: Call) -> Any:
    kind = call.query.get("uploadType", "media")
    mime = call.headers.get("content-type", "application/octet-stream")
    if kind == "media":
        return _write(call, {"contentType": mime}, call.content)
    if kind == "multipart":
        message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {mime}\r\n\r\n".encode() + call.content)
        parts = list(message.iter_parts())
        if len(parts) != 2:
            raise invalid("A multipart upload has two parts: metadata and content.")
        metadata = _metadata(call, bytes(parts[0].get_payload(decode=True) or b"{}"))
        return _write(call, {"contentType": parts[1].get_content_type(), **metadata}, _payload(call.content, mime))
    metadata = _metadata(call, call.content or b"{}")
    metadata.setdefault("contentType", call.headers.get("x-upload-content-type", "application/octet-stream"))
    session = secrets.token_urlsafe(16)
    asked = {"metadata": metadata, "bucket": call.path["bucket"], "query": call.query}
    call.store.put(f"uploads/{session}", asked)
    call.store.put_content(f"uploads/{session}", b"")
    location = f"{call.cloud.url}/upload/storage/v1/b/{call.path['bucket']}/o?uploadType=resumable&upload_id={session}"
    return Response(status_code=200, headers={"Location": location, "X-GUploader-UploadID": session})


def _metadata(call: Call, raw: bytes) -> Json:
    try:
        value = json.loads(raw)
    except ValueError as error:
        raise invalid("The metadata is not JSON.") from error
    checked: Json = received(call.method.api, {"$ref": "Object"}, value)
    return checked


def _payload(content: bytes, mime: str) -> bytes:
    """The second part's bytes as they came: a parser of mail would change line ends."""
    found = re.search(r"boundary=\"?([^\";]+)\"?", mime)
    boundary = b"--" + (found[1] if found else "").encode()
    part = content.split(boundary)[2]
    return re.sub(rb"\r?\n\Z", b"", re.split(rb"\r?\n\r?\n", part, maxsplit=1)[1])


def resume(call: Call) -> Response:
    """`PUT` of a piece of a resumable upload: 308 with what is there, until all of it is."""
    session = call.query.get("upload_id", "")
    entity = call.store.get(f"uploads/{session}")
    if entity is None:
        raise GoogleError("NOT_FOUND", f"No upload {session}.")
    have = call.store.content(entity.name) or b""
    found = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", call.headers.get("content-range", ""))
    if found and found[1] is not None:
        if int(found[1]) > len(have):
            raise invalid("A piece of the upload is missing.")
        have = have[: int(found[1])] + call.content
    elif not found:
        have = call.content
    call.store.put_content(entity.name, have)
    whole = len(have) if not found else None if found[3] == "*" else int(found[3])
    if whole is None or len(have) < whole:
        return Response(status_code=308, headers={"Range": f"bytes=0-{len(have) - 1}"} if have else {})
    call.query = {**entity.body["query"], **call.query}
    body = _write(call, entity.body["metadata"], have)
    call.store.remove(entity.name)
    return JSONResponse(body)


def download(cloud: Cloud, entity: Entity, headers: Any) -> Response:
    """An object's bytes, or the range of them that was asked for."""
    content = cloud.store.content(entity.name) or b""
    answer = {
        "Content-Type": entity.body["contentType"],
        "X-Goog-Generation": entity.body["generation"],
        "X-Goog-Metageneration": entity.body["metageneration"],
        "X-Goog-Hash": f"crc32c={entity.body['crc32c']},md5={entity.body['md5Hash']}",
        "X-Goog-Stored-Content-Length": entity.body["size"],
        "ETag": entity.body["etag"],
        "Last-Modified": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(int(entity.body["generation"]) / 1e6)),
    }
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", headers.get("range", ""))
    if not found:
        return Response(content, headers=answer)
    first = int(found[1]) if found[1] else max(0, len(content) - int(found[2]))
    last = min(int(found[2]) if found[1] and found[2] else len(content) - 1, len(content) - 1)
    if first > last:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(content)}"})
    answer["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    return Response(content[first : last + 1], 206, answer)


def _get(call: Call) -> Any:
    bucket(call)
    entity = find(call.cloud, call.path["bucket"], call.path["object"], call.query.get("generation"))
    precondition(call, "generation", entity.body)
    precondition(call, "metageneration", entity.body)
    return download(call.cloud, entity, call.headers) if call.query.get("alt") == "media" else entity.body


def _list(call: Call) -> Json:
    name = bucket(call).name
    prefix, delimiter = call.query.get("prefix", ""), call.query.get("delimiter")
    found = call.store.children(f"{name}/live")
    if call.query.get("versions") == "true":
        found += call.store.children(f"{name}/old", deeper=True)
    found = sorted((each for each in found if each.body["name"].startswith(prefix)), key=lambda each: each.serial)
    folders: set[str] = set()
    if delimiter:
        folders = {
            prefix + each.body["name"][len(prefix) :].partition(delimiter)[0] + delimiter
            for each in found
            if delimiter in each.body["name"][len(prefix) :]
        }
        found = [each for each in found if delimiter not in each.body["name"][len(prefix) :]]
    page, token = paged(call, found)
    items = sorted((each.body for each in page), key=lambda body: (body["name"], body["generation"]))
    answer: Json = {"kind": "storage#objects"} | ({"items": items} if items else {})
    return answer | ({"prefixes": sorted(folders)} if folders else {}) | ({"nextPageToken": token} if token else {})


def _delete(call: Call) -> Json:
    bucket(call)
    generation = call.query.get("generation")
    entity = find(call.cloud, call.path["bucket"], call.path["object"], generation)
    precondition(call, "generation", entity.body)
    precondition(call, "metageneration", entity.body)
    if generation:
        call.store.remove(entity.name)
    else:
        _retire(call, entity)
    return {}


METHODS = {
    "storage.v1": {
        "storage.objects.insert": _insert,
        "storage.objects.get": _get,
        "storage.objects.list": _list,
        "storage.objects.delete": _delete,
    }
}
