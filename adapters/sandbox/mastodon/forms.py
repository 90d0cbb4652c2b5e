"""The parameters of a request as Rails reads them: query, form or JSON, all in one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile

from adapters.sandbox.mastodon.errors import PageError
from adapters.sandbox.mastodon.text import flag, number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file of a multipart form."""

    filename: str
    content_type: str
    data: bytes


class Params:
    """Parameters by name; a later one of the same name wins, ``name[]`` collects, ``name[key]`` nests."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def get(self, name: str) -> Any:
        """A parameter as it came; none if it did not."""
        return self.values.get(name)

    def text(self, name: str, default: str = "") -> str:
        """A parameter as text; nothing and null are ``default``."""
        value = self.values.get(name)
        return default if value is None or isinstance(value, dict | list | Upload) else _word(value)

    def flag(self, name: str) -> bool | None:
        """A truth value; none if it is not given."""
        return flag(self.values.get(name))

    def items(self, name: str) -> list[str]:
        """A list; a single value is a list of one."""
        value = self.values.get(name)
        if value is None or value == "":
            return []
        listed = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else [value]
        return [_word(item) for item in listed]

    def limit(self, default: int, most: int | None = None) -> int:
        """How many rows are wanted: no sign, no text, and never more than twice the default, or ``most``."""
        if "limit" not in self.values:
            return default
        return min(abs(number(self.values["limit"])), most or default * 2)

    def only(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """Some of the parameters, as a link to the next page repeats them."""
        kept: list[tuple[str, str]] = []
        for name in names:
            if name not in self.values:
                continue
            value = self.values[name]
            if isinstance(value, list):
                kept += [(f"{name}[]", _word(item)) for item in value]
            else:
                kept.append((name, _word(value)))
        return kept


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def nested(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Names with brackets made into lists and dictionaries."""
    made: dict[str, Any] = {}
    for name, value in pairs:
        parts = re.split(r"\[([^\]]*)\]", name)
        keys = [parts[0], *parts[1::2]]
        at: Any = made
        for place, key in enumerate(keys[:-1]):
            following = keys[place + 1]
            if not isinstance(at, dict):
                raise PageError(400)
            at = at.setdefault(key, [] if following == "" else {})
        if keys[-1] == "" and isinstance(at, list):
            at.append(value)
        elif isinstance(at, dict):
            at[keys[-1]] = value
        else:
            raise PageError(400)
    return made


async def read(request: Request) -> Params:
    """The parameters of a request. Raises ``PageError`` for a body that cannot be read."""
    values = nested(parse_qsl(request.url.query, keep_blank_values=True))
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "application/json":
        values |= _read_json(await request.body())
    elif kind == "application/x-www-form-urlencoded":
        body = (await request.body()).decode("utf-8", "replace")
        values |= nested(parse_qsl(body, keep_blank_values=True))
    elif kind == "multipart/form-data":
        pairs: list[tuple[str, Any]] = []
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    sent = Upload(
                        filename=value.filename or "",
                        content_type=value.content_type or "application/octet-stream",
                        data=await value.read(),
                    )
                    pairs.append((name, sent))
                else:
                    pairs.append((name, value))
        values |= nested(pairs)
    return Params(values)


def _read_json(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        value = json.loads(body)
    except ValueError as error:
        raise PageError(400) from error
    return value if isinstance(value, dict) else {"_json": value}
