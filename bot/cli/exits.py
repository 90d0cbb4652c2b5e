"""Exit codes, for scripts."""

from enum import IntEnum


class Exit(IntEnum):
    """What a command ends with."""

    OK = 0
    NOT_SO = 1  # a check failed, or something that should be is not
    USAGE = 2  # wrong options, or a configuration that cannot be used
    PLATFORM = 3  # a server could not be reached or refused
    LEDGER = 4  # the ledger could not be read or written
    UNKNOWN = 5  # no such case, intent, name or list
