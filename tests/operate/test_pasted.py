"""What operators paste, and what is meant by it."""

from __future__ import annotations

import pytest

from bot.operate.pasted import pasted

PATH = "01/a2/01/eb/f5/0c/7a/20/bd/85/59d41f95b92c.png"
DIGEST = "92a3c95fe9156e5dded36fd8bb1a08544c5b5ec864f56def909a643e2e4f57bb"


@pytest.mark.parametrize(
    "text",
    [
        f"  {PATH}\n",
        f"'{PATH}'",
        f"{PATH}/",
        PATH.replace("/", "//"),
        PATH.replace("/", "\\"),
        PATH.replace("/", "%2F"),
        f"key:main/{PATH}",
    ],
)
def test_path_is_written_as_the_store_writes_it(text: str) -> None:
    assert pasted(text) == PATH


@pytest.mark.parametrize("text", [DIGEST.upper(), f"sha256 {DIGEST}", f"SHA256:{DIGEST}", f"{DIGEST}00000000161a07"])
def test_digest_is_bare(text: str) -> None:
    assert pasted(text) == DIGEST


@pytest.mark.parametrize("text", [DIGEST[1:], f"{DIGEST}0", f"md5 {DIGEST}"])
def test_what_is_no_digest_is_none(text: str) -> None:
    assert pasted(text) == text


def test_names_are_taken_as_our_commands_print_them() -> None:
    assert pasted("alias:main/0d6b5f0e.png") == "0d6b5f0e.png"
    assert pasted("url:https://x.example//a%2Fb.png") == "https://x.example//a%2Fb.png"


@pytest.mark.parametrize("text", ["https://x.example//a\\b%2Fc/", "data:image/png;base64,AA//", "s3://bucket/a/b"])
def test_addresses_stay_as_they_are(text: str) -> None:
    assert pasted(text) == text
