"""Which addresses the public internet consists of."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_NOT_PUBLIC_4 = (
    IPv4Network("192.88.99.0/24"),  # 6to4 relays, RFC 7526
    IPv4Network("192.0.0.0/24"),  # protocol assignments, RFC 6890; some of it is "global" to the standard library
)
_UNICAST_6 = IPv6Network("2000::/3")  # all that IANA has given out for the public internet
_TRANSLATED_6 = (
    # These carry an IPv4 address inside; whether it is private depends on somebody else's translator.
    IPv6Network("2002::/16"),  # 6to4, RFC 3056
    IPv6Network("2001::/32"),  # Teredo, RFC 4380
    IPv6Network("2001:10::/28"),  # ORCHID, RFC 4843
    IPv6Network("2001:20::/28"),  # ORCHIDv2, RFC 7343
    IPv6Network("3fff::/20"),  # documentation, RFC 9637; unknown to the standard library of Python 3.11
)


def is_public(address: str) -> bool:
    """Whether ``address`` (text of an IPv4 or IPv6 address) is an ordinary host of the public internet.

    ``False`` for private, loopback, link-local, multicast, reserved, unspecified, shared (100.64.0.0/10) and
    documentation addresses; for IPv6 that wraps IPv4 (mapped, compatible, NAT64 64:ff9b::/96 and 64:ff9b:1::/48, 6to4,
    Teredo); for addresses with a zone; and for anything that is not an address.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return _is_public_4(parsed)
    return _is_public_6(parsed)


def _is_public_4(address: IPv4Address) -> bool:
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved or address.is_unspecified)
        and not any(address in network for network in _NOT_PUBLIC_4)
    )


def _is_public_6(address: IPv6Address) -> bool:
    if address.scope_id is not None or address not in _UNICAST_6:
        return False
    return address.is_global and not any(address in network for network in _TRANSLATED_6)
