"""A PostgreSQL server for the tests and for the demo: on this machine only, and gone afterwards.

``python -m postgres COMMAND…`` (with this folder's parent in ``PYTHONPATH``) runs a command beside one.
"""

from postgres.programs import NoServerError
from postgres.server import Server, shared, started

__all__ = ["NoServerError", "Server", "shared", "started"]
