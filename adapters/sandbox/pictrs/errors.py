"""How pict-rs refuses."""

from __future__ import annotations

import json

from starlette.responses import Response


class PictrsError(Exception):
    """An error answer: ``{"code": …, "msg": …}``."""

    def __init__(self, status: int, code: str, msg: str) -> None:
        super().__init__(msg)
        self.status = status
        self.code = code
        self.msg = msg

    @property
    def answer(self) -> Response:
        """As pict-rs gives it."""
        return json_answer({"code": self.code, "msg": self.msg}, self.status)


def json_answer(value: object, status: int = 200) -> Response:
    """JSON without spaces, as serde writes it."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(body, status_code=status, headers={"content-type": "application/json"})
