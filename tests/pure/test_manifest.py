"""Manifests: everything a person may write, and every mistake at once."""

import time
import tracemalloc
from datetime import timedelta

import pytest

from deployer.inspection.archive import Refusal
from deployer.model.duration import show
from deployer.model.manifest import Manifest, Smoke
from deployer.model.manifest_file import parse
from deployer.model.stages import MAX_OPERATIONS, Stage, checks_of, hold_waits, linear, named, why_it_does_not_fit

FULL = b"""
schema = 1
[application]
kind = "python"
handler = "app.main.handler"
[rollout]
stages = [{ weight = 5, bake = "5m" }, { weight = 50, bake = "15m" }]
inconclusive = "hold"
alarms = ["orders-errors"]
[smoke]
event = { path = "/health" }
expect = { statusCode = 200 }
[resources]
memory = 2048
timeout = 30
ephemeral-storage = 1024
provisioned-concurrency = 2
"""


def read(text: str) -> Manifest:
    found = parse(text.encode())
    assert isinstance(found, Manifest), found
    return found


def mistakes(text: str) -> list[str]:
    found = parse(text.encode())
    assert isinstance(found, tuple), found
    return [str(problem) for problem in found]


def test_no_manifest_means_the_defaults() -> None:
    assert parse(None) == Manifest()
    assert Manifest().rollout.plan() == (Stage(weight=10, bake=timedelta(minutes=5)),)


def test_everything_the_readme_shows_is_understood() -> None:
    found = parse(FULL)
    assert isinstance(found, Manifest)
    assert [str(stage) for stage in found.rollout.plan()] == ["5 % for 5m", "50 % for 15m"]
    assert found.resources.ephemeral_storage == 1024


def test_a_manifest_survives_a_checkpoint() -> None:
    found = parse(FULL)
    assert isinstance(found, Manifest)
    assert Manifest.model_validate(found.model_dump(mode="json", by_alias=True)) == found


def test_three_mistakes_are_reported_at_once_with_the_nearest_names() -> None:
    problems = mistakes('[applicaton]\nkind = "python"\n[rollout]\nbake = "5x"\n[resources]\nmemory = 1\n')
    assert len(problems) == 3
    assert any('did you mean "application"?' in line for line in problems)
    assert any("rollout.bake" in line and '"5m"' in line for line in problems)
    assert any("resources.memory" in line and "128" in line for line in problems)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("schema = 2", "schema"),
        ("schema = ", "TOML"),
        (f"schema = {'9' * 5_000}", "TOML"),
        (f"[smoke]\nevent = {'[' * 2_000}", "TOML"),
        ('[rollout]\nstrategy = "canry"', "Canary10Percent5Minutes"),
        ('[rollout]\nstrategy = "canary"\nstages = [{ weight = 5 }]', '"strategy" or "stages"'),
        ("[rollout]\nstages = [{ weight = 50 }, { weight = 5 }]", "grow"),
        ("[rollout]\nstages = [{ weight = 0 }]", "weight"),
        ("[rollout]\nstages = [{ weight = 100 }]", "weight"),
        ('[rollout]\nstages = [{ weight = 5, bake = "0s" }]', "1s"),
        ('[rollout]\nstages = [{ weight = 5, bake = "4d" }]', "add up to 4d"),
        ('[rollout]\nstrategy = "Canary10Percent6000Minutes"', "bakes of 3d in all; these add up to 4d4h"),
        ('[rollout]\nstrategy = "linear"\nweight = 1\nbake = "5m"', "99 stages need 3"),
        ('[rollout]\nbake = "99999999999999d"', "at most 6 digits"),
        ('[rollout]\nstrategy = "Canary10Percent99999999999999Minutes"', "Canary10Percent5Minutes"),
        ('[rollout]\nstrategy = "Linear0PercentEvery1Minute"', "Linear10PercentEvery1Minute"),
        ('[rollout]\nstrategy = "all-at-once"\nbake = "5m"', "canary"),
        ('[application]\nkind = "command"', '"command"'),
        ('[application]\nkind = "python"\ncommand = ["x"]', '"handler"'),
        ('[application]\nhandler = "no-dot"', "handler"),
    ],
)
def test_settings_that_do_not_fit_together_are_reported(text: str, word: str) -> None:
    assert word in "\n".join(mistakes(text))


def test_a_file_that_is_not_utf8_is_reported() -> None:
    found = parse(b"\xff\xfe")
    assert isinstance(found, tuple)
    assert "UTF-8" in str(found[0])


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("all-at-once", []),
        ("AllAtOnce", []),
        ("CodeDeployDefault.LambdaAllAtOnce", []),
        *((f"Canary10Percent{minutes}Minutes", [f"10 % for {minutes}m"]) for minutes in (5, 10, 15)),
        ("CodeDeployDefault.LambdaCanary10Percent30Minutes", ["10 % for 30m"]),
        ("Linear10PercentEvery1Minute", [f"{weight} % for 1m" for weight in range(10, 100, 10)]),
        *(
            (
                f"LambdaLinear10PercentEvery{minutes}Minutes",
                [f"{weight} % for {minutes}m" for weight in range(10, 100, 10)],
            )
            for minutes in (2, 3, 10)
        ),
        ("linear", [f"{weight} % for 1m" for weight in range(10, 100, 10)]),
    ],
)
def test_strategies_go_by_the_names_people_know(name: str, stages: list[str]) -> None:
    assert [str(stage) for stage in named(name)] == stages


def test_weight_and_bake_adjust_a_named_strategy() -> None:
    plan = read('[rollout]\nstrategy = "linear"\nweight = 25\nbake = "2m"').rollout.plan()
    assert [str(stage) for stage in plan] == ["25 % for 2m", "50 % for 2m", "75 % for 2m"]


def test_every_plan_that_is_accepted_fits_one_execution() -> None:
    plan = linear(2, timedelta(minutes=20))
    assert why_it_does_not_fit(plan) is None
    operations = sum(2 * checks_of(stage) + 1 for stage in plan) + len(list(hold_waits(plan))) * 2
    assert operations < MAX_OPERATIONS
    assert why_it_does_not_fit(linear(1, timedelta(minutes=20)))


def test_holding_takes_ever_longer_and_about_three_days() -> None:
    waits = list(hold_waits((Stage(weight=10, bake=timedelta(minutes=5)),)))
    assert waits == sorted(waits)
    assert timedelta(days=3) < sum(waits, timedelta()) < timedelta(days=4)


def test_bakes_and_holds_together_end_before_the_execution_does() -> None:
    stages = tuple(Stage(weight=weight, bake=timedelta(days=1)) for weight in (10, 20, 30))
    assert why_it_does_not_fit(stages) is None
    assert timedelta(days=6) < sum((*hold_waits(stages), timedelta(days=3)), timedelta()) < timedelta(days=7)


def test_durations_are_shown_as_they_are_written() -> None:
    assert show(timedelta(days=1, hours=2, seconds=3)) == "1d2h3s"
    assert show(timedelta()) == "0s"


DEEP = "a." * 24_000 + "a"
HOSTILE = {
    "a dotted key, which tomllib needs its square of memory for": f"[smoke]\nevent.{DEEP}=1",
    "a dotted key in a list": "schema=[{" + "a." * 20_000 + "a=1}]",
    "a dotted key with quotes and blanks": "[smoke]\n" + "'a' . \"b\"\t." * 200 + "c=1",
    "a dotted table": f"[{'a.' * 200}a]",
    "tables in tables": "[smoke]\nevent=" + "{a=" * 300 + "1" + "}" * 300,
    "dotted keys in tables in lists": "[smoke]\nevent=" + f"[{{{'a.' * 30}a=" * 30 + "1" + "}]" * 30,
    "lists in lists": f"schema={'[' * 20_000}",
    "a list in lists that ends": f"schema={'[' * 300}{']' * 300}",
    "an integer that Python cannot write": f"schema = 0x{'f' * 5_000}",
    "an integer in the event that Python cannot write": f"[smoke]\nevent = 0x{'f' * 5_000}",
    "an integer of more than 64 bits": "[smoke]\nevent = 9223372036854775808",
    "infinity": "[rollout]\nslowdown = inf",
    "no number": "[smoke]\nevent = [nan]",
    "a date in the event": "[smoke]\nevent = 2026-11-27",
    "twenty thousand unknown fields": "".join(f"a{number}=1\n" for number in range(6_000)),
    "five thousand bad alarms": f"[rollout]\nalarms = {['\t'] * 5_000}",
    "a very long unknown field": f"{'a' * 60_000} = 1",
    "many comments": "#" * 70_000,
    "an event that grows as JSON": f"[smoke]\nevent = '{'é' * 20_000}'",
    "alarms that grow as JSON": f"[rollout]\nalarms = {['é' * 200] * 60}",
    "a NUL in a key": '"\\u0000" = 1',
    "half a surrogate": '[smoke]\nevent = "\\ud800"',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_manifest_costs_more_than_a_moment_and_a_few_megabytes(text: str) -> None:
    tracemalloc.start()
    started = time.process_time()
    found = parse(text.encode())
    used, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(found, tuple), found
    assert found
    assert len(Refusal(problems=found).model_dump_json()) < 64 * 1024
    assert used < 8  # traced, which makes it several times slower
    assert peak < 64 * 2**20


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HOSTILE["a dotted key, which tomllib needs its square of memory for"], "dotted keys of at most 100 parts"),
        (HOSTILE["tables in tables"], "at most 32 levels"),
        (HOSTILE["an integer of more than 64 bits"], "64 bits"),
        (HOSTILE["infinity"], "finite"),
        (HOSTILE["many comments"], "65536 bytes"),
        (HOSTILE["an event that grows as JSON"], "dropshift.toml: smoke"),
        (HOSTILE["an event that grows as JSON"], "name a file of the release"),
    ],
)
def test_what_is_too_much_is_refused_with_a_way_out(text: str, words: str) -> None:
    assert words in "\n".join(mistakes(text))


def test_an_event_may_hold_what_looks_like_a_dotted_key() -> None:
    address = ".".join("0123456789abcdef" * 2) + ".ip6.arpa"
    assert read(f'[smoke]\nevent = {{ address = "{address}" }}').smoke == Smoke(event={"address": address})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("application = 1", "a table"),
        ("[application]\ncommand = 1", "a list"),
        ("[application]\ncommand = ['']", "at least 1 characters"),
        ("[application]\nhandler = 'app'", "the module and the function, for instance app.handler"),
        ("[application]\nkind = 'ruby'", "'python', 'nodejs', 'executable' or 'command'"),
        ("[resources]\nmemory = 1", "at least 128"),
        ("[resources]\nmemory = 1.5", "a whole number"),
        ("[resources]\ntimeout = 1000", "at most 900"),
        ("[resources]\nmemory = 'much'", "a whole number"),
        ("[rollout]\nalarms = [1]", "text"),
        ("[rollout]\nerror-rate = 'x'", "a number"),
        (HOSTILE["a date in the event"], "a JSON value"),
        (f"[rollout]\nalarms = {['a'] * 101}", "at most 100"),
    ],
)
def test_what_is_allowed_is_named_in_our_words(text: str, words: str) -> None:
    (problem,) = mistakes(text)
    assert words in problem
    assert "Input" not in problem
    assert "valid" not in problem
