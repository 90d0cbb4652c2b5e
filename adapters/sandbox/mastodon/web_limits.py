"""How often somebody may try to sign in: by place, by address of mail, and by account for the one-time code.

https://github.com/mastodon/mastodon/blob/main/config/initializers/rack_attack.rb
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.sandbox.mastodon.limits import Asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from adapters.sandbox.mastodon.limits import RateLimiter

_HOUR = 3600
_SIGN_INS_OF_AN_ADDRESS = 25  # an hour
_CODES = 10  # an hour


@dataclass(slots=True)
class _Hourly:
    """So many tries an hour for one key."""

    most: int
    tries: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def passes(self, key: str, moment: float) -> bool:
        kept = [at for at in self.tries[key] if at // _HOUR == moment // _HOUR]
        self.tries[key] = [*kept, moment]
        return len(kept) < self.most


class SignInLimits:
    """Counts tries; refuses only where the limits of the server are enforced."""

    def __init__(self, limiter: RateLimiter, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._limiter = limiter
        self._addresses = _Hourly(_SIGN_INS_OF_AN_ADDRESS)
        self._codes = _Hourly(_CODES)

    def refusal(self, request: Request, email: str, code_for: int | None) -> dict[str, str] | None:
        """The headers of a refusal, or none. ``code_for``: the account whose one-time code this is, if it is one."""
        asked = Asked(
            method="POST",
            path="/auth/sign_in",
            names=frozenset(),
            token=None,
            account_id=None,
            address=address(request),
        )
        counted = self._limiter.count(asked)
        passes = counted is None or counted.passes
        if code_for is not None:
            passes &= self._codes.passes(str(code_for), self.clock()) or not self._limiter.enforced
        elif email:
            passes &= self._addresses.passes(email.strip().lower(), self.clock()) or not self._limiter.enforced
        return None if passes else {} if counted is None else counted.headers


def address(request: Request) -> str:
    """Where a request comes from; a proxy says so in a header."""
    return request.headers.get("x-forwarded-for", "").split(",")[0].strip() or (
        request.client.host if request.client else ""
    )
