"""The HTTP API of pict-rs 0.5: what anyone may ask, and what takes the key."""

from __future__ import annotations

import hmac
import json
from datetime import datetime
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
from adapters.sandbox.loopback import OutsideLoopbackError, fetch
from adapters.sandbox.pictrs.formats import TARGETS, BrokenMediaError, InvalidMediaError
from adapters.sandbox.pictrs.serve_file import file_answer
from adapters.sandbox.pictrs.store import Alias, AliasNotFoundError, FileStore, ProxyNotFoundError, StoredFile
from adapters.sandbox.pictrs.validation import RefusedError, ValidatorUnreachableError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

USER_AGENT = "pict-rs v0.5.24"
_UNSIZED = 100_000  # pixels: no limit on a copy's size


class PictrsError(Exception):
    """An error answer: ``{"code": …, "msg": …}``."""

    def __init__(self, status: int, code: str, msg: str) -> None:
        super().__init__(msg)
        self.status = status
        self.code = code
        self.msg = msg


def json_answer(value: object, status: int = 200) -> Response:
    """JSON without spaces, as serde writes it."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(body, status_code=status, headers={"content-type": "application/json"})


def failure(error: Exception) -> PictrsError:
    """How pict-rs reports what went wrong with a file."""
    match error:
        case PictrsError():
            return error
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
            known = failure(error)
            answer = json_answer({"code": known.code, "msg": known.msg}, known.status)
        if request.method == "HEAD":
            answer.body = b""
        await answer(scope, receive, send)

    async def _dispatch(self, request: Request) -> Response:
        path = request.url.path
        if path == "/image" and request.method == "POST":
            return json_answer(uploaded(await self._upload(request)), 201)
        if path.startswith("/internal/"):
            return self._internal(request, path.removeprefix("/internal/"))
        return await run_in_threadpool(self._public, request, path)

    async def _upload(self, request: Request) -> list[tuple[Alias, StoredFile]]:
        refused = PictrsError(400, "file-upload-error", "Found field with unexpected name or type")
        try:
            form = await request.form()
        except (HTTPException, MultiPartException, MultipartParseError) as error:
            raise refused from error
        async with request.form():
            fields = form.multi_items()
            if not fields or any(name != "images[]" or not isinstance(value, UploadFile) for name, value in fields):
                raise refused
            contents = [await value.read() for _, value in fields if isinstance(value, UploadFile)]
        return [await run_in_threadpool(self.store.ingest, data) for data in contents]

    def _public(self, request: Request, path: str) -> Response:
        query, reading = request.query_params, request.method in {"GET", "HEAD"}
        match path.strip("/").split("/"):
            case ["healthz"] if reading:
                return Response(b"")
            case ["image", "original", alias] if reading:
                return self._original(request, alias, None)
            case ["image", "original"] if reading:
                return self._original(request, *_named(request))
            case ["image", "details", "original"] if reading:
                file = self.store.file(self._ingested(*_named(request)))
                facts = details(file)
                order = ("blurhash", "width", "height", "frames", "content_type", "created_at", "format")
                return json_answer({key: facts[key] for key in order})
            case ["image", "blurhash"] if reading:
                file = self.store.file(self._ingested(*_named(request)))
                return json_answer({"blurhash": file.found.blurhash, "msg": "ok"})
            case ["image", name] if reading and name.startswith("process."):
                return self._process(request, name.removeprefix("process."))
            case ["image", "download"] if reading:
                data = fetch(query.get("url", ""), USER_AGENT).raise_for_status().content
                resize = query.get("resize")
                stored = self.store.ingest(data, resize=int(resize) if resize else None)
                return json_answer(uploaded([stored]), 201)
            case ["image", "delete", token, alias] if request.method in {"DELETE", "GET"}:
                if not self.store.delete_by_token(alias, token):
                    raise PictrsError(403, "invalid-delete-token", "Provided token did not match expected token")
                return Response(status_code=204)
        return Response(b"", status_code=404)

    def _ingested(self, alias: str | None, proxy: str | None) -> str:
        """The alias of a name, fetching a URL that was not proxied before."""
        if alias is not None:
            return alias
        url = proxy or ""
        if self.store.proxied(url) is None:
            self.store.ingest_proxied(url, fetch(url, USER_AGENT).raise_for_status().content)
        return self.store.resolve(None, url)

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
        target = TARGETS.get(extension)
        if target is None:
            raise PictrsError(400, "invalid-query", f"Unsupported format: {extension}")
        query = request.query_params
        asked = query.get("thumbnail") or query.get("resize")
        size = int(asked) if asked and asked.isdigit() else _UNSIZED
        try:
            alias = self._ingested(query.get("src") or query.get("alias"), query.get("proxy"))
            file, data, made_ns = self.store.variant(alias, target, size)
        except AliasNotFoundError:
            return Response(b"", status_code=404)
        return file_answer(request.headers, data, content_type=target.content_type, etag=file.etag, modified_ns=made_ns)

    def _internal(self, request: Request, what: str) -> Response:
        if not hmac.compare_digest(request.headers.get("x-api-token", "").encode(), self._key.encode()):
            raise PictrsError(401, "invalid-api-token", "Invalid API Key")
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
            case ("DELETE", "variants"):
                self.store.drop_variants()
                return Response(status_code=204)
        return Response(b"", status_code=404)

    def _known(self, request: Request) -> str:
        return self.store.resolve(*_named(request))

    def _hashes(self, request: Request) -> Response:
        query = request.query_params
        try:
            limit = int(query.get("limit", 20))
            before = query.get("timestamp")
            before_ns = None if before is None else int(datetime.fromisoformat(before).timestamp() * 1e9)
        except ValueError as error:
            raise PictrsError(400, "invalid-query", f"Query deserialize error: {error}") from error
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


def _named(request: Request) -> tuple[str | None, str | None]:
    alias, proxy = request.query_params.get("alias"), request.query_params.get("proxy")
    if alias is None and proxy is None:
        raise PictrsError(400, "invalid-query", "data did not match any variant of untagged enum AliasQuery")
    return alias, proxy
