"""Private messages, of which a bot may read only those that were sent to it or reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.lemmy.rights import check_not_banned
from adapters.sandbox.lemmy.text import BODY_LIMIT, check_length
from adapters.sandbox.lemmy.v4 import rows
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.errors import not_found
from adapters.sandbox.lemmy.v4.messages.people import CreatePrivateMessage
from adapters.sandbox.lemmy.v4.tables import PrivateMessage
from adapters.sandbox.lemmy.v4.views import Views
from adapters.sandbox.lemmy.wording import processed

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Json


@route("POST", "/api/v4/private_message", CreatePrivateMessage, login=True, locked=False)
def create_private_message(call: Call, form: CreatePrivateMessage) -> Json:
    """Write to somebody."""
    content = processed(call.server, form.content) or ""
    check_length(content, BODY_LIMIT, "invalid_body_field")
    state, rows_ = call.state, call.server.v4.private_messages
    with state.lock:
        check_not_banned(call)
        recipient = state.people.get(form.recipient_id)
        if recipient is None:
            raise not_found()
        number = state.next_id("private_message")
        message = PrivateMessage(
            id=number,
            creator_id=call.me.person_id,
            recipient_id=recipient.id,
            content=content,
            ap_id=f"{state.url}/private_message/{number}",
        )
        rows_[number] = message
        views = Views.of(call)
        view = {
            "private_message": rows.private_message(message),
            "creator": views.person(call.person),
            "recipient": views.person(recipient),
        }
        return {"private_message_view": view}
