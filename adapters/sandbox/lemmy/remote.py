"""The pretend remote instance: a second server that shows its files and says what it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from adapters.sandbox.pictrs.serve_file import file_answer
from adapters.sandbox.pictrs.store import AliasNotFoundError, FileStore

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_IMAGES = "/pictrs/image/"


class RemoteApp:
    """Serves ``/pictrs/image/ALIAS`` of its own store."""

    def __init__(self, files: FileStore) -> None:
        self.files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        answer = self._answer(request)
        await answer(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        path = request.scope["path"]
        if request.method != "GET":
            return Response(b"", status_code=405)
        if path == "/nodeinfo/2.1":
            body = {"version": "2.1", "software": {"name": "lemmy", "version": "0.19.20"}}
            return Response(json.dumps(body), headers={"content-type": "application/json"})
        if not path.startswith(_IMAGES):
            return Response(b"", status_code=404)
        try:
            file = self.files.file(path.removeprefix(_IMAGES))
        except AliasNotFoundError:
            return Response(b"", status_code=404)
        answer = file_answer(
            request.headers,
            file.data,
            content_type=file.found.format.content_type,
            etag=file.etag,
            modified_ns=file.created_ns,
        )
        answer.headers["vary"] = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        return answer
