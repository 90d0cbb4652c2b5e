"""Forms of the calls about private messages and their reports."""

from adapters.sandbox.lemmy.forms import Id, Long, form


@form
class CreatePrivateMessage:
    """POST /private_message."""

    content: str
    recipient_id: Id


@form
class DeletePrivateMessage:
    """POST /private_message/delete."""

    private_message_id: Id
    deleted: bool


@form
class EditPrivateMessage:
    """PUT /private_message."""

    private_message_id: Id
    content: str


@form
class ListPrivateMessages:
    """GET /private_message/list."""

    unread_only: bool | None = None
    page: Long | None = None
    limit: Long | None = None
    creator_id: Id | None = None


@form
class ReportPrivateMessage:
    """POST /private_message/report."""

    private_message_id: Id
    reason: str


@form
class ListMessageReports:
    """GET /private_message/report/list."""

    page: Long | None = None
    limit: Long | None = None
    unresolved_only: bool | None = None
