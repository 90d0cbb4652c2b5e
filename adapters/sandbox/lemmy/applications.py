"""Applications of those who want an account where registration asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.calling import Call, route
from adapters.sandbox.lemmy.errors import LemmyError, RegistrationDeniedError, record_not_found
from adapters.sandbox.lemmy.messages.people import ApproveApplication, GetApplication, ListApplications
from adapters.sandbox.lemmy.rights import require_admin
from adapters.sandbox.lemmy.rows import LocalUser, as_json
from adapters.sandbox.lemmy.site_rows import Application
from adapters.sandbox.lemmy.text import span

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.messages.site import Nothing
    from adapters.sandbox.lemmy.rows import Json
    from adapters.sandbox.lemmy.state import State


def add_application(state: State, user: LocalUser, answer: str) -> None:
    """Somebody registered and waits."""
    number = state.next_id("registration_application")
    state.applications[number] = Application(
        id=number, local_user_id=user.id, person_id=user.person_id, answer=answer, published=now()
    )


def check_application(state: State, person_id: int) -> None:
    """Raise what somebody is told whose application was not accepted; ``registration_denied`` once it was decided."""
    row = application_of(state, person_id)
    if row.admin_id is None:
        raise LemmyError("registration_application_is_pending")
    raise RegistrationDeniedError(row.deny_reason)


def listed(state: State, *, undecided: bool) -> list[Application]:
    """Applications, the newest first, or of those nobody has decided on the oldest first.

    Where addresses have to be verified, only those of people who did that.
    """
    verified_only, users = state.local_site.require_email_verification, state.local_users
    rows = [
        row
        for row in state.applications.values()
        if not (undecided and row.admin_id is not None)
        and not (verified_only and not users[row.person_id].email_verified)
    ]
    return sorted(rows, key=lambda row: row.id, reverse=not undecided)


def decide(call: Call, row: Application, *, approve: bool, deny_reason: str | None) -> None:
    """Let somebody in, or not. A reason stays from an earlier decision until there is another."""
    row.admin_id, row.updated = call.person.id, now()
    if deny_reason is not None:
        row.deny_reason = deny_reason or None
    call.state.local_users[row.person_id].accepted_application = approve


def accept_everybody(state: State) -> None:
    """What Lemmy does when it begins to ask for applications: accounts from before are not to be locked out."""
    for user in state.local_users.values():
        user.accepted_application = True


def verify_everybody(state: State) -> None:
    """The same when it begins to ask for verified addresses."""
    for user in state.local_users.values():
        user.email_verified = True


@route("GET", "/api/v3/admin/registration_application/count", login=True)
def application_count(call: Call, _: Nothing) -> Json:
    """How many nobody has decided on."""
    require_admin(call)
    return {"registration_applications": len(listed(call.state, undecided=True))}


@route("GET", "/api/v3/admin/registration_application/list", ListApplications, login=True)
def list_applications(call: Call, form: ListApplications) -> Json:
    """The newest first, or of those nobody has decided on the oldest first."""
    require_admin(call)
    rows = listed(call.state, undecided=bool(form.unread_only))[span(form.page, form.limit)]
    return {"registration_applications": [_view(call.state, row) for row in rows]}


@route("GET", "/api/v3/admin/registration_application", GetApplication, login=True)
def get_application(call: Call, form: GetApplication) -> Json:
    """The application of one person."""
    require_admin(call)
    return {"registration_application": _view(call.state, application_of(call.state, form.person_id))}


def application_of(state: State, person_id: int) -> Application:
    """The application of a person; raises ``LemmyError``."""
    row = next((row for row in state.applications.values() if row.person_id == person_id), None)
    if row is None:
        raise LemmyError("couldnt_find_registration_application")
    return row


@route("PUT", "/api/v3/admin/registration_application/approve", ApproveApplication, login=True)
def approve(call: Call, form: ApproveApplication) -> Json:
    """Let somebody in, or not. Whoever has an address is written to, which fails here; the decision stands."""
    require_admin(call)
    row = call.state.applications.get(form.id)
    if row is None:
        raise record_not_found()
    decide(call, row, approve=form.approve, deny_reason=form.deny_reason)
    if call.state.local_users[row.person_id].email is not None:
        raise LemmyError("no_email_setup")
    return {"registration_application": _view(call.state, row)}


def _view(state: State, row: Application) -> Json:
    view = {
        "registration_application": as_json(row),
        "creator_local_user": as_json(state.local_users[row.person_id]),
        "creator": as_json(state.people[row.person_id]),
    }
    if row.admin_id is not None:
        view["admin"] = as_json(state.people[row.admin_id])
    return view
