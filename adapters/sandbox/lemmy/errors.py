"""The errors of Lemmy: a code in snake case, sometimes a message, and a status that the code hardly decides."""

from __future__ import annotations


class LemmyError(Exception):
    """One refusal. 401 goes with ``incorrect_login``, 404 with a row the database did not find, 400 with the rest."""

    def __init__(self, code: str, message: str | None = None, *, status: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status or (401 if code == "incorrect_login" else 400)

    @property
    def body(self) -> dict[str, str | None]:
        """As JSON."""
        told: dict[str, str | None] = {"error": self.code}
        return told if self.message is None else told | {"message": self.message}


class MalformedRequestError(LemmyError):
    """A query or a body that cannot be read. It is answered before any other part of the server sees it."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__("unknown", message, status=status)


class RegistrationDeniedError(LemmyError):
    """An application that was turned down; ``message`` is why, and is written even where nobody said so."""

    def __init__(self, reason: str | None) -> None:
        super().__init__("registration_denied", reason)

    @property
    def body(self) -> dict[str, str | None]:
        """As JSON."""
        return {"error": self.code, "message": self.message}


class UnkeptCharacterError(LemmyError):
    """A text with the one character that PostgreSQL cannot keep; ``reading``: nothing was to be written."""

    def __init__(self, *, reading: bool) -> None:
        super().__init__("unknown", 'invalid byte sequence for encoding "UTF8": 0x00')
        self.reading = reading


class ConstraintError(LemmyError):
    """What the database says of a row that points at nothing. 1.0 calls it ``couldnt_update`` mostly."""

    def __init__(self, table: str, column: str) -> None:
        key = f"{table}_{column}_fkey"
        super().__init__("unknown", f'insert or update on table "{table}" violates foreign key constraint "{key}"')


def unknown(message: str) -> LemmyError:
    """An error without a code of its own."""
    return LemmyError("unknown", message)


def record_not_found(code: str = "unknown") -> LemmyError:
    """What the database says when an update or a delete meets no row: the only 404 with a body."""
    return LemmyError(code, "Record not found" if code == "unknown" else None, status=404)
