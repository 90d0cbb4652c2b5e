"""Words of the API: 1.0 writes in snake case what 0.19 wrote in Pascal case, and the rows keep the latter."""

from __future__ import annotations

import re


def snake(name: str) -> str:
    """``RequireApplication`` as ``require_application``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def pascal(name: str) -> str:
    """``require_application`` as ``RequireApplication``."""
    return "".join(part.capitalize() for part in name.split("_"))
