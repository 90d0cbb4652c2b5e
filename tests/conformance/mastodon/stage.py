"""What the tests make on the server, and how it is taken away again."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from ..answers import body
from ..waiting import eventually
from .people import Person
from .pictures import png

if TYPE_CHECKING:
    import httpx

    from .server import Server

NO_SUCH_ID = "1"
SPARED = 15  # deletions that the next run may need


class Stage:
    """Makes things under random texts and remembers them."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.posts: dict[str, tuple[Person, dict[str, Any]]] = {}
        self.reports: list[str] = []
        self._people: dict[tuple[str, str], Person] = {}
        self.admin = self.person("admin")
        self.anonymous = Person(server)
        self.instance: dict[str, Any] = body(self.anonymous.get("v2/instance"))

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor number, as the server tells them."""
        major, minor = self.instance["version"].split(".")[:2]
        return int(major), int(minor)

    def person(self, name: str, label: str = "full") -> Person:
        """One of the people with one of the tokens; ``KeyError`` where there is none."""
        if (name, label) not in self._people:
            credentials = self.server.people[name]
            self._people[name, label] = Person(self.server, credentials, credentials.tokens[label])
        return self._people[name, label]

    def crowd(self) -> list[Person]:
        """Ordinary people in good standing, who may post and be acted on."""
        found = []
        for name, one in self.server.people.items():
            answer = self.admin.get(f"v1/admin/accounts/{one.id}")
            if not answer.is_success or "full" not in one.tokens:
                continue
            account = answer.json()
            marks = ("suspended", "silenced", "sensitized", "disabled")
            ordinary = account["domain"] is None and account["role"] and account["role"]["id"] == "-99"
            if ordinary and account["approved"] and account["confirmed"] and not any(account[mark] for mark in marks):
                person = self.person(name)
                if person.get("v1/accounts/verify_credentials").is_success:
                    found.append(person)
        return found

    def picture(self, person: Person, content: bytes | None = None) -> str:
        """The id of an upload by ``person``, of new random pixels unless told otherwise."""
        return str(body(person.upload(png(160, 120) if content is None else content))["id"])

    def post(self, person: Person, text: str | None = None, *, pictures: int = 0, **fields: Any) -> dict[str, Any]:
        """A new status as the server answers it, public unless told otherwise."""
        if pictures:
            fields["media_ids"] = [self.picture(person) for _ in range(pictures)]
        content = {"status": text or f"a post {secrets.token_hex(4)}", "visibility": "public", "language": "en"}
        status: dict[str, Any] = body(person.post("v1/statuses", **(content | fields)))
        self.posts[status["id"]] = person, status
        return status

    def report(self, person: Person, account_id: str, **fields: Any) -> dict[str, Any]:
        """A new report as the server answers it."""
        return self.keep_report(person.post("v1/reports", account_id=account_id, **fields))

    def keep_report(self, answer: httpx.Response) -> dict[str, Any]:
        """Remember a report, so that it is closed at the end."""
        report: dict[str, Any] = body(answer)
        self.reports.append(report["id"])
        return report

    def open_reports(self, account_id: str) -> list[str]:
        """The ids of the open reports on somebody."""
        query = {"target_account_id": account_id, "limit": 200}
        return [one["id"] for one in self.admin.found("v1/admin/reports", query)]

    def close_reports(self, account_id: str) -> None:
        """Resolve every open report on somebody."""
        for number in self.open_reports(account_id):
            body(self.admin.post(f"v1/admin/reports/{number}/resolve"))

    def last_warning(self, person: Person) -> str:
        """The newest notification of a moderator's warning, to count from."""
        found = person.found("v1/notifications", {"types[]": ["moderation_warning"], "limit": 1})
        return str(found[0]["id"]) if found else "0"

    def warnings(self, person: Person, since: str) -> int:
        """How many warnings of moderators somebody has been shown since then."""
        query = {"types[]": ["moderation_warning"], "limit": 80, "since_id": since}
        return len(person.found("v1/notifications", query))

    def gone(self, person: Person, status_id: str) -> None:
        """Wait until ``person`` cannot read a status."""
        eventually(lambda: person.get(f"v1/statuses/{status_id}").status_code == 404, "a status is still there")

    def clear(self) -> None:
        """Delete the posts and resolve the reports.

        A server takes thirty deletions from one person in half an hour. Some are left for the next run, and with them
        what could not be deleted.
        """
        left, tired = [], set()
        for status_id, (person, _) in self.posts.items():
            if person.name in tired:
                continue
            answer = person.delete(f"v1/statuses/{status_id}", {"delete_media": "true"})
            if answer.status_code not in {200, 404, 429}:
                left.append(f"status {status_id}: {answer.status_code} {answer.text}")
            elif int(answer.headers.get("x-ratelimit-remaining", SPARED)) < SPARED:
                tired.add(person.name)
        for number in self.reports:
            answer = self.admin.post(f"v1/admin/reports/{number}/resolve")
            if not answer.is_success:
                left.append(f"report {number}: {answer.status_code} {answer.text}")
        assert not left, f"could not be taken away again: {', '.join(left)}"

    def close(self) -> None:
        """Give all connections back."""
        self.anonymous.close()
        for person in self._people.values():
            person.close()
