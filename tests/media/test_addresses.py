from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.media.addresses import is_public


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "198.20.0.1", "2606:4700::1111", "2a01:4f8::1"])
def test_ordinary_hosts_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",  # noqa: S104
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.127.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:1.1.1.1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::1.1.1.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2001::1",
        "2001:db8::1",
        "2001:20::1",
        "2002:7f00:1::1",
        "2002:101:101::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1111%eth0",
        "fec0::1",
        "ff02::1",
        "localhost",
        "127.1",
        "",
    ],
)
def test_everything_else_is_not(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_no_wrapped_ipv4_address_is_public(address: object) -> None:
    packed = int(address)  # type: ignore[call-overload]
    for prefix in ("::ffff:", "::", "64:ff9b::", "64:ff9b:1::"):
        assert not is_public(f"{prefix}{address}")
    assert not is_public(f"2002:{packed >> 16:x}:{packed & 0xFFFF:x}::1")
