"""Bodies that serde_json refuses, in its words and at its places: seen on a Lemmy 0.19.20."""

from __future__ import annotations

import pytest

from adapters.sandbox.lemmy.errors import MalformedRequestError
from adapters.sandbox.lemmy.forms import check_json, read_json
from adapters.sandbox.lemmy.messages.posts import GetPosts, HidePost, RemovePost

REFUSED = [
    (b"", "EOF while parsing a value", 0),
    (b"{", "EOF while parsing an object", 1),
    (b"[", "EOF while parsing a list", 1),
    (b"}", "expected value", 1),
    (b"[]", "invalid length 0, expected struct RemovePost with 3 elements", 2),
    (b"[999]", "invalid length 1, expected struct RemovePost with 3 elements", 5),
    (b"null", "invalid type: null, expected struct RemovePost", 4),
    (b'"x"', 'invalid type: string "x", expected struct RemovePost', 3),
    (b"-", "EOF while parsing a value", 1),
    (b"1.", "EOF while parsing a value", 2),
    (b"NaN", "expected value", 1),
    (b'"x', "EOF while parsing a string", 2),
    (b'{"a"', "EOF while parsing an object", 4),
    (b'{"a":', "EOF while parsing a value", 5),
    (b'{"a":1', "EOF while parsing an object", 6),
    (b'{"a":1,', "EOF while parsing a value", 7),
    (b"{,}", "key must be a string", 2),
    (b"{'post_id':1}", "key must be a string", 2),
    (b'{"post_id":1,}', "trailing comma", 14),
    (b'{"post_id":1 "removed":true}', "expected `,` or `}`", 14),
    (b'{"post_id":999,"removed":true}x', "trailing characters", 31),
    (b'{"post_id":999,"post_id":999,"removed":true}', "duplicate field `post_id`", 24),
    (b'{"post_id":1.5,"removed":true}', "invalid type: floating point `1.5`, expected i32", 14),
    (b'{"post_id":-0,"removed":true}', "invalid type: floating point `-0.0`, expected i32", 13),
    (b'{"post_id":3000000000,"removed":true}', "invalid value: integer `3000000000`, expected i32", 21),
    (b'{"post_id":30000000000000000000000}', "invalid type: floating point `3e22`, expected i32", 34),
    (b'{"post_id":1e400,"removed":true}', "number out of range", 16),
    (b'{"post_id":01,"removed":true}', "invalid number", 13),
    (b'{"post_id":[1],"removed":true}', "invalid type: sequence, expected i32", 11),
    (b'{"post_id":{},"removed":true}', "invalid type: map, expected i32", 11),
    (b'{"post_id":null,"removed":true}', "invalid type: null, expected i32", 15),
    (b'{"post_id":1,"removed":tru}', "expected ident", 27),
    (b'{"post_id":1,"removed":truex}', "expected `,` or `}`", 28),
    (b'{"x":NaN,"post_id":999,"removed":true}', "expected value", 6),
    (b'{"a":"\\x"}', "invalid escape", 8),
    (b'{"a":"\n"}', "control character (\\u0000-\\u001F) found while parsing a string", 6),
    (b'{"a":[1,2', "EOF while parsing a list", 9),
    (b'{"a":[1,2}', "expected `,` or `]`", 10),
    (b'{"a":[,]}', "expected value", 7),
    (b'{"a":{"b":}}', "expected value", 11),
    (b'{"reason":"\\ud800"}', "unexpected end of hex escape", 18),
    (b'{"reason":"\\udc00"}', "lone leading surrogate in hex escape", 17),
    (b'{"reason":"\\u12"}', "invalid escape", 17),
    (b'{"reason":"\xff"}', "invalid unicode code point", 13),
    ('{"ü":1,"post_id":"x"}'.encode(), 'invalid type: string "x", expected i32', 21),
    (b'{"post_id":"x","removed":', 'invalid type: string "x", expected i32', 14),
    (b'{"post_id":1}', "missing field `removed`", 13),
]


def refusal(kind: type[object], body: bytes) -> str:
    with pytest.raises(MalformedRequestError) as caught:
        read_json(kind, body)
    return str(caught.value.message)


@pytest.mark.parametrize(("body", "said", "column"), REFUSED)
def test_what_is_no_form_is_refused_at_its_place(body: bytes, said: str, column: int) -> None:
    assert refusal(RemovePost, body) == f"Json deserialize error: {said} at line 1 column {column}"


def test_lines_are_counted() -> None:
    assert refusal(RemovePost, b'{\n"post_id":1,\n"removed":1}').endswith("boolean at line 3 column 11")


def test_what_a_form_does_not_know_is_passed_over() -> None:
    body = b' { "a" : [ { "b" : "\\ud800" , "b" : [ ] } , -1.5e3 , null , true ] , "post_id":9,"removed":false} \n'
    assert read_json(RemovePost, body) == RemovePost(post_id=9, removed=False)


def test_escapes_stand_for_characters() -> None:
    body = b'{"post_id":9,"removed":true,"reason":"\\ud83d\\ude00 \\u00fc\\n\\/ \xc3\xbc"}'
    assert read_json(RemovePost, body).reason == "😀 ü\n/ ü"


def test_lists_and_choices_are_read_and_refused() -> None:
    assert read_json(HidePost, b'{"post_ids":[1, 2],"hide":true}').post_ids == [1, 2]
    assert "invalid type: null, expected a sequence at line 1 column 16" in refusal(HidePost, b'{"post_ids":null}')
    assert "invalid type: map, expected a sequence at line 1 column 12" in refusal(HidePost, b'{"post_ids":{}}')
    assert "trailing comma at line 1 column 16" in refusal(HidePost, b'{"post_ids":[1,]}')
    said = refusal(GetPosts, b'{"type_":"Foo"}')
    assert "unknown variant `Foo`, expected one of `All`," in said
    assert said.endswith("at line 1 column 14")


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=x", "text/json", "a/b+json"])
def test_json_has_many_names(content_type: str) -> None:
    check_json(b"{}", content_type)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/jsonx", "json", "/json"])
def test_what_is_not_called_json_is_not_read(content_type: str) -> None:
    with pytest.raises(MalformedRequestError, match="unknown"):
        check_json(b"{}", content_type)


def test_two_mebibytes_are_enough() -> None:
    check_json(b"x" * 2_097_152, "application/json")
    with pytest.raises(MalformedRequestError) as caught:
        check_json(b"x" * 2_097_153, "application/json")
    assert caught.value.status == 413
    assert caught.value.message == "JSON payload (2097153 bytes) is larger than allowed (limit: 2097152 bytes)."
