from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import ConfigError
from bot.domain.evidence import ListMode, MatchedBy
from bot.matching.lists import parse_line, parse_list_file
from bot.ports import ListEntry

if TYPE_CHECKING:
    from pathlib import Path

A, B, C = "a1" * 32, "b2" * 32, "c3" * 32


def entry(by: MatchedBy, digest: str, note: str = "") -> ListEntry:
    return ListEntry(list_id="mine", mode=ListMode.BLOCK, by=by, digest=digest, note=note)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "list.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_kind_of_line_is_read(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        f"""\ufeff# a list
sha256 {A} spam wave of June
  PIXELS\t{B.upper()}   # what it shows

pdq {C} near
{B}
{A}
""",
    )
    assert parse_list_file(path, "mine", ListMode.BLOCK) == [
        entry(MatchedBy.SHA256, A, "spam wave of June"),
        entry(MatchedBy.PIXELS, B),
        entry(MatchedBy.PDQ, C, "near"),
        entry(MatchedBy.SHA256, B),
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("sha256 abc", "'abc' is no sha256 digest"),
        (f"pdq {A[:-1]}g", "is no pdq digest"),
        (f"md5 {A[:32]}", "md5 and sha1 are not supported"),
        (f"sha1 {A[:40]}", "md5 and sha1 are not supported"),
        (A[:32], "as long as a md5 digest"),
        (A[:40], "as long as a sha1 digest"),
        (f"phash {A}", "unknown kind 'phash'"),
        (f"{A} a note", "the kind is missing"),
        ("sha256", "is no sha256 digest"),
        ("<html>", "is no sha256 digest"),
    ],
)
def test_bad_line_is_refused_with_place_and_remedy(line: str, says: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"{B}\n\n{line}\n")
    with pytest.raises(ConfigError) as raised:
        parse_list_file(path, "mine", ListMode.BLOCK)
    message = str(raised.value)
    assert message.startswith(f"{path}, line 3: ")
    assert says in message
    assert "sha256, pixels" in message


def test_allow_list_refuses_near_matches(tmp_path: Path) -> None:
    path = written(tmp_path, f"sha256 {A}\npdq {B}\n")
    with pytest.raises(ConfigError, match="line 2: allow list 'fine' has a pdq entry, but allow lists match exactly"):
        parse_list_file(path, "fine", ListMode.ALLOW)


def test_missing_and_binary_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        parse_list_file(tmp_path / "nowhere.txt", "mine", ListMode.BLOCK)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ConfigError, match="cannot be read"):
        parse_list_file(tmp_path / "binary", "mine", ListMode.BLOCK)


@given(st.text(max_size=120))
def test_no_line_raises_anything_else(line: str) -> None:
    try:
        found = parse_line(line, "mine", ListMode.BLOCK)
    except ConfigError:
        return
    assert found is None or len(found.digest) == 64
