"""Which server an address leads to, as accounts and the addresses of files are compared."""

from __future__ import annotations

from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}
"""What the schemes of the web imply where no port is written."""

LONGEST_LABEL = 63
"""Characters of a label that can be looked up: https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4"""


def in_ascii(label: str) -> str:
    """A label of a host in ASCII, as it is, without asking whether it may be one. Raises ``UnicodeError``."""
    return label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"


def host_of(url: str) -> str:
    """Host and port, in lower case, without the port that the scheme implies; empty if there is none.

    A host in another script is not put into ASCII here; addresses come in that form already.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    host = (parts.hostname or "").rstrip(".")
    return host if port is None or port == PORTS.get(parts.scheme) else f"{host}:{port}"
