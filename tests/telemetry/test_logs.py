from __future__ import annotations

import json
import subprocess
import sys

LIBRARY = """
import logging
from bot.telemetry import configure_logs

configure_logs("info")
logging.getLogger("apscheduler.scheduler").warning("Execution of job skipped")
logging.getLogger("some.library").info("GET http://127.0.0.1/?token=abc")
try:
    raise ValueError("odd")
except ValueError:
    logging.getLogger("some.library").exception("went wrong: %s", 7)
"""


def test_what_libraries_warn_of_is_a_line_of_json_like_everything_else() -> None:
    done = subprocess.run([sys.executable, "-c", LIBRARY], capture_output=True, text=True, check=True)
    (line,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert (line["event"], line["level"], line["logger"]) == ("went wrong: 7", "error", "some.library")
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert line["timestamp"].endswith("Z")
