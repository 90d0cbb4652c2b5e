"""What is read of the web interface's pages: the recorded ones kept their titles, notices and forms, in this shape."""

from __future__ import annotations

from adapters.mastodon.pages import read_page

REPORT = """<!DOCTYPE html>
<html lang='en'><head><title>Report #27
 - Mastodon</title>
<meta name="csrf-param" content="authenticity_token" />
<meta name="csrf-token" content="a+b/c==" />
</head><body>
<div class='flash-message notice'><strong>Report #26 successfully &amp; processed</strong><br></div>
<svg><title>An icon</title></svg>
<form action="/admin/accounts/1/statuses/batch?report_id=27" method="post"><input type="hidden"
 name="authenticity_token" value="one"><input type="checkbox" name="batch_checkbox_all"></form>
<form class="button_to" action="/admin/reports/27/actions/preview" accept-charset="UTF-8" method="post">
<input type="hidden" name="authenticity_token" value="two" autocomplete="off" />
<button name="mark_as_sensitive" type="submit">Mark as sensitive</button>
<button name="delete" type="submit" disabled="disabled">Delete posts</button>
<input type="submit" name="silence" value="Limit"></form>
<button name="stray" type="submit">Outside of all forms</button>
<form id="new_report_note" action="/admin/report_notes" method="post">
<input type="hidden" name="report_note[report_id]" value="27"><textarea name="report_note[content]">text</textarea>
</form></body></html>"""


def test_page_of_a_report() -> None:
    page = read_page(REPORT)
    assert page.title == "Report #27 - Mastodon"
    assert page.csrf_token == "a+b/c=="
    assert page.notices == ("Report #26 successfully & processed",)
    assert [form.action for form in page.forms] == [
        "/admin/accounts/1/statuses/batch?report_id=27",
        "/admin/reports/27/actions/preview",
        "/admin/report_notes",
    ]


def test_buttons_that_cannot_be_pressed_are_none() -> None:
    form = read_page(REPORT).form("/admin/reports/27/actions/preview")
    assert form is not None
    assert form.buttons == {"mark_as_sensitive", "silence"}
    assert form.fields == {"authenticity_token": "two"}
    assert "delete" in form.names


def test_form_is_found_by_a_field() -> None:
    page = read_page(REPORT)
    form = page.form_with("report_note[content]")
    assert form is not None
    assert form.fields == {"report_note[report_id]": "27"}
    assert page.form_with("user[password]") is None
    assert page.form("/elsewhere") is None


def test_anything_else_is_an_empty_page() -> None:
    for text in ("", "{}", "<html", "<form><form></form>", '<meta name="csrf-token">', "\x00<title>", "<div>" * 5000):
        page = read_page(text)
        assert not page.csrf_token
        assert not page.notices
        assert all(not form.names for form in page.forms)
