import yaml

import making
from bot.domain.decisions import Limit
from bot.operate.rules import in_words
from bot.policy import Want, wording


def test_a_case_tells_how_a_limit_was_meant():
    rule = making.rule(then=("mark_sensitive", Want(kind="limit_account", how=Limit.SENSITIVE)))
    assert yaml.safe_load(wording(rule))["then"] == ["mark_sensitive", {"limit_account": {"how": "sensitive"}}]
    assert in_words(rule) == "a hit on bad: mark_sensitive, limit_account (sensitive)"


def test_the_digest_tells_two_limits_apart():
    digests = {making.rule(then=(Want(kind="limit_account", how=how),)).digest for how in Limit}
    assert len(digests) == len(Limit)
