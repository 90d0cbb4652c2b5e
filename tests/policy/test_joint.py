from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

import making
from bot.domain.content import InstanceId
from bot.domain.decisions import Remove, Report
from bot.policy import joined
from bot.policy.joint import AT_MOST

HERE = frozenset({making.HERE})


def report(number, author="alice", **more):
    subject = making.post(number, making.account(author))
    return Report(**{"instance": making.HERE, "subject": subject, "text": "t", **more})


def numbers(deed):
    return [subject.local_id for subject in deed.subjects]


def test_reports_on_one_account_become_one_that_stands_where_the_first_stood():
    remove = Remove(instance=making.HERE, subject=making.post(1), text="t")
    one, *others = joined([report(1), remove, report(2, "bob"), report(3), report(4)], HERE)
    assert numbers(one) == ["1", "3", "4"]
    assert one.target == report(1).target
    assert others == [remove, report(2, "bob")]


def test_platforms_that_take_one_post_in_a_report_get_one_report_for_each():
    reports = [report(1), report(2)]
    assert joined(reports, frozenset({InstanceId("elsewhere")})) == reports


def test_posts_of_nobody_known_are_reported_by_themselves():
    nobody = making.post(2, author=None)
    object.__setattr__(nobody, "author", None)
    reports = [report(1), Report(instance=making.HERE, subject=nobody, text="t"), report(3)]
    assert [numbers(deed) for deed in joined(reports, HERE)] == [["1", "3"], ["2"]]


@given(st.lists(st.sampled_from(["alice", "bob", "carol"]), max_size=70))
def test_every_post_is_in_one_report_and_no_report_is_too_long(authors):
    deeds = joined([report(number, author) for number, author in enumerate(authors)], HERE)
    named = [number for deed in deeds for number in numbers(deed)]
    assert Counter(named) == Counter(str(number) for number in range(len(authors)))
    assert all(len({subject.author for subject in deed.subjects}) == 1 for deed in deeds)
    sizes = [len(deed.subjects) for deed in deeds]
    assert max(sizes, default=0) <= AT_MOST
    assert sum(size < AT_MOST for size in sizes) <= len(set(authors))
