"""Which of several writers wins an alias."""

import pytest

from deployer.decisions import precedence
from deployer.model.status import Status
from tests.pure.values import dropped, untouched

OLDER, NEWER = dropped("0" * 32, second=1), dropped("f" * 32, second=2)


@pytest.mark.parametrize("canary", [False, True], ids=["a stable version", "a canary"])
def test_a_newer_release_on_the_alias_ends_an_older_one_and_not_the_reverse(*, canary: bool) -> None:
    """The turn ends older drops before they cost anything; where its overview is lost, the alias decides."""
    alias = untouched("2").shift(NEWER.release_id, "3", 10) if canary else untouched("3")
    refused = precedence.refusal_to_start(alias, OLDER, {"2": None, "3": NEWER})
    assert refused is not None
    assert refused.status is Status.SUPERSEDED
    assert precedence.refusal_to_start(alias, NEWER, {"2": None, "3": OLDER}) is None
