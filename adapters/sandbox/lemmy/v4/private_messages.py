"""Private messages through API v4. Nobody lists those of others; a report shows one to the administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.lemmy import private_messages
from adapters.sandbox.lemmy.errors import ConstraintError, LemmyError
from adapters.sandbox.lemmy.messages import messages as old
from adapters.sandbox.lemmy.rights import check_not_banned
from adapters.sandbox.lemmy.v4 import rows
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.errors import CausedError, not_found
from adapters.sandbox.lemmy.v4.messages.people import CreatePrivateMessage, DeletePrivateMessage, EditPrivateMessage
from adapters.sandbox.lemmy.v4.views import Views

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Json


def _answer(call: Call, number: int) -> Json:
    state, views = call.state, Views.of(call)
    message = state.private_messages[number]
    view = {
        "private_message": rows.private_message(message, told=message.recipient_id == call.me.person_id),
        "creator": views.person(state.people[message.creator_id]),
        "recipient": views.person(state.people[message.recipient_id]),
    }
    return {"private_message_view": view}


def _check_wanted(call: Call, *people: int) -> None:
    """Raise ``couldnt_create`` if somebody of our own has switched private messages off."""
    users = [call.state.local_user(person) for person in people]
    if not all(user is None or call.server.v4.preferences_of(user.id).private_messages_enabled for user in users):
        raise LemmyError("couldnt_create")


@route("POST", "/api/v4/private_message", CreatePrivateMessage, login=True, locked=False)
def create_private_message(call: Call, form: CreatePrivateMessage) -> Json:
    """Write to somebody."""
    with call.state.lock:
        check_not_banned(call)
        if form.recipient_id not in call.state.people:
            cause = str(ConstraintError("private_message", "recipient_id").message)
            raise CausedError("couldnt_create", cause)
        _check_wanted(call, call.me.person_id, form.recipient_id)
    given = old.CreatePrivateMessage(content=form.content, recipient_id=form.recipient_id)
    made = private_messages.create_message(call, given)
    with call.state.lock:
        return _answer(call, made["private_message_view"]["private_message"]["id"])


@route("PUT", "/api/v4/private_message", EditPrivateMessage, login=True, locked=False)
def edit_private_message(call: Call, form: EditPrivateMessage) -> Json:
    """Change one's own message; reports keep what it was."""
    with call.state.lock:
        check_not_banned(call)
        _check_wanted(call, call.me.person_id)
    given = old.EditPrivateMessage(private_message_id=form.private_message_id, content=form.content)
    private_messages.edit_message(call, given)
    with call.state.lock:
        return _answer(call, form.private_message_id)


@route("DELETE", "/api/v4/private_message", DeletePrivateMessage, login=True)
def delete_private_message(call: Call, form: DeletePrivateMessage) -> Json:
    """Delete or restore a message, each of the two for himself. Its text is still told."""
    check_not_banned(call)
    message, me = call.state.private_messages.get(form.private_message_id), call.me.person_id
    if message is None:
        raise not_found()
    if me == message.recipient_id:
        message.deleted_by_recipient = form.deleted
    elif me == message.creator_id:
        message.deleted = form.deleted
    else:
        raise LemmyError("edit_private_message_not_allowed")
    return _answer(call, message.id)
