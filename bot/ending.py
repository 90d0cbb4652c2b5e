"""How the process ends in time, whatever hangs."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

GRACE = 10.0
"""Seconds from the first signal to the end of the process. Containers are killed after so many unless told otherwise:
https://docs.docker.com/reference/cli/docker/container/stop/.
"""

FINISH = 6.0
"""The first of them: what runs may finish."""

TIDY = 1.5
"""Then this long, twice: for giving back what is not finished, and for closing what is open. The rest is slack."""


class Threads(ThreadPoolExecutor):
    """Threads for calls that may hang. When the process ends they can be left behind.

    A call to a server that does not answer cannot be interrupted. What it was about is in the ledger, as after a crash.
    """

    def __init__(self, most: int) -> None:
        """``most``: calls at the same time."""
        super().__init__(most, "fediwarden")
        self._under_way: set[Future[Any]] = set()
        self._left = False

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As the executor does; what is under way is remembered."""
        future = super().submit(call, *args, **kwargs)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def leave(self) -> int:
        """From now on ``shutdown`` waits for nobody; how many calls are under way still."""
        self._left = True
        return len(self._under_way)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As the executor does, unless its threads were left."""
        super().shutdown(wait and not self._left, cancel_futures=cancel_futures or self._left)
