"""Blocks of servers and of addresses."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING

import idna

from adapters.sandbox.clock import now
from adapters.sandbox.mastodon.block_rows import DomainBlock, IpBlock
from adapters.sandbox.mastodon.calling import Call, route
from adapters.sandbox.mastodon.errors import ApiError, CrashError, invalid, record_not_found
from adapters.sandbox.mastodon.paging import link_pages, page
from adapters.sandbox.mastodon.rights import MANAGE_BLOCKS, MANAGE_FEDERATION, require
from adapters.sandbox.mastodon.text import iso, iso_or_none, number

if TYPE_CHECKING:
    from typing import Any

    from adapters.sandbox.mastodon.rows import Json

_DOMAINS, _ADDRESSES = "/api/v1/admin/domain_blocks", "/api/v1/admin/ip_blocks"
_READ_DOMAINS = ("admin:read", "admin:read:domain_blocks")
_WRITE_DOMAINS = ("admin:write", "admin:write:domain_blocks")
_READ_ADDRESSES = ("admin:read", "admin:read:ip_blocks")
_WRITE_ADDRESSES = ("admin:write", "admin:write:ip_blocks")
_SEVERITIES = ("silence", "suspend", "noop")
_IP_SEVERITIES = {"sign_up_requires_approval", "sign_up_block", "no_access"}
_FLAGS = ("reject_media", "reject_reports", "obfuscate")
_COMMENTS = ("private_comment", "public_comment")
_MOST = 200


def _domain_view(block: DomainBlock) -> Json:
    return {
        "id": str(block.id),
        "domain": block.domain,
        "digest": hashlib.sha256(block.domain.encode()).hexdigest(),
        "created_at": iso(block.created_at),
        "severity": block.severity,
        "reject_media": block.reject_media,
        "reject_reports": block.reject_reports,
        "private_comment": block.private_comment,
        "public_comment": block.public_comment,
        "obfuscate": block.obfuscate,
    }


def _fill(call: Call, block: DomainBlock) -> None:
    params = call.params
    severity = params.text("severity", block.severity)
    if severity not in _SEVERITIES:
        raise CrashError
    block.severity = severity
    for name in _FLAGS:
        if name in params:
            setattr(block, name, bool(params.flag(name)))
    for name in _COMMENTS:
        if name in params:
            setattr(block, name, params.text(name))


@route("GET", _DOMAINS, *_READ_DOMAINS, access="maybe")
def domain_blocks(call: Call) -> list[Any]:
    """All blocked servers."""
    require(call, MANAGE_FEDERATION)
    limit = call.params.limit(100, _MOST)
    rows = page(call, call.state.domain_blocks.values(), limit)
    link_pages(call, rows, ("limit",), more=len(rows) == limit)
    return [_domain_view(block) for block in rows]


def _domain_block(call: Call) -> DomainBlock:
    block = call.state.domain_blocks.get(number(call.path[0]))
    if block is None:
        raise record_not_found()
    return block


@route("GET", f"{_DOMAINS}/{{}}", *_READ_DOMAINS, access="maybe")
def domain_block(call: Call) -> Json:
    """One blocked server."""
    require(call, MANAGE_FEDERATION)
    return _domain_view(_domain_block(call))


@route("POST", _DOMAINS, *_WRITE_DOMAINS, access="maybe")
def block_domain(call: Call) -> Json:
    """Block a server; a second block of it is refused and the first one shown."""
    require(call, MANAGE_FEDERATION)
    domain = call.params.text("domain").strip().lower()
    if not domain:
        raise invalid("Domain can't be blank")
    if not domain.isascii():
        domain = idna.encode(domain, uts46=True).decode()
    existing = next((block for block in call.state.domain_blocks.values() if block.domain == domain), None)
    if existing is not None:
        raise ApiError(
            422,
            f"You have already imposed stricter limits on {domain}.",
            more={"existing_domain_block": _domain_view(existing)},
        )
    block = DomainBlock(id=0, domain=domain, created_at=now())
    _fill(call, block)
    block.id = call.state.next_id("domain_blocks")
    call.state.domain_blocks[block.id] = block
    return _domain_view(block)


@route("PUT", f"{_DOMAINS}/{{}}", *_WRITE_DOMAINS, access="maybe")
def change_domain(call: Call) -> Json:
    """Change a block."""
    require(call, MANAGE_FEDERATION)
    block = _domain_block(call)
    _fill(call, block)
    return _domain_view(block)


@route("DELETE", f"{_DOMAINS}/{{}}", *_WRITE_DOMAINS, access="maybe")
def unblock_domain(call: Call) -> Json:
    """Lift a block."""
    require(call, MANAGE_FEDERATION)
    del call.state.domain_blocks[_domain_block(call).id]
    return {}


def _ip_view(block: IpBlock) -> Json:
    return {
        "id": str(block.id),
        "ip": block.ip,
        "severity": block.severity,
        "comment": block.comment,
        "created_at": iso(block.created_at),
        "expires_at": iso_or_none(block.expires_at),
    }


def _fill_ip(call: Call, block: IpBlock) -> None:
    params = call.params
    try:
        block.ip = str(ip_network(params.text("ip", block.ip), strict=False))
    except ValueError:
        raise invalid("Ip is invalid") from None
    if any(other.ip == block.ip and other.id != block.id for other in call.state.ip_blocks.values()):
        raise invalid("Ip has already been taken")
    block.severity = params.text("severity", block.severity)
    if block.severity not in _IP_SEVERITIES:
        raise CrashError
    block.comment = params.text("comment", block.comment)
    if params.text("expires_in"):
        block.expires_at = now() + timedelta(seconds=number(params.get("expires_in")))


@route("GET", _ADDRESSES, *_READ_ADDRESSES, access="maybe")
def ip_blocks(call: Call) -> list[Any]:
    """All blocked addresses."""
    require(call, MANAGE_BLOCKS)
    limit = call.params.limit(100, _MOST)
    rows = page(call, call.state.ip_blocks.values(), limit)
    link_pages(call, rows, ("limit",), more=len(rows) == limit)
    return [_ip_view(block) for block in rows]


def _ip_block(call: Call) -> IpBlock:
    block = call.state.ip_blocks.get(number(call.path[0]))
    if block is None:
        raise record_not_found()
    return block


@route("GET", f"{_ADDRESSES}/{{}}", *_READ_ADDRESSES, access="maybe")
def ip_block(call: Call) -> Json:
    """One block of addresses."""
    require(call, MANAGE_BLOCKS)
    return _ip_view(_ip_block(call))


@route("POST", _ADDRESSES, *_WRITE_ADDRESSES, access="maybe")
def block_ip(call: Call) -> Json:
    """Block addresses."""
    require(call, MANAGE_BLOCKS)
    block = IpBlock(id=0, ip="", severity="", comment="", created_at=now(), expires_at=None)
    _fill_ip(call, block)
    block.id = call.state.next_id("ip_blocks")
    call.state.ip_blocks[block.id] = block
    return _ip_view(block)


@route("PUT", f"{_ADDRESSES}/{{}}", *_WRITE_ADDRESSES, access="maybe")
def change_ip(call: Call) -> Json:
    """Change a block of addresses."""
    require(call, MANAGE_BLOCKS)
    block = _ip_block(call)
    _fill_ip(call, block)
    return _ip_view(block)


@route("DELETE", f"{_ADDRESSES}/{{}}", *_WRITE_ADDRESSES, access="maybe")
def unblock_ip(call: Call) -> Json:
    """Lift a block of addresses."""
    require(call, MANAGE_BLOCKS)
    del call.state.ip_blocks[_ip_block(call).id]
    return {}
