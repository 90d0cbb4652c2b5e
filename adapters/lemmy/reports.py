"""Reports to the moderators. One report per thing and reporter, for ever: Lemmy refuses the second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.outcome import before_deed
from bot.domain.content import Comment, Post, Visibility
from bot.domain.decisions import AlreadyDone, Done, Failed, Offer, Refused, Verification
from bot.domain.errors import BadAnswerError, RejectedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.lemmy.client import LemmyClient
    from adapters.lemmy.requestor import Endpoints
    from adapters.lemmy.wire import Json
    from bot.domain.decisions import Outcome, Report

_LIMIT = 50
_PAGES = 20  # a thousand people may have reported the same post before us


class Reports:
    """Reports by the bot's account on one server."""

    route = "Lemmy API v3"
    twice = "couldnt_create_report"  # the code that refuses a second one
    local_only = False  # whether posts in local-only communities can be reported

    def __init__(self, client: LemmyClient, endpoints: Endpoints) -> None:
        """``endpoints``: of ``client``."""
        self._client = client
        self._endpoints = endpoints

    def offers(self, intent: Report) -> Offer:
        """Posts and comments can be reported."""
        why_not = ""
        if not isinstance(intent.subject, Post | Comment):
            why_not = f"Lemmy takes no reports on a {intent.subject.kind}"
        elif isinstance(intent.subject, Post) and intent.subject.visibility is Visibility.LOCAL and not self.local_only:
            why_not = "Lemmy 0.19 takes no reports on posts in local-only communities"
        return Offer(supported=not why_not, reversible=True, route=self.route, why_not=why_not)

    def apply(self, intent: Report) -> Outcome:
        """File it. Lemmy itself sees to it that there is one only."""
        number = int(intent.subject.local_id)
        try:
            if intent.subject.kind == Post.kind:
                view = self._endpoints.post.report(post_id=number, reason=intent.text)["post_report_view"]
            else:
                view = self._endpoints.comment.report(comment_id=number, reason=intent.text)["comment_report_view"]
            return Done(note=f"report {view[_key(intent)]['id']}")
        except RejectedError as error:
            if error.code != self.twice:
                raise
        except (KeyError, TypeError) as error:
            raise BadAnswerError("the report was answered in an unknown shape") from error
        own = before_deed(lambda: self._own(intent))
        if own is None:
            return Failed(note="Lemmy could not create the report, and has none of ours")
        return AlreadyDone(note=_described(own), by_us=True)

    def verify(self, intent: Report) -> Verification:
        """Look for our own report."""
        own = self._own(intent)
        if own is None:
            return Verification(so=False, detail="there is no report of ours", state={})
        state = {"report_id": own["id"], "resolved": own["resolved"]}
        return Verification(so=True, by_us=True, detail=_described(own), state=state)

    def revert(self, intent: Report, before: Mapping[str, Any]) -> Outcome:
        """Resolve our own report: Lemmy cannot take one back."""
        own = before_deed(lambda: self._own(intent))
        if own is None or own["resolved"] or before.get("report_id") == own["id"]:
            return AlreadyDone(note="there is no open report of ours from this case")
        self._endpoints_for(intent).resolve_report(own["id"])
        return Done(note=f"report {own['id']} resolved")

    def reopen(self, intent: Report) -> Outcome:
        """Open our report again, unless somebody else has resolved it: then a human has seen it."""
        own = before_deed(lambda: self._own(intent))
        if own is None:
            return Refused(code="no_report", note="there is no report of ours to open again")
        if not own["resolved"]:
            return AlreadyDone(note=_described(own), by_us=True)
        me = before_deed(lambda: self._client.my_id(urgent=True))
        if own["resolver_id"] not in {None, me}:
            return Refused(code="resolved_by_other", note=f"report {own['id']} was resolved by a human")
        kind = intent.subject.kind
        self._client.do("PUT", f"/{kind}/report/resolve", {"report_id": own["id"], "resolved": False})
        return Done(note=f"report {own['id']} is open again")

    def _endpoints_for(self, intent: Report) -> Any:
        return self._endpoints.post if intent.subject.kind == Post.kind else self._endpoints.comment

    def _own(self, intent: Report) -> Json | None:
        kind, me = intent.subject.kind, self._client.my_id(urgent=True)
        for page in range(1, _PAGES + 1):
            query = {f"{kind}_id": intent.subject.local_id, "unresolved_only": False, "page": page, "limit": _LIMIT}
            answer = self._client.get(f"/{kind}/report/list", query, urgent=True)
            try:
                reports = [view[_key(intent)] for view in answer[f"{kind}_reports"]]
                for report in reports:
                    # Older servers do not know the filter and list everything.
                    if report["creator_id"] == me and str(report[f"{kind}_id"]) == intent.subject.local_id:
                        return {"resolver_id": None, **report, "resolved": bool(report["resolved"])}
            except (KeyError, TypeError) as error:
                raise BadAnswerError("the report list is not in the shape of API v3") from error
            if len(reports) < _LIMIT:
                break
        return None


def _key(intent: Report) -> str:
    return f"{intent.subject.kind}_report"


def _described(own: Json) -> str:
    return f"report {own['id']}, {'resolved' if own['resolved'] else 'open'}"
