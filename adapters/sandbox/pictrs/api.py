"""The HTTP API of pict-rs 0.5: what anyone may ask, and what takes the key."""

from __future__ import annotations

import hmac
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
from python_multipart.exceptions import MultipartParseError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response

from adapters.sandbox.clock import trimmed_ns
from adapters.sandbox.loopback import OutsideLoopbackError
from adapters.sandbox.pictrs.errors import PictrsError, json_answer
from adapters.sandbox.pictrs.formats import (
    TARGETS,
    BrokenMediaError,
    EmptyMediaError,
    InvalidMediaError,
    OversizedMediaError,
)
from adapters.sandbox.pictrs.network import download
from adapters.sandbox.pictrs.queries import allowed_methods, is_url, moment, named_file, unsigned, wanted_size
from adapters.sandbox.pictrs.serve_file import file_answer
from adapters.sandbox.pictrs.store import Alias, AliasNotFoundError, FileStore, ProxyNotFoundError, StoredFile
from adapters.sandbox.pictrs.uploads import (
    INCOMPLETE,
    NO_FILE_NAME,
    NO_FILES,
    TOO_MANY_FILES,
    UNEXPECTED_FIELD,
    header_fault,
)
from adapters.sandbox.pictrs.validation import RefusedError, ValidatorUnreachableError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_INTERNAL_METHODS = {
    "aliases": "GET",
    "delete": "POST",
    "hashes": "GET",
    "identifier": "GET",
    "purge": "POST",
    "set_not_found": "POST",
    "variants": "DELETE",
}


def failure(error: Exception) -> PictrsError:
    """How pict-rs reports what went wrong with a file."""
    match error:
        case PictrsError():
            return error
        case EmptyMediaError():
            return PictrsError(400, "validate-file-empty", "Uploaded file is empty")
        case OversizedMediaError():
            return PictrsError(error.status, error.code, error.msg)
        case InvalidMediaError():
            return PictrsError(400, "command-failure", "Invalid media file provided")
        case BrokenMediaError():
            return PictrsError(500, "command-failure", "exiftool Failed with exit status: 1")
        case RefusedError():
            return PictrsError(400, "failed-external-validation", "Failed external validation")
        case ValidatorUnreachableError():
            return PictrsError(500, "http-client-error", "operation timed out")
        case AliasNotFoundError():
            return PictrsError(404, "alias-not-found", "Requested a file that doesn't exist")
        case ProxyNotFoundError():
            return PictrsError(404, "proxy-not-found", "Media has not been proxied")
        case httpx.ConnectError():
            return PictrsError(500, "http-client-error", "Connection refused (os error 111)")
        case httpx.HTTPStatusError():
            said = f"{error.response.status_code} {error.response.reason_phrase}"
            return PictrsError(500, "download-file-error", f"Unable to download image, bad response {said}")
        case OutsideLoopbackError() | httpx.HTTPError():
            return PictrsError(500, "http-client-error", "error sending request")
    raise error


def details(file: StoredFile) -> dict[str, Any]:
    """The facts of a file, keys in alphabetical order."""
    return {
        "blurhash": file.found.blurhash,
        "content_type": file.found.format.content_type,
        "created_at": trimmed_ns(file.created_ns),
        "format": file.found.format.kind,
        "frames": file.found.frames,
        "height": file.found.height,
        "width": file.found.width,
    }


def uploaded(stored: list[tuple[Alias, StoredFile]]) -> dict[str, Any]:
    """The answer to an upload."""
    files = [{"delete_token": alias.token, "details": details(file), "file": alias.name} for alias, file in stored]
    return {"files": files, "msg": "ok"}


class PictrsApp:
    """The ASGI application. ``key`` opens ``/internal``."""

    def __init__(self, store: FileStore, key: str) -> None:
        self.store = store
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            answer = await self._dispatch(request)
        except Exception as error:  # noqa: BLE001 - `failure` raises again what it does not know
            answer = failure(error).answer
        if request.method == "HEAD":
            answer.body = b""
        await answer(scope, receive, send)

    async def _dispatch(self, request: Request) -> Response:
        path = request.url.path
        if path == "/image" and request.method == "POST":
            return json_answer(uploaded(await self._upload(request)), 201)
        if path == "/internal" or path.startswith("/internal/"):
            return self._internal(request, path.removeprefix("/internal").removeprefix("/"), await request.body())
        allowed = allowed_methods(path)
        if allowed and request.method not in allowed:
            return Response(b"", status_code=405, headers={"allow": ", ".join(allowed)})
        return await run_in_threadpool(self._public, request, path)

    async def _upload(self, request: Request) -> list[tuple[Alias, StoredFile]]:
        fault = header_fault(request.headers.get("content-type"))
        if fault is not None:
            raise _not_taken(fault)
        try:
            form = await request.form()
        except (HTTPException, MultiPartException, MultipartParseError) as error:
            raise _not_taken(INCOMPLETE) from error
        async with request.form():
            data = await _only_file(form.multi_items())
        return [await run_in_threadpool(self.store.ingest, data)]

    def _public(self, request: Request, path: str) -> Response:
        head = request.method == "HEAD"
        match path[1:].split("/"):
            case ["healthz"] if request.method == "GET":
                return Response(b"")
            case ["image", "original", alias] if alias:
                return self._original(request, alias, None)
            case ["image", "original"]:
                named = named_file(request)
                if head and not self._is_here(*named):
                    return Response(b"", status_code=404)
                return self._original(request, *named)
            case ["image", "details", "original", alias] if alias:
                return self._details(alias, None)
            case ["image", "details", "original"]:
                return self._details(*named_file(request))
            case ["image", "details", name] if name.startswith("process."):
                raise AliasNotFoundError  # what is known of copies is not kept here
            case ["image", "blurhash"]:
                file = self.store.file(self._ingested(*named_file(request)))
                return json_answer({"blurhash": file.found.blurhash, "msg": "ok"})
            case ["image", name] if name.startswith("process.") and name != "process.":
                return self._process(request, name.removeprefix("process."))
            case ["image", "download"]:
                return self._download(request)
            case ["image", "delete", token, alias] if token and alias:
                return self._delete(alias, token)
        return Response(b"", status_code=404)

    def _download(self, request: Request) -> Response:
        url, resize = request.query_params.get("url"), request.query_params.get("resize")
        if url is None:
            raise PictrsError(400, "invalid-query", "missing field `url`")
        if not is_url(url):
            raise PictrsError(400, "download-file-error", "relative URL without a base")
        data = download(url)
        return json_answer(uploaded([self.store.ingest(data, resize=int(resize) if resize else None)]), 201)

    def _is_here(self, alias: str | None, proxy: str | None) -> bool:
        """Whether a name leads to a file without fetching one."""
        return alias is not None or self.store.proxied(proxy or "") is not None

    def _ingested(self, alias: str | None, proxy: str | None) -> str:
        """The alias of a name, fetching a URL that was not proxied before."""
        if alias is not None:
            return alias
        url = proxy or ""
        if self.store.proxied(url) is None:
            self.store.ingest_proxied(url, download(url))
        return self.store.resolve(None, url)

    def _details(self, alias: str | None, proxy: str | None) -> Response:
        facts = details(self.store.file(self._ingested(alias, proxy)))
        order = ("blurhash", "width", "height", "frames", "content_type", "created_at", "format")
        return json_answer({key: facts[key] for key in order})

    def _delete(self, alias: str, token: str) -> Response:
        # What is not there is as good as deleted, whatever the token.
        with suppress(AliasNotFoundError):
            if not self.store.delete_by_token(alias, token):
                raise PictrsError(403, "invalid-delete-token", "Provided token did not match expected token")
        return Response(status_code=204)

    def _original(self, request: Request, alias: str | None, proxy: str | None) -> Response:
        try:
            file = self.store.file(self._ingested(alias, proxy))
        except AliasNotFoundError:
            return Response(b"", status_code=404)
        return file_answer(
            request.headers,
            file.data,
            content_type=file.found.format.content_type,
            etag=file.etag,
            modified_ns=file.created_ns,
        )

    def _process(self, request: Request, extension: str) -> Response:
        query, target = request.query_params, TARGETS.get(extension)
        named = query.get("src") or query.get("alias"), query.get("proxy")
        if named[0] is None and not is_url(named[1] or ""):
            raise PictrsError(400, "invalid-query", "data did not match any variant of untagged enum ProcessSource")
        head = request.method == "HEAD"
        if head and not self._is_here(*named):
            return Response(b"", status_code=404)
        alias = self._ingested(*named)
        if target is None:
            raise PictrsError(400, "invalid-file-extension", "Process endpoint was called with invalid extension")
        size = wanted_size(query.multi_items())
        try:
            if head and not self.store.has_variant(alias, target, size):
                return Response(b"", status_code=404)
            file, data, made_ns = self.store.variant(alias, target, size)
        except AliasNotFoundError:
            return Response(b"", status_code=404)
        return file_answer(request.headers, data, content_type=target.content_type, etag=file.etag, modified_ns=made_ns)

    def _internal(self, request: Request, what: str, body: bytes) -> Response:
        if not hmac.compare_digest(request.headers.get("x-api-token", "").encode(), self._key.encode()):
            raise PictrsError(401, "invalid-api-token", "Invalid API Key")
        expected = _INTERNAL_METHODS.get(what, request.method)
        if request.method != expected:
            return Response(b"", status_code=405, headers={"allow": expected})
        match (request.method, what):
            case ("GET", "hashes"):
                return self._hashes(request)
            case ("GET", "aliases"):
                return json_answer({"aliases": self.store.aliases(self._known(request)), "msg": "ok"})
            case ("GET", "identifier"):
                file = self.store.file(self._known(request))
                return json_answer({"identifier": file.identifier, "msg": "ok"})
            case ("POST", "purge"):
                return json_answer({"aliases": self.store.purge(self._known(request)), "msg": "ok"})
            case ("POST", "delete"):
                self.store.delete(self._known(request))
                return json_answer({"msg": "ok"})
            case ("POST", "set_not_found"):
                return self._set_not_found(request, body)
            case ("DELETE", "variants"):
                self.store.drop_variants()
                return Response(status_code=204)
        return Response(b"", status_code=404)

    def _known(self, request: Request) -> str:
        return self.store.resolve(*named_file(request))

    def _set_not_found(self, request: Request, body: bytes) -> Response:
        """Refuse what pict-rs refuses; a picture to stand for missing ones is not kept here, hence 404 for the rest."""
        self.store.file(_alias_in(request.headers.get("content-type", ""), body))
        return Response(b"", status_code=404)

    def _hashes(self, request: Request) -> Response:
        query = request.query_params
        for name in ("slug", "timestamp", "limit"):
            if len(query.getlist(name)) > 1:
                raise PictrsError(400, "invalid-query", f"duplicate field `{name}`")
        limit, before_ns = unsigned(query.get("limit", "20")), moment(query.get("timestamp"))
        found = self.store.page(limit, slug=query.get("slug"), before_ns=before_ns)
        page: dict[str, Any] = {} if found.current is None else {"current": found.current}
        page["hashes"] = [
            {"aliases": self.store.aliases_of(file), "details": details(file), "hex": file.hash.hex()}
            for file in found.files
        ]
        page["limit"] = limit
        if found.next is not None:
            page["next"] = found.next
        if found.prev is not None:
            page["prev"] = found.prev
        return json_answer({"msg": "ok", "page": page})


def _not_taken(msg: str) -> PictrsError:
    return PictrsError(400, "file-upload-error", msg)


async def _only_file(fields: list[tuple[str, UploadFile | str]]) -> bytes:
    """The one file of an upload."""
    contents: list[bytes] = []
    for name, value in fields:
        if name != "images[]":
            raise _not_taken(UNEXPECTED_FIELD)
        if not isinstance(value, UploadFile):
            raise _not_taken(NO_FILE_NAME)
        if contents:
            raise _not_taken(TOO_MANY_FILES)
        contents.append(await value.read())
    if not contents:
        raise PictrsError(400, "validate-no-files", NO_FILES)
    return contents[0]


def _alias_in(content_type: str, body: bytes) -> str:
    """The alias that a JSON body names."""
    if not content_type.lower().startswith("application/json"):
        raise PictrsError(400, "invalid-json", "Content type error")
    try:
        asked = json.loads(body)
    except ValueError as error:
        message = (
            "expected value at line 1 column 1" if body.strip() else "EOF while parsing a value at line 1 column 0"
        )
        raise PictrsError(400, "invalid-json", message) from error
    match asked:
        case {"alias": str(alias)}:
            return alias
        case {"proxy": str()}:
            raise PictrsError(400, "proxy-not-allowed", "Cannot use proxied media as Not Found image")
    raise PictrsError(400, "invalid-json", "data did not match any variant of untagged enum AliasQuery")
