from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import making
from bot.domain.content import InstanceId, RemoteUrl, Role
from bot.domain.decisions import (
    Allow,
    BanAccount,
    Hold,
    HoldReason,
    Limit,
    LimitAccount,
    MarkSensitive,
    Offer,
    PurgeFile,
    Remove,
    Report,
    Scope,
    Stage,
)
from bot.domain.evidence import Attribution, How, ListMode
from bot.policy import Derived, Guard, Limits, Quotas, Standing, Used

OPEN = Limits(irreversible=frozenset({"purge_file"}), evidence="none")
REPORT = Report(instance=making.HERE, subject=making.post(), text="t")
REMOVE = Remove(instance=making.HERE, subject=making.post(), text="t")
PURGE = PurgeFile(instance=making.HERE, name=making.alias(), url="u")
BAN = BanAccount(instance=making.HERE, account=making.account())
MARK = MarkSensitive(instance=making.HERE, subject=making.post(), text="t")
LIMIT = LimitAccount(instance=making.HERE, account=making.account(), how=Limit.SILENCE)
DEEDS = (REPORT, REMOVE, MARK, PURGE, LIMIT, BAN)
LASTING = Offer(supported=True, reversible=False, route="a platform that brings nothing back")


def decide(intent, *, limits=OPEN, rule=None, because=making.EXACT, facts=None, standing=None):
    return Guard(limits=limits).decide(
        intent,
        rule=rule or making.rule(),
        because=because,
        facts=facts or making.facts(making.hit()),
        offer=Offer(supported=True, reversible=not isinstance(intent, PurgeFile), route="test"),
        standing=standing or Standing(),
    )


def reasons(decision):
    return set(decision.reasons) if isinstance(decision, Hold) else set()


@pytest.mark.parametrize("intent", DEEDS, ids=lambda i: i.kind)
def test_exact_hit_is_enforced_unattended(intent):
    assert decide(intent) == Allow()


@pytest.mark.parametrize(
    ("stage", "allowed"),
    [
        (Stage.OBSERVE, set()),
        (Stage.REPORT, {"report"}),
        (Stage.HIDE, {"report", "remove", "mark_sensitive", "limit_account"}),
        (Stage.ENFORCE, {"report", "remove", "mark_sensitive", "limit_account", "purge_file", "ban_account"}),
    ],
)
def test_stages_allow_step_by_step(stage, allowed):
    rule = making.rule(stage=stage)
    assert {i.kind for i in DEEDS if decide(i, rule=rule) == Allow()} == allowed


def test_a_score_alone_reports_hides_and_limits_but_neither_bans_nor_purges():
    held = {i.kind: reasons(decide(i, because=making.BY_SCORE)) for i in DEEDS}
    assert held == {
        "report": set(),
        "remove": set(),
        "mark_sensitive": set(),
        "purge_file": {HoldReason.NEEDS_APPROVAL},
        "limit_account": set(),
        "ban_account": {HoldReason.NEEDS_APPROVAL},
    }


def test_unattended_rule_may_ban_on_a_score():
    assert decide(BAN, because=making.BY_SCORE, rule=making.scored(unattended=True)) == Allow()


def removal(offer=LASTING, *, because=making.EXACT, stage=Stage.ENFORCE, named=(), unattended=False):
    return reasons(
        Guard(limits=Limits(irreversible=frozenset(named))).decide(
            REMOVE,
            rule=making.rule(stage=stage, unattended=unattended),
            because=because,
            facts=making.facts(making.hit()),
            offer=offer,
            standing=Standing(),
        )
    )


def test_a_removal_that_cannot_be_undone_has_to_be_named():
    assert removal() == {HoldReason.IRREVERSIBLE_OFF}
    assert removal(named={"purge_file"}) == {HoldReason.IRREVERSIBLE_OFF}
    assert removal(named={"remove"}) == set()
    assert removal(replace(LASTING, reversible=True)) == set()


def test_a_removal_that_cannot_be_undone_does_more_than_hide():
    assert removal(stage=Stage.HIDE, named={"remove"}) == {HoldReason.STAGE}
    assert removal(replace(LASTING, reversible=True), stage=Stage.HIDE) == set()


def test_a_removal_that_cannot_be_undone_needs_approval_after_a_score():
    assert removal(because=making.BY_SCORE) == {HoldReason.NEEDS_APPROVAL, HoldReason.IRREVERSIBLE_OFF}
    assert removal(because=making.BY_SCORE, named={"remove"}) == {HoldReason.NEEDS_APPROVAL}
    assert removal(because=making.BY_SCORE, named={"remove"}, unattended=True) == set()


def test_what_an_operator_could_give_a_way_waits_for_him_and_what_a_platform_lacks_does_not():
    lacking = Offer(supported=False, reversible=False, route="", why_not="configure `removal.web`", hold=True)
    assert removal(lacking, named={"remove"}) == {HoldReason.NOT_OFFERED}
    assert removal(replace(lacking, hold=False), named={"remove"}) == set()


def test_a_purge_has_to_be_switched_on_and_a_choice_about_evidence_made():
    assert reasons(decide(PURGE, limits=Limits())) == {HoldReason.IRREVERSIBLE_OFF, HoldReason.NO_EVIDENCE_POLICY}
    assert reasons(decide(PURGE, limits=Limits(evidence="none"))) == {HoldReason.IRREVERSIBLE_OFF}


@pytest.mark.parametrize("intent", DEEDS, ids=lambda i: i.kind)
def test_staff_are_never_acted_on(intent):
    admin = making.account("admin", is_staff=True)
    facts = making.facts(
        making.hit(),
        attributions={making.alias(): Attribution(uploader=admin, how=How.LISTED)},
        sightings=[making.sighting(making.post(1, admin))],
    )
    if isinstance(intent, LimitAccount | BanAccount):
        intent = replace(intent, account=admin)
    elif not isinstance(intent, PurgeFile):
        intent = replace(intent, subject=making.post(1, admin))
    assert HoldReason.PROTECTED in reasons(decide(intent, facts=facts))


@pytest.mark.parametrize("intent", DEEDS, ids=lambda i: i.kind)
def test_who_is_staff_by_now_is_never_acted_on(intent):
    number = making.account().local_id
    assert HoldReason.PROTECTED in reasons(
        decide(intent, facts=making.facts(making.hit(), staff={making.HERE: {number}}))
    )
    elsewhere = {"there": {number}, making.HERE: {"id-another"}}
    assert decide(intent, facts=making.facts(making.hit(), staff=elsewhere)) == Allow()


@pytest.mark.parametrize(
    "word",
    [
        "alice@here.example",
        "@alice@here.example",
        "Alice@Here.example",
        "https://here.example/u/alice",
        "HTTPS://Here.example/u/alice/",
        "https://here.example/@alice",
        "https://other.example/u/alice@here.example",
    ],
)
def test_listed_accounts_are_protected_however_they_are_written(word):
    limits = replace(OPEN, protected_accounts=frozenset({word}))
    assert all(HoldReason.PROTECTED in reasons(decide(i, limits=limits)) for i in DEEDS)


@pytest.mark.parametrize("name", ["alice", "ALICE"])
def test_a_platform_that_keeps_capitals_in_names_leaves_nobody_unprotected(name):
    known = replace(making.account(), handle=f"{name}@Here.example")
    limits = replace(OPEN, protected_accounts=frozenset({"Alice@here.example"}))
    assert HoldReason.PROTECTED in reasons(decide(replace(BAN, account=known), limits=limits))


@pytest.mark.parametrize(
    "word",
    [
        "rita@xn--bcher-kva.example",
        "@rita@bücher.example",
        "Rita@BÜCHER.example",
        "https://bücher.example/u/rita",
        "HTTPS://Bücher.example/@rita",
        "https://other.example/u/rita@bücher.example",
    ],
)
@pytest.mark.parametrize("host", ["bücher.example", "xn--bcher-kva.example", "XN--Bcher-KVA.example"])
def test_a_server_in_another_script_is_the_same_however_it_is_written(word, host):
    rita = making.account("rita", uri="https://xn--bcher-kva.example/u/rita", handle=f"rita@{host}")
    place = replace(making.community(), uri="https://xn--bcher-kva.example/c/rita", handle=f"rita@{host}")
    listed = frozenset({word.replace("/u/", "/c/")})
    assert Limits(protected_accounts=frozenset({word})).names_account(rita)
    assert Limits(protected_communities=listed).names_community(place)
    assert not Limits(protected_accounts=frozenset({word})).names_account(making.account("rita"))


@pytest.mark.parametrize("word", ["pictures@here.example", "!Pictures@here.example", "https://here.example/c/pictures"])
def test_listed_communities_are_protected(word):
    limits = replace(OPEN, protected_communities=frozenset({word}))
    assert HoldReason.PROTECTED in reasons(decide(REMOVE, limits=limits))
    there = replace(BAN, scope=Scope.COMMUNITY, community_id=making.community().local_id)
    for deed in (REPORT, MARK, PURGE, there):
        assert HoldReason.PROTECTED in reasons(decide(deed, limits=limits))
    elsewhere = replace(there, community_id="id-another")
    another_server = replace(there, instance="there")
    for deed in (BAN, LIMIT, elsewhere, another_server):
        assert decide(deed, limits=limits) == Allow()


def test_community_that_two_servers_know_is_protected_on_both_by_the_number_it_has_there():
    there = InstanceId("there")
    same = replace(making.community(), instance=there, local_id="7")
    posts = [making.post(1), making.post(2, instance=there, community=same)]
    facts = making.facts(making.hit(), sightings=[making.sighting(post) for post in posts])
    limits = replace(OPEN, protected_communities=frozenset({"pictures@here.example"}))
    ban = replace(BAN, scope=Scope.COMMUNITY)
    for instance, number, held in (
        (making.HERE, "id-pictures", True),
        (there, "7", True),
        (making.HERE, "7", False),
        (there, "id-pictures", False),
    ):
        decision = decide(replace(ban, instance=instance, community_id=number), facts=facts, limits=limits)
        assert (decision != Allow()) is held, (instance, number)


@pytest.mark.parametrize("deed", [BAN, LIMIT], ids=lambda deed: deed.kind)
def test_ban_or_limit_on_weak_evidence_about_the_uploader_is_held(deed):
    facts = making.facts(
        making.hit(), attributions={making.alias(): Attribution(uploader=making.account(), how=How.AUTHOR_OF_ONLY_USE)}
    )
    assert reasons(decide(deed, facts=facts)) == {HoldReason.WEAK_ATTRIBUTION}
    trusting = making.rule(min_attribution=How.AUTHOR_OF_ONLY_USE)
    assert decide(deed, facts=facts, rule=trusting) == Allow()


def test_purge_of_a_file_that_others_show_is_held_unless_the_rule_says_any_use():
    facts = making.facts(
        making.hit(), sightings=[making.sighting(), making.sighting(making.post(2, making.account("carol")))]
    )
    decision = decide(PURGE, facts=facts)
    assert reasons(decision) == {HoldReason.SHARED_FILE}
    assert "here/post/2" in decision.detail
    assert decide(PURGE, facts=facts, rule=making.rule(any_use=True)) == Allow()


def test_two_uploaders_of_the_same_bytes_are_not_innocent_of_each_other():
    one, two = making.alias("1.png"), making.alias("2.png")
    bob = making.account("bob")
    facts = making.facts(
        making.hit(),
        attributions={
            one: Attribution(uploader=making.account(), how=How.LISTED),
            two: Attribution(uploader=bob, how=How.LISTED),
        },
        sightings=[making.sighting(making.post(1), one), making.sighting(making.post(2, bob), two)],
    )
    assert decide(PURGE, facts=facts) == Allow()


@pytest.mark.parametrize("how", [how for how in How if how > How.HOSTED_BY_AUTHORS_SERVER])
def test_weak_evidence_that_somebody_stored_a_file_makes_no_use_of_anothers_his_own(how):
    elsewhere, rita = RemoteUrl(value="https://third.example/x.png"), making.account("rita")
    facts = making.facts(
        making.hit(),
        attributions={
            making.alias(): Attribution(uploader=making.account(), how=How.LISTED),
            elsewhere: Attribution(uploader=rita, how=how),
        },
        sightings=[
            making.sighting(making.post(1, rita)),
            replace(making.sighting(making.post(2, rita)), name=elsewhere),
        ],
    )
    assert [subject.local_id for subject in facts.shown_by_others] == ["1"]
    assert reasons(decide(PURGE, facts=facts)) == {HoldReason.SHARED_FILE}


@pytest.mark.parametrize("how", [How.HOSTED_BY_AUTHORS_SERVER, How.THUMBNAIL_OF, How.AUTHOR_OF_ONLY_USE])
def test_whom_a_name_itself_is_said_to_be_of_shows_his_own_under_it(how):
    facts = making.facts(making.hit(), attributions={making.alias(): Attribution(uploader=making.account(), how=how)})
    assert decide(PURGE, facts=facts) == Allow()


def unlisted(*sightings, untold=(making.HERE,)):
    names = {one.name: Attribution(uploader=None, how=How.UNKNOWN) for one in sightings}
    return making.facts(making.hit(), attributions=names, sightings=sightings, untold=untold)


def test_where_a_server_does_not_tell_who_stored_a_file_who_alone_shows_it_shares_it_with_nobody():
    bob, mine, his = making.account("bob"), making.alias(), making.alias("2.png")
    once = making.sighting(making.post(1), mine)
    assert decide(PURGE, facts=unlisted(once)) == Allow()
    assert decide(PURGE, facts=unlisted(once, making.sighting(making.post(2, bob), his))) == Allow(), "each stored one"
    assert reasons(decide(PURGE, facts=unlisted(once, untold=()))) == {HoldReason.SHARED_FILE}, "it would tell"
    for beside in (
        making.sighting(making.post(2, bob), mine),
        making.sighting(making.post(2, bob), mine, role=Role.THUMBNAIL),
        making.sighting(making.post(2, bob), his, role=Role.LINK),
        making.sighting(replace(making.post(2), author=None), mine),
    ):
        assert reasons(decide(PURGE, facts=unlisted(once, beside))) == {HoldReason.SHARED_FILE}


ABROAD = InstanceId("abroad")
OF_OURS = RemoteUrl(value=making.address(making.alias()))


def abroad(number, author, **more):
    """A place on another server of ours that shows the file by its address."""
    seen = making.sighting(making.post(number, replace(author, instance=ABROAD), instance=ABROAD), **more)
    return replace(seen, name=OF_OURS)


@pytest.mark.parametrize("where", ["sightings", "elsewhere"])
@pytest.mark.parametrize("role", [Role.ATTACHMENT, Role.LINK])
def test_place_on_another_server_of_ours_is_a_use_of_the_file(where, role):
    carol = making.account("carol", uri="https://abroad.example/u/carol", home_host="abroad.example")
    facts = making.facts(making.hit(), ours={OF_OURS: making.alias()})
    shown = {where: [*getattr(facts, where), abroad(2, carol, role=role)]}
    decision = decide(PURGE, facts=replace(facts, **shown))
    assert reasons(decision) == {HoldReason.SHARED_FILE}
    assert "abroad/post/2" in decision.detail
    assert decide(PURGE, facts=replace(facts, **shown), rule=making.rule(any_use=True)) == Allow()
    his_own = {where: [*getattr(facts, where), abroad(2, making.account(is_local=False))]}
    assert decide(PURGE, facts=replace(facts, **his_own)) == Allow(), "who stored it shows it there himself"
    nobodys = {
        where: [*getattr(facts, where), replace(abroad(2, carol), name=RemoteUrl(value="https://far.example/x"))]
    }
    assert decide(PURGE, facts=replace(facts, **nobodys)) == Allow(), "another server keeps its own copy"


def test_who_alone_shows_an_unlisted_file_is_who_shows_it_alone_on_all_servers_of_ours():
    mine = making.sighting()
    facts = replace(unlisted(mine), ours={OF_OURS: making.alias()})
    his_own = abroad(2, making.account(is_local=False))
    carol = making.account("carol", uri="https://abroad.example/u/carol", home_host="abroad.example")
    assert decide(PURGE, facts=replace(facts, sightings=[his_own, mine])) == Allow()
    for shown in ([abroad(2, carol), mine], [abroad(2, carol)], [his_own]):
        for known in ({"sightings": shown}, {"sightings": [], "elsewhere": shown}):
            assert reasons(decide(PURGE, facts=replace(facts, **known))) == {HoldReason.SHARED_FILE}


def test_who_has_no_account_on_a_server_stored_nothing_there_though_he_alone_shows_it():
    far = making.account("eve", uri="https://far.example/u/eve", home_host="far.example", is_local=False)
    assert reasons(decide(PURGE, facts=unlisted(making.sighting(making.post(1, far))))) == {HoldReason.SHARED_FILE}


def test_what_staff_stored_is_theirs_although_another_server_of_ours_knows_them_as_strangers():
    admin = making.account("admin", is_staff=True)
    stranger = replace(admin, instance=ABROAD, is_staff=False, is_local=False)
    told = {
        making.alias(): Attribution(uploader=admin, how=How.LISTED),
        OF_OURS: Attribution(uploader=stranger, how=How.LISTED),
    }
    facts = making.facts(
        making.hit(), attributions=told, sightings=[abroad(2, stranger)], ours={OF_OURS: making.alias()}
    )
    assert HoldReason.PROTECTED in reasons(decide(PURGE, facts=facts))


def test_who_stored_what_is_gone_through_once_however_many_places_show_a_file():
    class Counted(dict):
        times = 0

        def items(self):
            self.times += 1
            return super().items()

    sightings = [making.sighting(making.post(one), making.alias(f"{one}.png")) for one in range(20)]
    told = Counted({one.name: Attribution(uploader=None, how=How.UNKNOWN) for one in sightings})
    facts = making.facts(making.hit(), attributions=told, sightings=sightings, untold=(making.HERE,))
    assert not facts.shown_by_others
    assert told.times == 1


@pytest.mark.parametrize("untold", [(), (making.HERE,)])
def test_what_staff_alone_shows_and_nobody_is_known_to_have_stored_is_theirs(untold):
    facts = unlisted(making.sighting(making.post(1, making.account("admin", is_staff=True))), untold=untold)
    assert HoldReason.PROTECTED in reasons(decide(PURGE, facts=facts))


@pytest.mark.parametrize("how", [How.THUMBNAIL_OF, How.LOOKS_LIKE])
def test_what_only_looks_like_a_picture_of_staff_is_theirs_where_nobody_is_known_better(how):
    staff = Attribution(uploader=making.account("admin", is_staff=True), how=how)
    raider = Attribution(uploader=making.account(), how=How.HOSTED_BY_AUTHORS_SERVER)
    elsewhere, here = RemoteUrl(value="https://far.example/a.png"), making.alias()
    nowhere = {"sightings": [], "addresses": {here: "u"}}
    assert decide(PURGE, facts=making.facts(making.hit(), attributions={here: staff}, **nowhere)) != Allow()
    both = {here: staff, elsewhere: raider}
    assert decide(PURGE, facts=making.facts(making.hit(), attributions=both, **nowhere)) == Allow()
    shown = {**both, here: replace(staff, how=How.PROXIED_FOR)}
    assert decide(PURGE, facts=making.facts(making.hit(), attributions=shown, **nowhere)) != Allow(), "they show it"


def test_file_on_both_lists_is_held():
    facts = making.facts(making.hit(), making.hit("good", mode=ListMode.ALLOW))
    assert all(HoldReason.LIST_CONFLICT in reasons(decide(i, facts=facts)) for i in DEEDS)


def test_thumbnail_that_looks_like_something_else_is_not_purged_unattended():
    derived = [Derived(name=making.alias("t.png"), url="u", looks_alike=False)]
    intent = PurgeFile(instance=making.HERE, name=making.alias("t.png"), url="u")
    decision = decide(intent, facts=making.facts(making.hit(), derived=derived))
    assert reasons(decision) == {HoldReason.WEAK_ATTRIBUTION}


def test_what_only_looks_like_a_picture_is_not_purged_with_it_unattended():
    derived = [Derived(name=making.alias("t.png"), url="u", looks_alike=True, likeness_only=True)]
    intent = PurgeFile(instance=making.HERE, name=making.alias("t.png"), url="u")
    assert reasons(decide(intent, facts=making.facts(making.hit(), derived=derived))) == {HoldReason.WEAK_ATTRIBUTION}


@pytest.mark.parametrize(
    "shown_in",
    [making.post(2, making.account("admin", is_staff=True)), making.post(2, community=making.community("calm"))],
    ids=["by staff", "in a protected community"],
)
def test_thumbnail_that_somebody_protected_shows_is_not_purged_with_the_picture(shown_in):
    limits = replace(OPEN, protected_communities=frozenset({"calm@here.example"}))
    thumbnail = making.alias("t.png")
    derived = [Derived(name=thumbnail, url="u", looks_alike=True, shown_in=[making.post(1), shown_in])]
    facts = making.facts(making.hit(), derived=derived)
    intent = PurgeFile(instance=making.HERE, name=thumbnail, url="u")
    assert reasons(decide(intent, facts=facts, limits=limits)) == {HoldReason.PROTECTED}
    assert decide(replace(intent, name=making.alias()), facts=facts, limits=limits) == Allow()


def test_backlog_goes_no_further_than_report_unless_told():
    facts = making.facts(making.hit(), backlog=True)
    assert decide(REPORT, facts=facts) == Allow()
    assert reasons(decide(REMOVE, facts=facts)) == {HoldReason.STAGE}
    assert decide(REMOVE, facts=facts, limits=replace(OPEN, backlog_stage=Stage.ENFORCE)) == Allow()


@given(
    which=st.sampled_from(("per_hour", "per_day", "per_account", "per_community")),
    quota=st.integers(0, 5),
    used=st.integers(0, 10),
)
def test_each_quota_holds_what_is_over_it_and_nothing_else(which, quota, used):
    limits = replace(OPEN, quotas=Quotas(**{which: {"remove": quota}}))
    standing = Standing(used=Used(**{{"per_hour": "hour", "per_day": "day"}.get(which, which[4:]): used}))
    decision = decide(REMOVE, limits=limits, standing=standing)
    assert (reasons(decision) == {HoldReason.QUOTA}) == (used >= quota)
    assert decide(REPORT, limits=limits, standing=standing) == Allow()


def test_quota_says_which_limit_is_reached():
    limits = replace(OPEN, quotas=Quotas(per_account={"ban_account": 2}))
    decision = decide(BAN, limits=limits, standing=Standing(used=Used(account=2)))
    assert decision.detail == "more than 2 within a day about one account"


def test_open_breaker_holds_scores_and_near_matches_but_no_exact_hit():
    standing = Standing(tripped="it flagged 40 of 100 files")
    for because, held in ((making.BY_SCORE, True), (making.EXACT, False)):
        decision = decide(REPORT, because=because, standing=standing)
        assert (reasons(decision) == {HoldReason.BREAKER}) == held


@pytest.mark.parametrize("intent", DEEDS, ids=lambda i: i.kind)
def test_kill_switch_holds_everything(intent):
    assert HoldReason.STOPPED in reasons(decide(intent, standing=Standing(stopped="acting was stopped by ann")))


@given(first=st.integers(0, 4), approvals=st.integers(0, 6))
def test_first_deeds_of_a_rule_wait_for_a_human(first, approvals):
    decision = decide(REPORT, rule=making.rule(hold_first=first), standing=Standing(approvals=approvals))
    assert (reasons(decision) == {HoldReason.FIRST_DEEDS}) == (approvals < first)


@given(
    standing=st.builds(Standing, approvals=st.integers(0, 3), tripped=st.sampled_from(["", "x"]), stopped=st.just(""))
)
def test_observe_holds_whatever_the_limits_say(standing):
    decision = decide(REPORT, rule=making.rule(stage=Stage.OBSERVE), standing=standing)
    assert HoldReason.STAGE in reasons(decision)


def test_approval_overrules_all_reasons_but_three():
    stays = {reason for reason in HoldReason if not reason.yields_to_approval}
    assert stays == {HoldReason.PROTECTED, HoldReason.NO_EVIDENCE_POLICY, HoldReason.STOPPED}


def zero_shot(*revisions, **more):
    when = replace(making.scored().when, score=replace(making.scored().when.score, calibrated_for=frozenset(revisions)))
    return replace(making.scored(**more), when=when)


@pytest.mark.parametrize("intent", DEEDS, ids=lambda i: i.kind)
def test_zero_shot_score_leads_to_nothing_before_its_revision_was_calibrated(intent):
    facts = making.facts(making.score(0.9))
    (score,) = facts.evidence.scores
    for rule in (zero_shot(), zero_shot("another-revision")):
        assert HoldReason.UNCALIBRATED in reasons(decide(intent, rule=rule, because=making.BY_SCORE, facts=facts))
    for rule in (zero_shot(score.revision), zero_shot(uncalibrated=True)):
        assert HoldReason.UNCALIBRATED not in reasons(decide(intent, rule=rule, because=making.BY_SCORE, facts=facts))


def test_acceptance_does_not_excuse_a_preset_that_was_measured_for_another_revision():
    facts = making.facts(making.score(0.9))
    (score,) = facts.evidence.scores
    for revision, held in (("another-revision", True), (score.revision, False)):
        rule = zero_shot(revision, uncalibrated=True)
        measured = replace(rule, when=replace(rule.when, score=replace(rule.when.score, preset=True)))
        decision = decide(REPORT, rule=measured, because=making.BY_SCORE, facts=facts)
        assert (HoldReason.UNCALIBRATED in reasons(decision)) == held


def test_hit_on_a_list_needs_no_calibration():
    facts = making.facts(making.score(0.9), making.hit())
    assert decide(BAN, rule=zero_shot(), because=making.EXACT, facts=facts) == Allow()


def test_calibration_changes_how_far_a_rule_goes_and_not_which_rule_it_is():
    assert zero_shot("one").digest == zero_shot().digest
    assert zero_shot(uncalibrated=True).digest != zero_shot().digest
