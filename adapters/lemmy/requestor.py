"""Puts pythorhead's endpoint classes on our own client.

pythorhead's own ``Requestor`` turns every error into ``None``, never retries and gives up after three seconds; its
endpoint classes only ask it for ``api``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pythorhead.comment import Comment
from pythorhead.community import Community
from pythorhead.modlog import Modlog
from pythorhead.post import Post
from pythorhead.requestor import Request, Requestor
from pythorhead.site import Site
from pythorhead.user import User

if TYPE_CHECKING:
    from adapters.lemmy.client import LemmyClient
    from adapters.lemmy.wire import Json


class OurRequestor(Requestor):  # type: ignore[misc] # pythorhead is not typed
    """Sends what the endpoint classes ask for through a ``LemmyClient``."""

    def __init__(self, client: LemmyClient, *, urgent: bool) -> None:
        """``urgent``: reads go before listings, too. Does not call the parent, which would open its own sessions."""
        self._client = client
        self._urgent = urgent

    def api(self, method: Request, endpoint: str, **kwargs: Any) -> Json:
        """One call. Raises ``PlatformError`` and never returns ``None``."""
        if method is Request.GET:
            return self._client.get(endpoint, kwargs.get("params"), urgent=self._urgent)
        return self._client.do(method.value, endpoint, kwargs.get("json") or {})


class Endpoints:
    """pythorhead's classes for the endpoints that we use."""

    def __init__(self, client: LemmyClient, *, urgent: bool) -> None:
        """``urgent`` as in ``OurRequestor``."""
        requestor = OurRequestor(client, urgent=urgent)
        self.post = Post(requestor)
        self.comment = Comment(requestor)
        self.user = User(requestor)
        self.community = Community(requestor)
        self.modlog = Modlog(requestor)
        self.site = Site(requestor)
