"""People through API v4, and the accounts that only administrators list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.sandbox.clock import now
from adapters.sandbox.lemmy import communities, people
from adapters.sandbox.lemmy.applications import application_of, decide, listed
from adapters.sandbox.lemmy.errors import ConstraintError, LemmyError
from adapters.sandbox.lemmy.messages import communities as old_communities
from adapters.sandbox.lemmy.messages import people as old
from adapters.sandbox.lemmy.rights import check_not_banned, is_open_to, require_admin
from adapters.sandbox.lemmy.text import matches
from adapters.sandbox.lemmy.v4 import rows
from adapters.sandbox.lemmy.v4.calling import route
from adapters.sandbox.lemmy.v4.cursors import Listing, checked_limit, number
from adapters.sandbox.lemmy.v4.errors import CausedError, not_found
from adapters.sandbox.lemmy.v4.messages.people import (
    AdminListUsers,
    ApproveApplication,
    BlockCommunity,
    BlockPerson,
    GetApplication,
    GetPerson,
    ListApplications,
    ListPersonContent,
    ListPersons,
)
from adapters.sandbox.lemmy.v4.posts import asked_community, asked_person
from adapters.sandbox.lemmy.v4.rows import present
from adapters.sandbox.lemmy.v4.views import Views

if TYPE_CHECKING:
    from adapters.sandbox.lemmy.calling import Call
    from adapters.sandbox.lemmy.rows import Comment, Json, LocalUser, Person, Post
    from adapters.sandbox.lemmy.site_rows import Application
    from adapters.sandbox.lemmy.v4.cursors import Key

DEFAULT_LIMIT = 20


def _somebody(call: Call, number_: int | None, name: str | None) -> Person:
    """The person that a query names. ``LemmyError`` ``no_id_given`` or not found."""
    wanted = asked_person(call, number_, name)
    if wanted is None:
        raise LemmyError("no_id_given")
    person = call.state.people.get(wanted)
    if person is None or (person.deleted and not call.viewer_is_admin):
        raise not_found()
    return person


@route("GET", "/api/v4/person", GetPerson, private=True)
def get_person(call: Call, form: GetPerson) -> Json:
    """A person without what he wrote."""
    state = call.state
    person = _somebody(call, form.person_id, form.username)
    site, views = state.site_of(person.actor_id), Views.of(call)
    return {
        "person_view": views.person_view(person),
        **({} if site is None else {"site": rows.site(site)}),
        "moderates": [
            {"community": views.community(state.communities[community]), "moderator": views.person(person)}
            for community, moderator in state.moderators
            if moderator == person.id and not state.communities[community].removed
        ],
        "multi_communities_created": [],
    }


@route("GET", "/api/v4/person/content", ListPersonContent, private=True)
def person_content(call: Call, form: ListPersonContent) -> Json:
    """A page of what somebody wrote, posts and comments mixed, the newest first.

    Nothing is left out but what is in a private community, and under a post that the viewer has hidden: not even what
    was removed or deleted, of which the text is withheld.
    """
    author = asked_person(call, form.person_id, form.username)
    if author is None:
        raise LemmyError("no_id_given")
    community_id = asked_community(call, form.community_id, form.community_name)
    state, me = call.state, call.viewer_id

    def shows(post: Post) -> bool:
        place = state.communities[post.community_id]
        private = place.visibility == "Private" and not is_open_to(state, place, me)
        hidden = me is not None and (post.id, me) in state.hidden_posts
        return not private and not hidden and community_id in {None, place.id}

    found: list[Post | Comment] = []
    if form.type_ != "comments":
        found += [post for post in state.posts.values() if post.creator_id == author and shows(post)]
    if form.type_ != "posts":
        found += [
            comment
            for comment in state.comments.values()
            if comment.creator_id == author and shows(state.posts[comment.post_id])
        ]

    def name(row: Post | Comment) -> str:
        return f"{'C' if hasattr(row, 'path') else 'P'},{row.id}"

    def find(text: str) -> Post | Comment | None:
        kind, _, of = text.partition(",")
        if kind not in {"C", "P"}:
            raise LemmyError("couldnt_parse_pagination_token")
        return state.comments.get(number(of)) if kind == "C" else state.posts.get(number(of))

    listing: Listing[Post | Comment] = Listing(
        order=lambda row: (row.published.timestamp(), row.id), name=name, find=find
    )
    shown, around = listing.page(found, form.page_cursor, checked_limit(form.limit, DEFAULT_LIMIT))
    views = Views.of(call)
    items = [
        {"type_": "comment"} | views.comment_view(state.comments[row.id])
        if hasattr(row, "path")
        else {"type_": "post"} | views.post_view(state.posts[row.id])
        for row in shown
    ]
    return {"items": items} | around


def people_wanted(call: Call, term: str | None, *, title_only: bool = False, local: bool = False) -> list[Person]:
    """People by name, address or biography."""

    def shows(person: Person) -> bool:
        if person.deleted or (local and not person.local):
            return False
        texts = (person.name, person.actor_id, person.display_name, None if title_only else person.bio)
        return term is None or matches(term, *texts)

    return [person for person in call.state.people.values() if shows(person)]


def person_listing(call: Call, sort: str) -> Listing[Person]:
    """How they are paged."""
    people_, views = call.state.people, Views.of(call)

    def order(person: Person) -> Key:
        match sort:
            case "old":
                return (-person.published.timestamp(), -person.id)
            case "post_score":
                return (views.counts.posts_by[person.id], person.id)
            case "comment_score":
                return (views.counts.comments_by[person.id], person.id)
        return (person.published.timestamp(), person.id)

    return Listing(order=order, name=lambda person: str(person.id), find=lambda text: people_.get(number(text)))


@route("GET", "/api/v4/person/list", ListPersons, private=True)
def list_persons(call: Call, form: ListPersons) -> Json:
    """A page of people, local or from anywhere; here profiles are found by their biographies too."""
    wanted = people_wanted(call, form.search_term, title_only=bool(form.search_title_only), local=form.type_ == "local")
    limit = checked_limit(form.limit, DEFAULT_LIMIT)
    found, around = person_listing(call, str(form.sort or "new")).page(wanted, form.page_cursor, limit)
    views = Views.of(call)
    return {"items": [views.person_view(person) for person in found]} | around


@route("GET", "/api/v4/admin/users", AdminListUsers, login=True)
def admin_users(call: Call, form: AdminListUsers) -> Json:
    """A page of accounts with their settings and bans."""
    require_admin(call)
    state = call.state
    accounts = [(user, state.people[user.person_id]) for user in state.local_users.values()]
    users = [
        user
        for user, person in accounts
        if not person.deleted
        and not (
            form.banned_only and not (person.banned and (person.ban_expires is None or person.ban_expires > now()))
        )
    ]
    turn = -1 if form.sort == "old" else 1

    def order(user: LocalUser) -> Key:
        return (turn * state.people[user.person_id].published.timestamp(), turn * user.person_id)

    listing: Listing[LocalUser] = Listing(
        order=order, name=lambda user: str(user.person_id), find=lambda text: state.local_user(number(text))
    )
    # The one list without a longest page: where no limit is given, all of it comes at once.
    found, around = listing.page(users, form.page_cursor, len(users) + 1 if form.limit is None else form.limit)
    views = Views.of(call)
    return {"items": [views.local_user_view(user) for user in found]} | around


@route("POST", "/api/v4/account/block/person", BlockPerson, login=True)
def block_person(call: Call, form: BlockPerson) -> Json:
    """Hide somebody from one's own lists."""
    check_not_banned(call)
    if form.person_id not in call.state.people:
        raise CausedError("already_exists", str(ConstraintError("person_actions", "target_id").message))
    people.block_person(call, old.BlockPerson(person_id=form.person_id, block=form.block))
    call.server.v4.did("block_person", form.person_id, call.me.person_id)
    return {"person_view": Views.of(call).person_view(call.state.people[form.person_id])}


@route("POST", "/api/v4/account/block/community", BlockCommunity, login=True)
def block_community(call: Call, form: BlockCommunity) -> Json:
    """Hide a community from one's own lists; that also ends the subscription."""
    check_not_banned(call)
    if form.community_id not in call.state.communities:
        raise ConstraintError("community_actions", "community_id")
    given = old_communities.BlockCommunity(community_id=form.community_id, block=form.block)
    communities.block_community(call, given)
    call.server.v4.did("block", form.community_id, call.me.person_id)
    return {"community_view": Views.of(call).community_view(call.state.communities[form.community_id])}


@route("GET", "/api/v4/admin/registration_application/list", ListApplications, login=True)
def list_applications(call: Call, form: ListApplications) -> Json:
    """A page of applications, the newest first, or of those nobody has decided on the oldest first."""
    require_admin(call)
    state, wanted = call.state, listed(call.state, undecided=bool(form.unread_only))
    turn = -1 if form.unread_only else 1
    listing: Listing[Application] = Listing(
        order=lambda row: (turn * row.id,),
        name=lambda row: str(row.id),
        find=lambda text: state.applications.get(number(text)),
    )
    found, around = listing.page(wanted, form.page_cursor, checked_limit(form.limit, DEFAULT_LIMIT))
    views = Views.of(call)
    return {"items": [_application(call, views, row) for row in found]} | around


@route("GET", "/api/v4/admin/registration_application", GetApplication, login=True)
def get_application(call: Call, form: GetApplication) -> Json:
    """The application of one person."""
    require_admin(call)
    return {"registration_application": _application(call, Views.of(call), application_of(call.state, form.person_id))}


@route("PUT", "/api/v4/admin/registration_application/approve", ApproveApplication, login=True)
def approve(call: Call, form: ApproveApplication) -> Json:
    """Let somebody in, or not."""
    require_admin(call)
    row = call.state.applications.get(form.id)
    if row is None:
        raise not_found()
    decide(call, row, approve=form.approve, deny_reason=form.deny_reason)
    return {"registration_application": _application(call, Views.of(call), row)}


def _application(call: Call, views: Views, row: Application) -> Json:
    state = call.state
    admin = None if row.admin_id is None else views.person(state.people[row.admin_id])
    return present(
        registration_application=rows.application(row),
        creator_local_user=rows.local_user(call.server, state.local_users[row.person_id]),
        creator=views.person(state.people[row.person_id]),
        admin=admin,
    )
