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
from collections.abc import Mapping
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any
from urllib.parse import quote

import google_crc32c
from starlette.responses import JSONResponse, Response

from tests.local_cloud.asked import Asked
from tests.local_cloud.call import Call, Cloud, now
from tests.local_cloud.errors import GoogleError, bad_field, invalid
from tests.local_cloud.paging import paged_by
from tests.local_cloud.schema import received
from tests.local_cloud.store import Entity, Json

from .storage import HOST, bucket, is_known, precondition


def _full(bucket_name: str, name: str, generation: str = "") -> str:
    kind = f"old/{generation}" if generation else "live"
    return f"{HOST}/b/{bucket_name}/{kind}/{quote(name, safe='')}"


def _find(cloud: Cloud, bucket_name: str, name: str, generation: str | None = None) -> Entity:
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
    name = call.query.get("name") or metadata.get("name")
    if not name or len(name.encode()) > 1024 or re.search(r"[\r\n]", name):
        raise bad_field("name", "Required", "Required parameter: name")
    before = call.store.get(_full(container["name"], name))
    precondition(call, "generation", before.body if before else None)
    precondition(call, "metageneration", before.body if before else None)
    sums = {
        "md5Hash": _base64(hashlib.md5(content, usedforsecurity=False).digest()),
        "crc32c": _base64(google_crc32c.value(content).to_bytes(4, "big")),
    }
    for field, said in [*metadata.items(), *_hashes(call)]:
        if sums.get(field, said) != said:
            raise invalid(f'Provided {field} "{said}" doesn\'t match the calculated one, "{sums[field]}".')
    if before:
        _retire(call, before)
    generation = str(time.time_ns() // 1000)
    body = {
        "contentType": "application/octet-stream",
        **metadata,
        "kind": "storage#object",
        "id": f"{container['name']}/{name}/{generation}",
        "name": name,
        "bucket": container["name"],
        "generation": generation,
        "metageneration": "1",
        "storageClass": container["storageClass"],
        "size": str(len(content)),
        **sums,
        "etag": _base64(generation.encode()),
        "timeCreated": now(),
        "updated": now(),
    }
    call.store.put(_full(container["name"], name), body)
    call.store.put_content(_full(container["name"], name), content)
    return _shown(call, body)


def _hashes(call: Call) -> list[tuple[str, str]]:
    """The sums in an upload's header: https://cloud.google.com/storage/docs/xml-api/reference-headers#xgooghash."""
    said = [part.strip().partition("=") for part in call.headers.get("x-goog-hash", "").split(",")]
    return [({"md5": "md5Hash"}.get(name, name), value) for name, _, value in said]


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _shown(call: Call, body: Json) -> Json:
    """An object's metadata with its links, which lead to where the stand-in listens now."""
    place = f"storage/v1/b/{body['bucket']}/o/{quote(body['name'], safe='')}"
    links = {"selfLink": f"{call.cloud.url}/{place}", "mediaLink": f"{call.cloud.url}/download/{place}?alt=media"}
    return {**body, **links}


def _insert(call: Call) -> Any:
    kind = call.query.get("uploadType", "media")
    if "upload_id" in call.query:
        return _resume(call)
    mime = call.headers.get("content-type", "application/octet-stream")
    if kind == "media":
        return _write(call, {"contentType": mime}, call.content)
    if kind == "multipart":
        (_, described), (headers, media) = _parts(call.content, mime)
        metadata = _metadata(call, described or b"{}")
        return _write(call, {"contentType": headers.get_content_type(), **metadata}, media)
    bucket(call)
    metadata = _metadata(call, call.content or b"{}")
    metadata.setdefault("contentType", call.headers.get("x-upload-content-type", "application/octet-stream"))
    session = secrets.token_urlsafe(16)
    asked = {"metadata": metadata, "bucket": call.path["bucket"], "query": call.query.kept()}
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


def _parts(content: bytes, mime: str) -> list[tuple[Message, bytes]]:
    """The two parts of a multipart upload (RFC 2046, 5.1.1). The line end before a delimiter belongs to it, and clients
    differ in which they write."""
    boundary = re.escape((_headers(f"Content-Type: {mime}".encode()).get_boundary() or "").encode())
    if not (opening := re.match(rb"--%s[ \t]*(\r?\n)" % boundary, content)):
        raise invalid("A multipart upload begins with its boundary, and has two parts: metadata and content.")
    line = opening[1]
    # What stands between delimiters, and of each delimiter whether it was the last.
    found = re.split(rb"%s--%s(--)?[ \t]*(?:%s|\Z)" % (line, boundary, line), content[opening.end() :])
    if len(found) != 5 or found[1] or not found[3]:
        raise invalid("A multipart upload has two parts, metadata and content, and ends with its boundary.")
    parts = [(line + part).partition(line * 2) for part in (found[0], found[2])]
    return [(_headers(headers.removeprefix(line)), media) for headers, _, media in parts]


def _headers(lines: bytes) -> Message:
    return BytesHeaderParser().parsebytes(lines)


def _resume(call: Call) -> Response:
    """`PUT` of a piece of a resumable upload: 308 with what is there, until all of it is, and from then on the object.

    So a client whose connection broke at the end learns that it had come to it.
    """
    session = call.query.get("upload_id", "")
    entity = call.store.get(f"uploads/{session}")
    if entity is None:
        raise GoogleError("NOT_FOUND", f"No upload {session}.")
    if "made" in entity.body:
        return JSONResponse(entity.body["made"])
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
    call.query = Asked({**entity.body["query"], **call.query.kept()})
    call.query.kept()
    body = _write(call, entity.body["metadata"], have)
    call.store.put(entity.name, {"made": body})
    call.store.put_content(entity.name, b"")
    return JSONResponse(body)


def _download(cloud: Cloud, entity: Entity, headers: Mapping[str, str]) -> Response:
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
    found = re.fullmatch(r"bytes=(?=.*\d)(\d*)-(\d*)", headers.get("range", ""))
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
    entity = _find(call.cloud, call.path["bucket"], call.path["object"], call.query.get("generation"))
    if is_known(call, entity.body, "generation", "metageneration"):
        return Response(status_code=304)
    precondition(call, "generation", entity.body)
    precondition(call, "metageneration", entity.body)
    media = call.query.get("alt") == "media"
    return _download(call.cloud, entity, call.headers) if media else _shown(call, entity.body)


def _list(call: Call) -> Json:
    name = bucket(call).name
    prefix, delimiter = call.query.get("prefix", ""), call.query.get("delimiter")
    found = call.store.children(f"{name}/live")
    if call.query.get("versions") == "true":
        found += call.store.children(f"{name}/old", deeper=True)
    # By name and generation; what has the delimiter in the rest of its name is there as its folder, once.
    entries: dict[tuple[str, str], Json | None] = {}
    for body in (entity.body for entity in found if entity.body["name"].startswith(prefix)):
        folder, within, _ = body["name"][len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
        key = (prefix + folder + within, "") if within else (body["name"], body["generation"])
        entries[key] = None if within else body
    page, token = paged_by(call, sorted(entries), list)
    items = [_shown(call, body) for body in map(entries.get, page) if body]
    folders = [key[0] for key in page if not entries[key]]
    answer: Json = {"kind": "storage#objects"} | ({"items": items} if items else {})
    return answer | ({"prefixes": folders} if folders else {}) | ({"nextPageToken": token} if token else {})


def _delete(call: Call) -> Json:
    bucket(call)
    generation = call.query.get("generation")
    entity = _find(call.cloud, call.path["bucket"], call.path["object"], generation)
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
