"""Applications of those who want an account where registration asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy.calling import Call, route
from adapters.sandbox.lemmy.errors import LemmyError
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


def accept_everybody(state: State) -> None:
    """What Lemmy does when it begins to ask for applications: accounts from before are not to be locked out."""
    for user in state.local_users.values():
        user.accepted_application = True


@route("GET", "/api/v3/admin/registration_application/count", login=True)
def application_count(call: Call, _: Nothing) -> Json:
    """How many nobody has decided on."""
    require_admin(call)
    return {"registration_applications": sum(one.admin_id is None for one in call.state.applications.values())}


@route("GET", "/api/v3/admin/registration_application/list", ListApplications, login=True)
def list_applications(call: Call, form: ListApplications) -> Json:
    """The newest first."""
    require_admin(call)
    rows = sorted(call.state.applications.values(), key=lambda row: row.id, reverse=True)
    if form.unread_only:
        rows = [row for row in rows if row.admin_id is None]
    return {"registration_applications": [_view(call.state, row) for row in rows[span(form.page, form.limit)]]}


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
    """Let somebody in, or not."""
    require_admin(call)
    row = call.state.applications.get(form.id)
    if row is None:
        raise LemmyError("couldnt_find_registration_application")
    row.admin_id = call.person.id
    row.deny_reason = None if form.approve else form.deny_reason
    call.state.local_users[row.person_id].accepted_application = form.approve
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
