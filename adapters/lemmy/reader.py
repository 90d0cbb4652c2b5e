"""Reads one subject again, whatever its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.lemmy.convert import is_private
from bot.domain.content import Comment, CommunityPage, Post, Profile, SitePage
from bot.domain.errors import BadAnswerError, NotFoundError
from bot.ports import Batch, Gone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.lemmy.convert import Converter
    from adapters.lemmy.requestor import Endpoints
    from bot.domain.content import Sighting, SubjectKey
    from bot.ports import Clock


PRIVATE = Gone(detail="it is in a private community: what is shown to its members only is not looked at")


class Reader:
    """Single reads from one server."""

    def __init__(self, endpoints: Endpoints, converter: Converter, clock: Clock) -> None:
        """``endpoints``: of the server that ``converter`` speaks for."""
        self._endpoints = endpoints
        self._converter = converter
        self._clock = clock

    def read(self, what: SubjectKey) -> Batch | Gone:
        """The media of a subject as it is now, removed or not: an administrator is shown both, and its files live on.

        Raises ``PlatformError`` when the server cannot be asked.
        """
        try:
            return self._read(what)
        except NotFoundError as error:
            return Gone(detail=str(error))
        except (KeyError, TypeError) as error:
            raise BadAnswerError(f"{what} has an unknown shape ({type(error).__name__} {error})") from error

    def _read(self, what: SubjectKey) -> Batch | Gone:
        if what.kind == SitePage.kind:
            return self._site_page(what)
        if not what.local_id.isdecimal():
            return Gone(detail=f"{what.local_id!r} is not an id of Lemmy's")
        number, at, convert = int(what.local_id), self._clock.now(), self._converter
        sightings: Sequence[Sighting]
        withdrawn = False
        match what.kind:
            case Post.kind:
                view = self._endpoints.post.get(number)["post_view"]
                if is_private(view["community"]):
                    return PRIVATE
                around = convert.seen_around(view, at=at, backlog=False)
                sightings = [*convert.seen_in_post(view, at=at, backlog=False), *around]
                withdrawn = bool(view["post"].get("deleted"))
            case Comment.kind:
                view = self._endpoints.comment.get(number)["comment_view"]
                if is_private(view["community"]):
                    return PRIVATE
                around = convert.seen_around(view, at=at, backlog=False)
                sightings = [*convert.seen_in_comment(view, at=at, backlog=False), *around]
                withdrawn = bool(view["comment"].get("deleted"))
            case Profile.kind:
                person = self._endpoints.user.get(person_id=number, limit=1)["person_view"]
                staff = bool(person.get("is_admin"))
                sightings = convert.seen_in_profile(person["person"], at=at, backlog=False, is_staff=staff)
            case CommunityPage.kind:
                view = self._endpoints.community.get(id=number)["community_view"]
                if is_private(view["community"]):
                    return PRIVATE
                sightings = convert.seen_in_community(view["community"], at=at, backlog=False)
            case _:
                return Gone(detail=f"Lemmy has no subject of the kind {what.kind!r}")
        return Batch(sightings=sightings, withdrawn=withdrawn)

    def _site_page(self, what: SubjectKey) -> Batch | Gone:
        seen = self._converter.seen_on_site(self._endpoints.site.get(), at=self._clock.now(), backlog=False)
        found = [one for one in seen if one.subject.key == what]
        return Batch(sightings=found) if found else Gone(detail=f"the server shows nothing of that kind ({what})")
