"""The frame of a page of HTML that loads nothing, runs nothing and leads nowhere.

Its policy allows one style sheet, by digest, and nothing else: no picture, no script, no request. Everything foreign is
escaped and kept to itself (``bdi``), with unseen characters spelt out.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape

from bot.operate.explain.foreign import visible

STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --faint: #5b6470; --line: #d5dae0; --wash: #f4f6f8; --mark: #2b5d9b;
  --warn: #a8431f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --faint: #9aa5b1; --line: #39414a; --wash: #1f252b; --mark: #8fb8ea; --warn: #f0936b; }
  body { background: #15191d; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
h1 { margin: 0 0 .25rem; font-size: 1.6rem; line-height: 1.25; }
h2 { margin: 2.25rem 0 .6rem; font-size: 1.15rem; border-bottom: 1px solid var(--line); padding-bottom: .25rem; }
h3 { margin: 0 0 .35rem; font-size: 1rem; }
p { margin: .3rem 0; overflow-wrap: anywhere; }
.faint { color: var(--faint); }
.notice { margin-top: .9rem; padding: .55rem .8rem; background: var(--wash); border-left: 3px solid var(--mark); }
.card { padding: .8rem 1rem; border: 1px solid var(--line); border-radius: 6px; }
table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-weight: 600; color: var(--faint); }
@media print { body { max-width: none; padding: 0; font-size: 10.5pt; } .card, tr, svg { break-inside: avoid; } }
"""


def head(title: str, style: str) -> str:
    """All up to the body. ``style`` comes after ``STYLE``; ``title`` is plain text."""
    sheet = STYLE + style
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex, nofollow">\n'
        '<meta name="format-detection" content="telephone=no, email=no, address=no, url=no">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{sheet}</style>\n</head>\n<body>\n"
    )


def foreign(text: str) -> str:
    """Text from anywhere, as HTML."""
    return f"<bdi>{escape(visible(text))}</bdi>" if text else ""
