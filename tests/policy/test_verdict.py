from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import making
from bot.attribution import attribute
from bot.domain.content import Attachment, InstanceId, RemoteUrl, Role
from bot.domain.decisions import BanAccount, Limit, LimitAccount, MarkSensitive, PurgeFile, Remove, Report, Scope
from bot.domain.evidence import Attribution, How, ListMode, MatchedBy
from bot.policy import Condition, Derived, ScoreAtLeast, Want, judge


def kinds(verdicts):
    return [intent.kind for verdict in verdicts for intent in verdict.intents]


def test_exact_hit_leads_to_all_deeds_in_their_order():
    verdicts = judge([making.rule(then=("ban_account", "purge_file", "remove", "report"))], making.facts(making.hit()))
    assert kinds(verdicts) == ["report", "remove", "purge_file", "ban_account"]
    assert verdicts[0].because.exact
    assert verdicts[0].because.text == "flagged by list bad (sha256)"


def test_custom_emoji_is_reported_removed_and_purged_and_bans_nobody():
    name = RemoteUrl(value="https://far.example/x")
    shown = replace(making.sighting(role=Role.EMOJI), name=name)
    copy = making.alias()
    facts = making.facts(
        making.hit(),
        sightings=[shown],
        attributions={one: attribute(one, uploads=(), sightings=[shown]) for one in (name, copy)},
    )
    assert kinds(judge([making.rule()], facts)) == ["report", "remove", "purge_file"]
    listed = {name: facts.attributions[name], copy: Attribution(uploader=making.account("bob"), how=How.LISTED)}
    (verdict,) = judge([making.rule()], replace(facts, attributions=listed))
    assert [one.account for one in verdict.intents if isinstance(one, BanAccount)] == [making.account("bob")]


def test_clean_file_has_no_verdict():
    assert judge([making.rule(), making.scored()], making.facts(making.score(0.1))) == []


def test_hit_on_a_list_that_the_rule_does_not_name_is_nothing():
    assert judge([making.rule()], making.facts(making.hit("another"))) == []


def test_near_match_counts_only_where_the_rule_says_so():
    near = making.facts(making.hit(by=MatchedBy.PDQ, distance=12))
    assert judge([making.rule()], near) == []
    verdicts = judge([making.rule(when=Condition(lists=("bad",), near=True))], near)
    assert not verdicts[0].because.exact
    assert "12 bits away" in verdicts[0].because.text


@pytest.mark.parametrize("value", [0.8, 0.95, 1.0])
def test_score_at_or_over_the_threshold_fires(value):
    assert kinds(judge([making.scored(0.8, then=("report",))], making.facts(making.score(value)))) == ["report"]


def test_score_under_the_threshold_does_not():
    assert judge([making.scored(0.8)], making.facts(making.score(0.7999))) == []


def moving(*frames, alone=0.0):
    return making.facts(replace(making.score(max(frames)), frames=frames, alone=alone))


def agreeing(frames):
    return making.rule(
        id="scored",
        when=Condition(score=ScoreAtLeast(detector="nsfw", label="nsfw", at_least=0.8, frames=frames)),
        then=("report",),
    )


@pytest.mark.parametrize(
    ("frames", "facts", "fires"),
    [
        (1, moving(0.1, 0.9, 0.2, 0.1), True),
        (2, moving(0.1, 0.9, 0.2, 0.1), False),
        (2, moving(0.1, 0.9, 0.2, 0.8), True),
        (3, moving(0.1, 0.9, 0.2, 0.8), False),
        (2, moving(0.1, 0.9, 0.2, 0.1, alone=0.9), True),  # shown for as long as a picture
        (2, moving(0.1, 0.9, 0.2, 0.1, alone=0.2), False),
        (2, moving(0.9), True),  # the only frame that could be looked at
        (9, moving(0.9, 0.9), True),
        (9, making.facts(making.score(0.9)), True),  # a picture, or a scan of the time before frames were told apart
    ],
)
def test_so_many_frames_of_what_moves_have_to_agree(frames, facts, fires):
    assert bool(judge([agreeing(frames)], facts)) is fires


@given(st.lists(st.floats(0, 1), min_size=1, max_size=16), st.integers(1, 16), st.floats(0, 1))
def test_more_frames_never_fire_where_fewer_do_not(values, frames, alone):
    score = replace(making.score(max(values)), frames=tuple(values), alone=min(alone, max(values)))
    assert score.agreed(1) == score.value
    assert score.agreed(frames + 1) <= score.agreed(frames)
    assert score.agreed(frames) >= min(values)


def test_verdict_tells_how_many_frames_reached_the_threshold():
    (verdict,) = judge([agreeing(2)], moving(0.1, 0.9, 0.2, 0.85))
    assert verdict.because.text == "flagged by nsfw/nsfw at threshold 0.8 in 2 of 4 frames looked at (score 0.900)"
    assert agreeing(1).digest != agreeing(2).digest


def test_near_match_of_a_frame_says_which():
    near = making.facts(making.hit(by=MatchedBy.PDQ, distance=12, where="frame 9 at 2.0 s"))
    (verdict,) = judge([making.rule(when=Condition(lists=("bad",), near=True))], near)
    assert verdict.because.text == "flagged by list bad (pdq, 12 bits away, frame 9 at 2.0 s)"


def test_allow_list_beats_scores_and_near_matches():
    allowed = making.hit("good", mode=ListMode.ALLOW)
    near = making.hit(by=MatchedBy.PDQ, distance=3)
    rules = [making.scored(), making.rule(when=Condition(lists=("bad",), near=True))]
    assert judge(rules, making.facts(allowed, near, making.score(0.99))) == []


def test_allow_list_does_not_beat_an_exact_block_hit():
    verdicts = judge([making.rule()], making.facts(making.hit("good", mode=ListMode.ALLOW), making.hit()))
    assert kinds(verdicts) == ["report", "remove", "purge_file", "ban_account"]


def test_the_uploader_is_banned_and_the_poster_is_not():
    uploader, poster = making.account("alice"), making.account("bob")
    facts = making.facts(making.hit(), sightings=[making.sighting(making.post(1, poster))])
    bans = [i for v in judge([making.rule()], facts) for i in v.intents if isinstance(i, BanAccount)]
    assert [ban.account.handle for ban in bans] == [uploader.handle]


def test_nobody_is_banned_when_the_uploader_is_unknown():
    facts = making.facts(making.hit(), attributions={making.alias(): Attribution(uploader=None, how=How.UNKNOWN)})
    assert kinds(judge([making.rule()], facts)) == ["report", "remove", "purge_file"]


def test_every_uploader_of_the_same_bytes_is_banned_once_and_every_name_purged():
    one, two = making.alias("1.png"), making.alias("2.png")
    facts = making.facts(
        making.hit(),
        attributions={
            one: Attribution(uploader=making.account("alice"), how=How.LISTED),
            two: Attribution(uploader=making.account("bob"), how=How.LISTED),
        },
        addresses={one: making.address(one), two: making.address(two)},
        sightings=[making.sighting(making.post(1), one), making.sighting(making.post(2), two)],
    )
    intents = judge([making.rule()], facts)[0].intents
    assert {i.account.handle for i in intents if isinstance(i, BanAccount)} == {
        "alice@here.example",
        "bob@here.example",
    }
    assert {i.name for i in intents if isinstance(i, PurgeFile)} == {one, two}
    assert len([i for i in intents if isinstance(i, Report)]) == 2


def test_one_report_and_removal_for_a_post_that_shows_the_file_twice():
    post = making.post()
    places = [making.sighting(post), making.sighting(post, role=Role.INLINE)]
    intents = judge([making.rule()], making.facts(making.hit(), sightings=places))[0].intents
    assert len([i for i in intents if isinstance(i, Report)]) == 1
    assert len([i for i in intents if isinstance(i, Remove)]) == 1


def test_upload_that_nobody_posted_is_purged_and_its_uploader_banned():
    assert kinds(judge([making.rule()], making.facts(making.hit(), sightings=[]))) == ["purge_file", "ban_account"]


def test_thumbnail_that_the_server_made_is_purged_too():
    thumbnail = making.alias("t.png")
    derived = [Derived(name=thumbnail, url=making.address(thumbnail), looks_alike=True)]
    intents = judge([making.rule()], making.facts(making.hit(), derived=derived))[0].intents
    assert {i.name for i in intents if isinstance(i, PurgeFile)} == {making.alias(), thumbnail}


@pytest.mark.parametrize(
    ("when", "fires"),
    [
        (Condition(lists=("bad",), platforms=("lemmy",)), True),
        (Condition(lists=("bad",), platforms=("mastodon",)), False),
        (Condition(lists=("bad",), roles=(Role.ATTACHMENT,)), True),
        (Condition(lists=("bad",), roles=(Role.AVATAR,)), False),
        (Condition(lists=("bad",), local_author=True), True),
        (Condition(lists=("bad",), local_author=False), False),
        (Condition(lists=("bad",), account_younger_than=timedelta(days=500)), True),
        (Condition(lists=("bad",), account_younger_than=timedelta(days=30)), False),
    ],
)
def test_conditions_on_the_place(when, fires):
    assert bool(judge([making.rule(when=when)], making.facts(making.hit()))) is fires


def test_account_of_unknown_age_is_not_taken_for_a_new_one():
    when = Condition(lists=("bad",), account_younger_than=timedelta(days=30))
    author = making.account(created_at=None)
    facts = making.facts(making.hit(), sightings=[making.sighting(making.post(1, author))])
    assert judge([making.rule(when=when)], facts) == []


def test_posts_are_marked_and_the_uploader_is_limited():
    poster = making.account("bob")
    then = ("mark_sensitive", Want(kind="limit_account", how=Limit.SENSITIVE))
    facts = making.facts(making.hit(), sightings=[making.sighting(making.post(1, poster))])
    mark, limit = judge([making.rule(then=then)], facts)[0].intents
    assert isinstance(mark, MarkSensitive)
    assert mark.subject == making.post(1, poster)
    assert isinstance(limit, LimitAccount)
    assert (limit.account, limit.how) == (making.account(), Limit.SENSITIVE)
    assert limit.target == "here/account/id-alice@sensitive"


def test_an_uploader_of_two_names_is_limited_once():
    one, two = making.alias("1.png"), making.alias("2.png")
    attributions = {name: Attribution(uploader=making.account(), how=How.LISTED) for name in (one, two)}
    facts = making.facts(making.hit(), attributions=attributions)
    assert kinds(judge([making.rule(then=("limit_account",))], facts)) == ["limit_account"]


def test_an_attachment_is_a_file_that_somebody_may_want_to_purge():
    name = Attachment(instance=making.HERE, value="7")
    facts = making.facts(making.hit(), addresses={name: "https://here.example/7.png"}, attributions={})
    (purge,) = judge([making.rule(then=("purge_file",))], facts)[0].intents
    assert isinstance(purge, PurgeFile)
    assert purge.name == name


def test_ban_from_the_communities_it_was_posted_in():
    want = Want(kind="ban_account", scope=Scope.COMMUNITY, days=7)
    (ban,) = judge([making.rule(then=(want,))], making.facts(making.hit()))[0].intents
    assert (ban.scope, ban.community_id, ban.days) == (Scope.COMMUNITY, "id-pictures", 7)


def test_a_number_that_another_server_has_for_a_community_is_no_reason_for_a_ban_from_the_one_with_that_number_here():
    there = InstanceId("there")
    elsewhere = replace(making.community("gardens"), instance=there, local_id="7")
    seen = making.post(2, making.account("bob", instance=there), instance=there, community=elsewhere)
    facts = making.facts(making.hit(), sightings=[making.sighting(), making.sighting(seen)])
    rule = making.rule(then=(Want(kind="ban_account", scope=Scope.COMMUNITY),))
    (ban,) = judge([rule], facts)[0].intents
    assert (ban.instance, ban.community_id) == (making.HERE, "id-pictures")
    known_there = Attribution(uploader=making.account(instance=there), how=How.LISTED)
    (ban,) = judge([rule], replace(facts, attributions={making.alias(): known_there}))[0].intents
    assert (ban.instance, ban.community_id) == (there, "7")


def test_digest_of_a_rule_changes_with_its_threshold():
    assert making.scored(0.8).digest != making.scored(0.81).digest
    assert making.scored(0.8).digest == making.scored(0.8).digest


@given(
    scores=st.lists(st.floats(0, 1), max_size=3),
    hits=st.lists(
        st.tuples(st.sampled_from(["bad", "good", "other"]), st.sampled_from(ListMode), st.sampled_from(MatchedBy)),
        max_size=4,
    ),
)
def test_a_verdict_is_exact_only_by_an_exact_block_hit_on_a_list_of_the_rule(scores, hits):
    found = [making.hit(name, mode=mode, by=by) for name, mode, by in hits] + [making.score(s) for s in scores]
    facts = making.facts(*found)
    exact_block = any(name == "bad" and mode is ListMode.BLOCK and by.exact for name, mode, by in hits)
    exact_allow = any(mode is ListMode.ALLOW and by.exact for _, mode, by in hits)
    rules = [making.rule(when=Condition(lists=("bad",), near=True)), making.scored()]
    verdicts = judge(rules, facts)
    assert any(v.because.exact for v in verdicts) == exact_block
    if exact_allow:
        assert all(v.because.exact for v in verdicts)
    for verdict in verdicts:
        ranks = [intent.rank for intent in verdict.intents]
        assert ranks == sorted(ranks)


def stored_only(**more):
    """A file of ours that nobody shows, and of which nobody knows who stored it: a thumbnail that was replaced."""
    name = making.alias()
    return making.facts(
        making.hit(), sightings=[], attributions={name: Attribution(uploader=None, how=How.UNKNOWN)}, **more
    )


def test_file_that_only_the_store_knows_is_purged_and_told_of_and_accuses_nobody():
    rule = making.rule(then=("report", "remove", "purge_file", "ban_account", "notify"))
    assert kinds(judge([rule], stored_only())) == ["notify", "purge_file"]


def test_file_that_only_the_store_knows_fits_no_rule_about_accounts_or_other_platforms():
    for when in (
        Condition(lists=("bad",), local_author=True),
        Condition(lists=("bad",), account_items_below=3),
        Condition(lists=("bad",), account_younger_than=timedelta(days=1)),
        Condition(lists=("bad",), platforms=("mastodon",)),
    ):
        assert judge([making.rule(when=when)], stored_only()) == []
