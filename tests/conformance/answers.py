"""Reading an answer of Lemmy: the body of a success, or the status and code of a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx


def body(response: httpx.Response) -> dict[str, Any]:
    """The JSON of a success; anything else fails the test with the server's own words."""
    assert response.is_success, (
        f"{response.request.method} {response.request.url}: {response.status_code} {response.text}"
    )
    found: dict[str, Any] = response.json()
    return found


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Status and ``error`` code. Both count: the bot decides by the code, and logs the status."""
    assert not response.is_success, f"{response.request.method} {response.request.url}: {response.status_code}"
    return response.status_code, response.json()["error"]
