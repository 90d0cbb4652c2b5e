"""Which server an address leads to, as accounts and the addresses of files are compared."""

from __future__ import annotations

from urllib.parse import urlsplit

import idna

PORTS = {"http": 80, "https": 443}
"""What the schemes of the web imply where no port is written."""

_LONGEST_LABEL = 63  # characters that can be looked up: https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4


def host_of(url: str) -> str:
    """Host and port, in lower case, without the port that the scheme implies; empty if there is none.

    A host in another script is not put into ASCII here (see ``ascii_host``); addresses come in that form already.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    host = (parts.hostname or "").rstrip(".")
    return host if port is None or port == PORTS.get(parts.scheme) else f"{host}:{port}"


def ascii_host(host: str) -> str:
    """A host as it is looked up, which is how servers write it, too; empty if it cannot be.

    What browsers do: https://url.spec.whatwg.org/#idna. The standard library knows the older standard only, by which
    another host is looked up for ``straße.example``.
    """
    try:
        host = idna.uts46_remap(host, std3_rules=False, transitional=False)
    except idna.IDNAError:
        return ""
    try:
        return idna.encode(host).decode()
    except idna.IDNAError:  # an emoji, for instance: browsers know such hosts, the newer standard does not
        if any(len(one) > _LONGEST_LABEL for one in host.split(".")):
            return ""
        return ".".join(one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in host.split("."))
