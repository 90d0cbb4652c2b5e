"""Reports on Lemmy 1.0: to the admins of the server itself, and only to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.lemmy.reports import Reports
from bot.domain.content import Comment
from bot.domain.errors import BadAnswerError, NotFoundError

if TYPE_CHECKING:
    from adapters.lemmy.wire import Json
    from bot.domain.decisions import Report

_LIMIT = 50
_PAGES = 20


class V4Reports(Reports):
    """Reports by the bot's account on one server."""

    route = "Lemmy API v4, to the admins; it does not leave the server"
    twice = "couldnt_create"
    local_only = True

    def _own(self, intent: Report) -> Json | None:
        kind, me = intent.subject.kind, self._client.my_id(urgent=True)
        query: Json = {
            "type_": f"{kind}s",
            "post_id": self._post_of(intent),
            "my_reports_only": True,
            "show_community_rule_violations": True,
            "limit": _LIMIT,
        }
        if query["post_id"] is None:
            return None
        for _ in range(_PAGES):
            answer = self._client.get("/report/list", query, urgent=True)
            try:
                for row in answer["items"]:
                    report = row.get(f"{kind}_report")
                    if report and report["creator_id"] == me and str(report[f"{kind}_id"]) == intent.subject.local_id:
                        return {
                            **report,
                            "resolver_id": report.get("resolver_id"),
                            "resolved": bool(report["resolved"]),
                        }
            except (KeyError, TypeError, AttributeError) as error:
                raise BadAnswerError("the report list is not in the shape of API v4") from error
            following = answer.get("next_page")
            if not following or following == query.get("page_cursor"):
                break
            query = {**query, "page_cursor": following}
        return None

    def _post_of(self, intent: Report) -> int | None:
        """The list has a filter for posts and none for comments. ``None``: the comment is gone, and its reports."""
        number = int(intent.subject.local_id)
        if not isinstance(intent.subject, Comment):
            return number
        try:
            return int(self._endpoints.comment.get(number)["comment_view"]["comment"]["post_id"])
        except NotFoundError:
            return None
        except (KeyError, TypeError, ValueError) as error:
            raise BadAnswerError(f"{intent.subject.key} is not in the shape of API v4") from error
