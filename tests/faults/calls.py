"""Count what a release asks of AWS, for each strategy, with few and with many releases before it.

`python -m tests.faults.calls` prints the table of docs/scale.md.
"""

from collections import Counter
from dataclasses import replace

from tests.faults.account import BUNDLES, Call
from tests.faults.wiring import inhabited, settings
from tests.faults.world import World

STRATEGIES = ("all-at-once", "canary", "linear")
EARLIER = (1, 10_000)
GROUPS = {
    "control plane (15/s)": ("lambda", frozenset()),
    "GetFunction (100/s)": ("lambda", frozenset({"GetFunction"})),
    "S3": ("s3", frozenset()),
    "GetMetricData": ("cloudwatch", frozenset({"GetMetricData"})),
    "DescribeAlarms": ("cloudwatch", frozenset({"DescribeAlarms"})),
    "PutEvents": ("events", frozenset({"PutEvents"})),
}
_DATA_PLANE = frozenset({"Invoke", "GetDurableExecution"})


def calls(strategy: str, earlier: int) -> dict[str, int]:
    """Return how many calls of each group one release makes after so many others."""
    with inhabited(World(settings())) as world:
        world.released("1.0")
        _add(world, earlier - 1)
        world.account.calls.clear()
        world.released("2.0", f'[rollout]\nstrategy = "{strategy}"\n')
    assert world.alias().weights == {}
    counted = Counter(found for call in world.account.calls if (found := group(call)))
    return {name: counted[name] for name in GROUPS}


def group(call: Call) -> str | None:
    """Return the group of calls that a call belongs to; None for an invocation."""
    named = [name for name, (service, which) in GROUPS.items() if service == call.service and call.operation in which]
    if named or call.operation in _DATA_PLANE:
        return next(iter(named), None)
    return next((name for name, (service, which) in GROUPS.items() if service == call.service and not which), None)


def _add(world: World, count: int) -> None:
    """Add versions and records of as many releases as there were once: copies of what one release left."""
    function = next(iter(world.account.lambda_.functions.values()))
    last = function.versions[str(function.published)]
    objects = world.account.s3.buckets[BUNDLES].objects
    [(key, record)] = [(name, one[-1]) for name, one in objects.items() if name.endswith(".json") and "records" in name]
    earlier = replace(record, version=f"{record.version}-earlier")
    for number in range(count):
        release = f"{number:032x}"
        version = str(function.published + 1 + number)
        text = str(last["Description"])
        description = text.replace(text.split(" ", maxsplit=1)[0], f"release={release}")
        function.versions[version] = {**last, "Version": version, "Description": description}
        objects[f"{key.rpartition('/')[0]}/{release}.json"] = [earlier]
    function.published += count


def table() -> dict[str, dict[str, int]]:
    """Return the calls by strategy; raises AssertionError where the number of earlier releases matters."""
    counted = {strategy: [calls(strategy, earlier) for earlier in EARLIER] for strategy in STRATEGIES}
    for strategy, (few, many) in counted.items():
        assert few == many, f"{strategy}: {few} after one release, {many} after {EARLIER[1]}"
    return {strategy: few for strategy, (few, _) in counted.items()}


def shown(counted: dict[str, dict[str, int]]) -> str:
    """Return the table in Markdown."""
    lines = [f"| strategy | {' | '.join(GROUPS)} |", f"|---|{'---:|' * len(GROUPS)}"]
    lines += [f"| {name} | {' | '.join(str(one) for one in found.values())} |" for name, found in counted.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    print(shown(table()))
