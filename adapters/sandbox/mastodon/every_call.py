"""Every module that registers calls, in alphabetical order."""

from adapters.sandbox.mastodon import (
    accounts,
    admin_accounts,
    admin_blocks,
    admin_reports,
    apps,
    instance,
    measures,
    media,
    notifications,
    relations,
    reports,
    search,
    serving_files,
    statuses,
    timelines,
)

__all__ = [
    "accounts",
    "admin_accounts",
    "admin_blocks",
    "admin_reports",
    "apps",
    "instance",
    "measures",
    "media",
    "notifications",
    "relations",
    "reports",
    "search",
    "serving_files",
    "statuses",
    "timelines",
]
