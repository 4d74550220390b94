"""The page about the manifest names every field of a rollout, with the default that it has."""

import re
from datetime import timedelta
from pathlib import Path

from deployer.model.manifest import Rollout
from deployer.model.stages import canary, linear

PAGE = (Path(__file__).parents[2] / "docs" / "manifest.md").read_text()
ROWS = {
    name: default
    for names, default in re.findall(r"^\| (`rollout\.[^|]+) \| ([^|]+) \|", PAGE, re.MULTILINE)
    for name in re.findall(r"`rollout\.([a-z-]+)`", names)
}


def test_every_field_is_in_the_table_and_nothing_else() -> None:
    assert set(ROWS) == {field.alias for field in Rollout.model_fields.values()}


def test_a_default_is_as_the_table_has_it() -> None:
    rollout = Rollout()
    assert ROWS["strategy"] == "`canary`: 10 % for 5 minutes, then all"
    assert rollout.plan() == canary(10, timedelta(minutes=5))
    assert ROWS["weight"] == ROWS["bake"] == "10 and `5m` (`canary`), 10 and `1m` (`linear`)"
    assert Rollout(strategy="linear").plan() == linear(10, timedelta(minutes=1))
    assert ROWS["inconclusive"] == f"`{rollout.inconclusive}`"
    assert int(ROWS["minimum-invocations"]) == rollout.minimum_invocations
    assert float(ROWS["error-rate"]) == rollout.error_rate
    assert (ROWS["slowdown"], rollout.slowdown) == ("not judged", None)
    assert (ROWS["alarms"], rollout.alarms) == ("none", ())
    assert (ROWS["stages"], rollout.stages) == ("none", ())
