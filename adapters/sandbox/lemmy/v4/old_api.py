"""What is left of API v3 on a Lemmy 1.0.

A real one answers some more calls of v3, to read and to write, none of them to moderate. Here only what tells a client
which server it has reached is answered; all the rest is not found, which no client may rely on to be otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import chrono_ns, now_ns
from adapters.sandbox.lemmy import site
from adapters.sandbox.lemmy.rows import as_json
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.site import languages
from adapters.sandbox.lemmy.views import person_view

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.messages.site import Nothing
    from adapters.sandbox.lemmy.rows import Json

_BUCKETS = ("message", "post", "register", "image", "comment", "search")


@route("GET", "/api/v3/site", private=True)
def get_site(call: Call, _: Nothing) -> Json:
    """The site in the old words, with numbers and addresses that are made up where 1.0 has none for them."""
    state = call.state
    general = site.general_answer(state)
    view = general["site_view"]
    view["site"] |= {"inbox_url": "http://example.com/", "instance_id": 0}
    view["local_site"] |= {"id": 0, "captcha_difficulty": ""}
    view["local_site"].pop("slur_filter_regex", None)
    nothing = {f"{bucket}{end}": 0 for bucket in _BUCKETS for end in ("", "_per_second")}
    view["local_site_rate_limit"] = {
        "local_site_id": 0,
        **nothing,
        "published": chrono_ns(now_ns()),
        "import_user_settings": 0,
        "import_user_settings_per_second": 0,
    }
    admins = []
    for person in state.admins():
        shown = person_view(state, person)
        shown["person"] = as_json(person) | {"instance_id": 0}
        admins.append(shown | {"is_admin": False})
    general["all_languages"] = languages()
    return general | {"admins": admins, "version": call.server.version, "taglines": [], "custom_emojis": []}
