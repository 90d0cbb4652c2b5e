"""What the bot relies on in Lemmy 0.19 and pict-rs 0.5, said in plain HTTP.

The same tests run over the sandbox and over a real server, so that the sandbox cannot drift from what it stands for.
They import nothing of the bot. ``server`` says which server is meant and how to name one.
"""

import pytest

pytest.register_assert_rewrite(f"{__name__}.answers", f"{__name__}.pictures", f"{__name__}.waiting")
