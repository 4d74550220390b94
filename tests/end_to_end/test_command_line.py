"""The command line against the whole stack, in a pseudo-terminal and in a pipe."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployer.cli.main import main
from tests.deployment import AT_ONCE, zipped
from tests.end_to_end.stack import FUNCTION, Stack, serving
from tests.local import LocalAws
from tests.local.waiting import until
from tests.terminal import Terminal

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "deployer")
QUICK = '[rollout]\nstages = [{ weight = 50, bake = "1m" }]\ninconclusive = "promote"\n'
MIDDLING = '[rollout]\nstages = [{ weight = 10, bake = "30m" }]\ninconclusive = "hold"\n'
"""Looked at every three seconds."""
LONG = '[rollout]\nstages = [{ weight = 10, bake = "1d" }]\n'
FAILING = "if event != {'dropshift': {'smoke-test': RELEASE}}: raise ValueError('a defect')"


class Person:
    """Somebody with a shell in which the local AWS is the AWS."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self._folder = folder
        self.environment = {
            **os.environ,
            **stack.aws.environment,
            "DROPSHIFT_CLOCK_SPEED": "60",
            "PYTHONPATH": str(ROOT),
        }

    def archive(self, release: str, manifest: str = AT_ONCE, body: str = "") -> Path:
        path = self._folder / f"{release}.zip"
        path.write_bytes(zipped({"lambda_function.py": serving(release, body), "dropshift.toml": manifest}))
        return path

    def run(self, *arguments: object, **changed: str | None) -> subprocess.CompletedProcess[str]:
        """Run a verb in a pipe, with other variables or without some."""
        variables = {**self.environment, **changed}
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            env={name: value for name, value in variables.items() if value is not None},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, *arguments: object) -> "subprocess.Popen[str]":
        """Start a verb in a pipe."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)], env=self.environment, stdout=pipe, stderr=pipe, text=True
        )

    def terminal(self, *arguments: object, columns: int = 100) -> Terminal:
        """Run a verb in a terminal."""
        return Terminal([*COMMAND, *map(str, arguments)], self.environment, columns)

    @contextmanager
    def watching(self, archive: Path) -> Iterator[tuple[Terminal, "subprocess.Popen[str]"]]:
        """Drop an archive and watch it in a terminal, and in a pipe as soon as it has traffic."""
        terminal = self.terminal("drop", archive, "hello", "--watch")
        until(lambda: self.stack.traffic[1], 60)
        piped = self.start("status", "hello", "--watch")
        assert piped.stdout
        piped.stdout.readline()
        yield terminal, piped
        piped.kill()
        terminal.process.kill()


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    with LocalAws(speed=60) as aws:
        made = Person(Stack(aws), tmp_path_factory.mktemp("shell"))
        assert made.run("drop", made.archive("1.0"), "hello", "--watch").returncode == 0
        assert made.run("drop", made.archive("1.1"), "hello", "--watch").returncode == 0
        yield made


def ended(terminal: Terminal, piped: "subprocess.Popen[str]") -> tuple[int, int, str, str]:
    """Return both exit statuses, what the terminal showed last, and the pipe's standard error."""
    status = terminal.end()
    _, said = piped.communicate(timeout=60)
    return status, piped.returncode, terminal.screen.text, said


# --- exit statuses ----------------------------------------------------------------------------------------------------


def test_live_is_0(person: Person) -> None:
    with person.watching(person.archive("2.0", QUICK)) as both:
        first, second, shown, said = ended(*both)
    assert (first, second, said) == (0, 0, "")
    assert "2.0 (version 4) live: version 4 has all traffic" in shown
    assert "Ctrl-C" not in shown
    assert shown.count("received") == 1


def test_rolled_back_is_1_with_the_reason(person: Person) -> None:
    with person.stack.callers(), person.watching(person.archive("2.1", LONG, FAILING)) as both:
        first, second, shown, said = ended(*both)
    assert (first, second) == (1, 1)
    for text in (shown.replace("\n", " "), said):
        assert "2.1 (version 5) rolled-back: " in text
        assert "ValueError: a defect" in text


def test_aborted_is_1_and_abort_asks_first(person: Person) -> None:
    with person.watching(person.archive("2.2", LONG)) as both:
        asked = person.terminal("abort", "hello", "--reason", "wrong model")
        asked.until(lambda text: "Do it? [y/N]" in text)
        assert "would abort: version 6 loses its 10 % of the traffic" in asked.screen.text
        asked.type("y\n")
        assert asked.end() == 0
        first, second, shown, said = ended(*both)
    assert (first, second) == (1, 1)
    assert "aborted: wrong model" in shown
    assert "aborted: wrong model" in said


def test_superseded_is_2(person: Person) -> None:
    with person.watching(person.archive("2.3", MIDDLING)) as both:
        assert person.run("drop", person.archive("2.4"), "hello").returncode == 0
        first, second, shown, said = ended(*both)
    assert (first, second) == (2, 2)
    assert "superseded" in shown
    assert "superseded" in said


def test_overtaken_is_2(person: Person) -> None:
    until(lambda: person.run("status", "hello").returncode == 0)
    with person.watching(person.archive("2.5", MIDDLING)) as both:
        stable = person.stack.traffic[0]
        person.stack.lambda_.update_alias(
            FunctionName=FUNCTION, Name="live", FunctionVersion=stable, RoutingConfig={"AdditionalVersionWeights": {}}
        )
        first, second, _, said = ended(*both)
    assert (first, second) == (2, 2)
    assert "overtaken" in said


def test_a_refused_archive_is_1_before_anything_is_uploaded(person: Person) -> None:
    archive = person.archive("3.0", '[rollout]\nstrategy = "cannery"\n')
    piped = person.run("drop", archive, "hello", "--watch")
    terminal = person.terminal("drop", archive, "hello", "--watch")
    assert (piped.returncode, terminal.end()) == (1, 1)
    for text in (piped.stderr, terminal.screen.text):
        assert "to do:" in text
    listed = person.stack.s3.list_objects_v2(Bucket=person.stack.outputs["ReleasesBucket"], Prefix="hello/3.0")
    assert listed["KeyCount"] == 0


def test_a_failed_smoke_test_is_1_with_its_trace(person: Person) -> None:
    archive = person.archive("3.1", f'{AT_ONCE}[smoke]\nevent = {{ path = "/" }}\n', "raise ValueError('no')")
    piped = person.run("drop", archive, "hello", "--watch")
    assert piped.returncode == 1
    assert "failed: smoke test" in piped.stderr
    assert "in lambda_handler" in piped.stderr
    terminal = person.terminal("status", "hello")
    assert terminal.end() == 1
    assert "failed: smoke test" in terminal.screen.text


def test_not_ended_in_time_is_3_and_ctrl_c_leaves_the_rollout_alone(person: Person) -> None:
    with person.watching(person.archive("3.2", LONG)) as (terminal, piped):
        terminal.until(lambda text: "stage 1 of 1 with 10 %" in text)
        terminal.until(lambda text: " left (1d, 60 times as fast here), then all traffic" in " ".join(text.split()))
        terminal.until(lambda text: "Ctrl-C stops watching; the rollout goes on" in text)
        late = person.run("status", "hello", "--watch", "--timeout", "2s")
        assert late.returncode == 3
        assert "not ended after 2s; the rollout of 3.2 goes on: 3.2 is at stage 1 of 1" in late.stderr
        terminal.type("\x03")
        assert terminal.end() == 130
        assert "stopped watching; the rollout of 3.2 goes on" in terminal.screen.text
        piped.terminate()
        assert piped.wait(30) == 143
        assert "goes on" in piped.communicate()[1]
    assert person.run("status", "hello").returncode == 3
    assert person.stack.traffic[1]
    assert person.run("abort", "hello", "--yes").returncode == 0


WAYS_OUT: dict[str, tuple[dict[str, str | None], str]] = {
    "missing endpoint": ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "start what it names"),
    "missing credentials": (
        {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_EC2_METADATA_DISABLED": "true", "HOME": "/"},
        "aws configure",
    ),
    "missing region": ({"AWS_REGION": None, "AWS_DEFAULT_REGION": None, "AWS_CONFIG_FILE": "/dev/null"}, "AWS_REGION"),
    "missing profile": ({"AWS_PROFILE": "nobody"}, "aws configure list-profiles"),
    "missing stack": ({"DROPSHIFT_STACK": "nowhere"}, "--stack"),
}


@pytest.mark.parametrize("name", WAYS_OUT)
def test_what_is_missing_is_3_and_a_sentence_with_a_way_out(person: Person, name: str) -> None:
    environment, remedy = WAYS_OUT[name]
    found = person.run("status", "hello", **environment)
    assert found.returncode == 3
    assert remedy in found.stderr.partition("to do:")[2]
    assert "Traceback" not in found.stderr


def test_misuse_is_3(person: Person) -> None:
    assert [person.run(*words).returncode for words in (["rollbak"], ["drop"], ["status", "--watch"])] == [3, 3, 3]


# --- verbs ------------------------------------------------------------------------------------------------------------


def test_what_moves_traffic_is_not_done_unasked(person: Person) -> None:
    assert person.run("drop", person.archive("3.9"), "hello", "--watch").returncode == 0
    before = person.stack.traffic
    for verb in (["rollback", "hello"], ["prune", "hello", "--keep", "1"], ["redeploy", "hello", "1.1"]):
        refused = person.run(*verb)
        assert refused.returncode == 1, refused
        assert "would " in refused.stderr
        assert "add --yes" in refused.stderr
    asked = person.terminal("rollback", "hello")
    asked.until(lambda text: "Do it? [y/N]" in text)
    asked.type("n\n")
    assert asked.end() == 1
    assert person.stack.traffic == before
    assert person.run("rollback", "hello", "--dry-run").stdout.startswith("would roll back")


def test_a_rollback_is_shown_with_its_reason_by_status_and_history(person: Person) -> None:
    done = person.run("rollback", "hello", "--yes", "--reason", "misclassifies")
    assert done.returncode == 0, done
    assert done.stdout.startswith("rolled back from 3.9")
    history = person.run("history", "hello", "--limit", "20").stdout
    assert "by command: misclassifies" in history
    assert re.search(r"aborted +wrong model, said by \w", history)
    assert "misclassifies, said by " in history


@pytest.mark.parametrize(
    "verb",
    [
        *(["status"], ["status", "hello"], ["history", "hello"], ["pause", "hello"], ["resume", "hello"]),
        *(["rollback", "hello", "--dry-run"], ["promote", "hello", "--yes"], ["abort", "hello", "--yes"]),
        *(["redeploy", "hello", "1.1", "--dry-run"], ["validate", "hello", "hello/1.0.zip"]),
        *(["prune", "hello", "--dry-run"],),
    ],
    ids=" ".join,
)
def test_json_is_the_controllers_own_document(
    person: Person, verb: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in person.environment.items():
        monkeypatch.setenv(name, value)
    main([*verb, "--output", "json"])
    assert "answer" in json.loads(capsys.readouterr().out)


def test_a_watched_drop_in_json_is_a_line_for_every_change(person: Person) -> None:
    found = person.run("drop", person.archive("4.0"), "hello", "--watch", "--output", "json")
    assert found.returncode == 0
    first, *changes = map(json.loads, found.stdout.splitlines())
    assert {change["release_id"] for change in changes} == {first["release_id"]}
    assert changes[-1]["status"] == "live"


def test_logs_are_those_of_an_application_or_of_the_deployer(person: Person) -> None:
    person.stack.ask()
    assert "REPORT RequestId" in person.run("logs", "hello").stdout
    first = person.run("logs", "--of", "rollout", "--output", "json").stdout.splitlines()[0]
    assert set(json.loads(first)) == {"at", "message"}
    missing = person.run("logs", "nobody")
    assert missing.returncode == 3
    assert "dropshift status" in missing.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_verbs_and_applications(person: Person, shell: str) -> None:
    assert "_DROPSHIFT_COMPLETE" in person.run("completion", shell).stdout
    words = {"_DROPSHIFT_COMPLETE": f"{shell}_complete", "COMP_WORDS": "dropshift rollback h", "COMP_CWORD": "2"}
    if shell == "fish":
        words["COMP_CWORD"] = "h"
    assert "hello" in person.run(**words).stdout


def test_every_verb_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    def helped(*verb: str) -> str:
        assert main([*verb, "--help"]) == 0
        return capsys.readouterr().out

    verbs = [line.split()[0] for line in helped().partition("Release:")[2].splitlines() if line.startswith("  ")]
    assert len(verbs) >= 14
    for verb in verbs:
        assert f"dropshift {verb}" in helped(verb).partition("Example")[2], verb
