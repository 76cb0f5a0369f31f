"""Firebase Hosting: sites, and the versions of their files that firebase-tools uploads.

The protocol: https://firebase.google.com/docs/hosting/api-deploy
"""

from __future__ import annotations

import gzip
import hashlib
import re
import secrets
import zlib
from collections.abc import Mapping

from starlette.responses import Response

from tests.local_cloud.call import Call, Cloud, now
from tests.local_cloud.errors import GoogleError, bad_field, invalid, not_found
from tests.local_cloud.resources import Change, Collection, live
from tests.local_cloud.store import Json

HOST = "firebasehosting.googleapis.com"
UPLOAD_HOST = "upload-firebasehosting.googleapis.com"
_SITE = r"[a-z0-9][a-z0-9-]{2,28}[a-z0-9]"


def _check_site(change: Change) -> None:
    call = change.call
    if call.store.get(f"firebase.googleapis.com/projects/{call.cloud.project.id}") is None:
        raise not_found(f"Firebase project {call.cloud.project.id}")
    if not change.before and call.store.get(f"{HOST}/taken/{change.id}"):
        raise invalid(
            f"Invalid name: `{change.id}` is reserved by another project; try something like `{change.id}-1`."
        )
    app = change.body.get("appId")
    if app and call.store.get(f"firebase.googleapis.com/projects/{call.cloud.project.id}/webApps/{app}") is None:
        raise bad_field("site.app_id", f"App {app} does not exist")


def _fill_site(change: Change) -> None:
    change.body.setdefault("type", "USER_SITE")
    change.body["defaultUrl"] = change.call.cloud.addresses.get(change.id, f"https://{change.id}.web.app")


def _delete_site(call: Call) -> Json:
    """A deleted site's name can never be used again: https://firebase.google.com/docs/hosting/multisites."""
    entity = live(call)
    if entity.body["type"] == "DEFAULT_SITE":
        raise GoogleError("FAILED_PRECONDITION", "The default site of a project cannot be deleted.")
    call.store.remove(entity.name)
    call.store.put(f"{HOST}/taken/{call.part('sites')}", {})
    return {}


def _site(call: Call) -> str:
    """The name of the site in a path, which may leave its project out."""
    name = f"projects/{call.cloud.project.id}/sites/{call.part('sites')}"
    live(call, name)
    return name


def _full(call: Call) -> str:
    return call.full(f"{_site(call)}{call.name.partition(call.part('sites'))[2]}")


def _create_version(call: Call) -> Json:
    version = secrets.token_hex(8)
    body = {
        **call.body,
        "name": f"{call.name}/{version}",
        "status": "CREATED",
        "config": call.body.get("config", {}),
        "createTime": now(),
    }
    call.store.put(f"{_full(call)}/{version}", body)
    return body


def _open_version(call: Call) -> tuple[str, Json]:
    full = _full(call)
    entity = call.store.get(full)
    if entity is None:
        raise not_found(call.name)
    if entity.body["status"] != "CREATED":
        raise GoogleError("FAILED_PRECONDITION", f"Version {call.name} is {entity.body['status']}: it cannot change.")
    return full, entity.body


def _populate(call: Call) -> Json:
    full, body = _open_version(call)
    given = call.body.get("files", {})
    for path, digest in given.items():
        if not path.startswith("/") or not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise bad_field(
                "files", f"'{path}': a path begins with /, and its value is the SHA-256 of the gzipped file"
            )
    listed = call.store.get(f"{full}/list")
    call.store.put(f"{full}/list", {**(listed.body if listed else {}), **given})
    call.store.put(full, body)
    missing = sorted({digest for digest in given.values() if call.store.content(_file(call.cloud, digest)) is None})
    url = f"{call.cloud.url}/{UPLOAD_HOST}/upload/{_short(call.name)}/files"
    return {"uploadUrl": url, **({"uploadRequiredHashes": missing} if missing else {})}


def _short(name: str) -> str:
    return re.sub(r"^projects/[^/]+/", "", name)


def _file(cloud: Cloud, digest: str) -> str:
    return f"{HOST}/files/{cloud.project.id}/{digest}"


def upload(cloud: Cloud, path: str, content: bytes) -> Response:
    """`POST uploadUrl/HASH`: the gzipped bytes that have this SHA-256.

    Raises:
        GoogleError: 400, other bytes; 404, no such version.
    """
    found = re.fullmatch(r"upload/(sites/[^/]+/versions/[^/]+)/files/([0-9a-f]{64})", path)
    if not found:
        raise not_found(path)
    version, digest = found[1], found[2]
    if cloud.store.get(f"{HOST}/projects/{cloud.project.id}/{version}") is None:
        raise not_found(version)
    if hashlib.sha256(content).hexdigest() != digest:
        raise invalid(f"The SHA-256 of the content is not {digest}.")
    try:
        gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise invalid("The content is not gzipped.") from error
    cloud.store.put_content(_file(cloud, digest), content)
    return Response(status_code=200)


def _patch_version(call: Call) -> Json:
    full, body = _open_version(call)
    mask = call.query.get("updateMask", "status").split(",")
    if not set(mask) <= {"status", "config"}:
        raise bad_field("update_mask", "Only status and config can be updated")
    body = {**body, **{name: call.body[name] for name in mask if name in call.body}}
    if body["status"] == "FINALIZED":
        files = _files(call.cloud, full)
        missing = [path for path, digest in files.items() if call.store.content(_file(call.cloud, digest)) is None]
        if missing:
            raise GoogleError("FAILED_PRECONDITION", f"These files were not uploaded: {', '.join(sorted(missing))}")
        size = sum(len(call.store.content(_file(call.cloud, digest)) or b"") for digest in files.values())
        body |= {"finalizeTime": now(), "fileCount": str(len(files)), "versionBytes": str(size)}
    call.store.put(full, body)
    return body


def _files(cloud: Cloud, version: str) -> Mapping[str, str]:
    entity = cloud.store.get(f"{version}/list")
    return entity.body if entity else {}


def _channel(call: Call) -> str:
    """The name of the channel in a path. Every site has `live`; more would be made by a method that nothing calls."""
    if call.part("channels") != "live":
        raise not_found(call.name.removesuffix("/releases"))
    return f"{_site(call)}/channels/live"


def _release(call: Call) -> Json:
    """Serve a version from now on. Google tells by itself whether that is a rollback."""
    channel, named = _channel(call), call.query.get("versionName", "")
    if call.body.get("type") == "SITE_DISABLE":
        raise GoogleError("UNIMPLEMENTED", "The local cloud does not disable sites.")
    version = call.store.get(call.full(f"projects/{call.cloud.project.id}/{_short(named)}")) if named else None
    if version is None:
        raise not_found(f"version '{named}'")
    if version.body["status"] != "FINALIZED":
        raise GoogleError("FAILED_PRECONDITION", "Only a finalized version can be released.")
    if not version.name.startswith(call.full(f"{_site(call)}/")):
        raise invalid("The version is another site's.")
    earlier = call.store.children(call.full(f"{channel}/releases"))
    known = any(release.body["version"]["name"] == version.body["name"] for release in earlier)
    name = f"{call.name}/{secrets.token_hex(8)}"
    body = {**call.body, "name": name, "version": version.body, "releaseTime": now()}
    body["type"] = "ROLLBACK" if known else "DEPLOY"
    call.store.put(call.full(f"{channel}/releases/{name.rpartition('/')[2]}"), body)
    return body


def _releases(call: Call) -> Json:
    found = [entity.body for entity in call.store.children(call.full(f"{_channel(call)}/releases"))]
    if len(found) > int(call.query.get("pageSize") or 100):
        raise GoogleError("UNIMPLEMENTED", "The local cloud gives releases in one page alone.")
    return {"releases": list(reversed(found))} if found else {}


def served(cloud: Cloud, site: str) -> Json:
    """The version that visitors of a site get; empty before the first release."""
    releases = cloud.store.children(f"{HOST}/projects/{cloud.project.id}/sites/{site}/channels/live/releases")
    return dict(releases[-1].body["version"]) if releases else {}


def released(cloud: Cloud, site: str) -> dict[str, bytes]:
    """The files of that version, by path."""
    name = served(cloud, site).get("name", "")
    files = _files(cloud, f"{HOST}/projects/{cloud.project.id}/{_short(name)}")
    return {path: gzip.decompress(cloud.store.content(_file(cloud, digest)) or b"") for path, digest in files.items()}


_SITES = Collection(
    "firebasehosting.v1beta1",
    "projects.sites",
    "create get patch",
    id="siteId",
    pattern=_SITE,
    check=_check_site,
    fill=_fill_site,
)

METHODS = {
    "firebasehosting.v1beta1": {
        **_SITES.methods(),
        "firebasehosting.projects.sites.delete": _delete_site,
        "firebasehosting.projects.sites.versions.create": _create_version,
        "firebasehosting.projects.sites.versions.populateFiles": _populate,
        "firebasehosting.projects.sites.versions.patch": _patch_version,
        "firebasehosting.projects.sites.channels.releases.create": _release,
        "firebasehosting.projects.sites.channels.releases.list": _releases,
    }
}
