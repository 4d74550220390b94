"""Secrets stay where they are, and names from outside break no line, in whatever is printed, stored or raised."""

import json
import random
from collections.abc import Iterator

import pytest

from tests.faults.account import BUNDLES
from tests.faults.faults import Fault, Kind
from tests.faults.wiring import inhabited, settings
from tests.faults.world import World

CANARY = "c4n4ry"
PLACES = ("environment", "metadata", "event", "smoke", "expected", "mistyped", "archive")
SECRETS = {name: f"{CANARY}-{name}" for name in PLACES}
SMOKE = f'[smoke]\nevent = {{ headers = {{ authorization = "{SECRETS["smoke"]}" }} }}\n'
UNMET = f'{SMOKE}expect = {{ token = "{SECRETS["expected"]}" }}\n'
BROKEN_MANIFEST = f"{SMOKE}[rollout]\nbake = 5\nwieght = 3\n"
MISTYPED = f'[[smoke]]\nevent = "{SECRETS["mistyped"]}"\n'
HOSTILE = (
    'quote"}\n{"level":"INFO","message":"forged',
    "red \x1b[31malert\x1b[0m",
    "tab\tand\rreturn",
    "line\u2028separator\u2029and\x85next",
    "\u202egnp.exe",
    "nul-\x00-bell-\x07",
    "$(touch /tmp/x);`id`",
    "%0a%2e%2e%2f",
    "ключ-🔑-" + "x" * 300,
)


def surfaces(world: World) -> Iterator[str]:
    """Yield everything that anybody else can read, one text a thing."""
    yield from world.prints.getvalue().splitlines()
    yield from (json.dumps(answer, default=str) for answer in world.answers)
    yield from (json.dumps(entry) for entry in world.account.events.put)
    yield from (repr(escaped.error) for escaped in world.escaped)
    yield from (json.dumps(execution.result) for execution in world.executions.values())
    yield from world.account.lambda_.descriptions.values()
    yield from (move.note_after for move in world.account.lambda_.moves)
    for key, versions in world.account.s3.buckets[BUNDLES].objects.items():
        if key.endswith(".json"):
            yield from (one.body.decode() for one in versions)


def secretive() -> World:
    """Return a world with a secret in every place where one can be."""
    world = World(settings())
    function = world.account.lambda_.functions["dropshift-app-orders"]
    function.config["Environment"]["Variables"]["PASSWORD"] = SECRETS["environment"]
    return world


def release(world: World, name: str, table: str = SMOKE) -> None:
    """Drop an archive with secrets in it; its event has secrets, too."""
    world.drop(name, table, files={"settings.ini": SECRETS["archive"]}, metadata={"token": SECRETS["metadata"]})
    delivery = world.inbox[-1]
    record = delivery.event["Records"][0]
    record |= {"userIdentity": {"principalId": SECRETS["event"]}, "requestParameters": {"sourceIPAddress": CANARY}}
    record["s3"]["object"]["token"] = SECRETS["event"]
    world.run()
    assert world.recorded()


@pytest.mark.parametrize(
    ("name", "table"),
    [("1.1-broken", SMOKE), *(("1.1", table) for table in (SMOKE, UNMET, BROKEN_MANIFEST, MISTYPED, "[rollout"))],
)
def test_no_secret_is_told_by_a_release(name: str, table: str) -> None:
    with inhabited(secretive()) as world:
        release(world, "1.0")
        release(world, name, table)
        world.command("status")
        world.command("history")
        world.command("validate", key=f"orders/{name}.zip")
        world.command("redeploy", release="1.0", dry_run=True)
        world.command("rollback")
    assert not [text for text in surfaces(world) if CANARY in text]


def test_no_secret_is_told_by_what_fails() -> None:
    chance = random.Random(6)
    for _ in range(6):
        with inhabited(secretive()) as world:
            world.account.faults = (Fault(chance.randrange(1, 80), chance.choice(list(Kind))),)
            world.drop("1.0", SMOKE, files={"settings.ini": SECRETS["archive"]})
            world.run()
            world.drive_again()
        assert not [text for text in surfaces(world) if CANARY in text]


def test_an_environment_that_is_too_large_is_refused_without_telling_it() -> None:
    with inhabited(secretive()) as world:
        variables = world.account.lambda_.functions["dropshift-app-orders"].config["Environment"]["Variables"]
        variables["LARGE"] = CANARY * 600
        release(world, "1.0")
    assert "4096" in world.recorded().reason
    assert not [text for text in surfaces(world) if CANARY in text]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_breaks_no_line(name: str) -> None:
    with inhabited(World(settings())) as world:
        world.drop(name)
        world.drop(f"{name}-broken")
        world.drop("1.0", f"[rollout]\nalarms = [{json.dumps(name)}]\n")
        world.run()
        world.command("rollback", to=name, reason=name)
        world.command("abort", release=name)
        world.command(name, **{name: name})
        world.alarm(f"dropshift-app-orders-{name}", "ALARM")
        world.run()
        world.command("status")
        world.command("history")
    for line in world.prints.getvalue().removesuffix("\n").split("\n"):
        assert line.isprintable()
        assert [text for text in texts(json.loads(line)) if not text.isprintable()] == []
    assert [text for text in world.account.lambda_.descriptions.values() if not text.isprintable()] == []


def texts(found: object) -> Iterator[str]:
    """Yield every string inside JSON, keys too."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict):
        for key, value in found.items():
            yield key
            yield from texts(value)
    elif isinstance(found, list):
        for value in found:
            yield from texts(value)
