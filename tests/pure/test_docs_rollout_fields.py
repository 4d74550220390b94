"""The page about verdicts names every field of a rollout, with the default that it has."""

import re
from datetime import timedelta
from pathlib import Path

from deployer.model.manifest import Rollout
from deployer.model.stages import canary, linear

PAGE = (Path(__file__).parents[2] / "docs" / "verdicts.md").read_text()
ROWS = dict(re.findall(r"^\| `([a-z-]+)` \| (\S+) \|", PAGE, re.MULTILINE))


def test_every_field_is_in_the_table_and_nothing_else() -> None:
    assert set(ROWS) == {field.alias for field in Rollout.model_fields.values()}


def test_a_default_is_as_the_table_has_it() -> None:
    shown = {name: value.strip("`") for name, value in ROWS.items()}
    assert shown["inconclusive"] == f'"{Rollout().inconclusive}"'
    assert int(shown["minimum-invocations"]) == Rollout().minimum_invocations
    assert float(shown["error-rate"]) == Rollout().error_rate
    assert (shown["slowdown"], Rollout().slowdown) == ("none", None)
    assert (shown["alarms"], Rollout().alarms) == ("none", ())
    assert shown["strategy"] == '"canary"'
    assert Rollout().plan() == canary(int(shown["weight"]), timedelta(minutes=5))
    assert (shown["bake"], Rollout(strategy="linear").plan()) == ('"5m"', linear(10, timedelta(minutes=1)))
