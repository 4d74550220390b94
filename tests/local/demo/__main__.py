"""Play the demo: a large release goes live, a second one in stages, a bad one comes back, and a person goes back."""

import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests import pythons
from tests.local.aws import LocalAws
from tests.local.demo import application
from tests.local.demo.callers import Callers, ask

SPEED = 60.0
RUNTIME = os.environ.get("RUNTIME", f"python{pythons.OWN}")
"""Of the application's function: `make demo RUNTIME=python3.14`."""
ROOT = Path(__file__).parents[3]
_FUNCTION = "dropshift-app-hello"
_LIVE, _ROLLED_BACK = 0, 1
"""Exit statuses of a drop that is watched."""


@dataclass
class Story:
    """The tools of the demo, and its observations."""

    aws: LocalAws
    console: Console
    seen: list[tuple[str, str, str, bool]] = field(default_factory=list)

    def dropshift(self, *words: str) -> tuple[int, float]:
        """Type a command as a person does; return its exit status and its seconds."""
        self.console.print(f"[bold green]$[/] [bold]dropshift {shlex.join(words)}[/]")
        began = time.monotonic()
        environment = {**os.environ, **self.aws.environment, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-m", "deployer", *words], cwd=application.BUILD, env=environment, check=False
        )
        return done.returncode, time.monotonic() - began

    def drop(self, archive: Path) -> tuple[int, float]:
        """Drop a release and watch it to its end."""
        return self.dropshift("drop", archive.name, "hello", "--watch")

    def check(self, what: str, found: str, took: float, *, good: bool) -> None:
        """Remember a result for the table at the end."""
        self.seen.append((what, found, f"{took:.1f} s", good))

    def say_who_answered(self, callers: Callers) -> None:
        """Print what the callers met since this was asked before."""
        counts = callers.since_last_asked()
        calls = sum(counts.values())
        failed = sum(count for who, count in counts.items() if who.endswith("failed"))
        shares = ", ".join(f"{who} {count}" for who, count in sorted(counts.items()) if not who.endswith("failed"))
        self.console.print(f"[dim]since its first call {calls} calls: {shares}; {failed or 'none'} failed[/]")


def main() -> int:
    """Run the story; 0 when everything was as it should be."""
    console = Console(highlight=False, soft_wrap=True)
    application.BUILD.mkdir(parents=True, exist_ok=True)
    console.rule("[bold]1. A real application, far over Lambda's 250 MB")
    base = _build(console, RUNTIME.removeprefix("python"))
    console.rule("[bold]2. A local AWS, and Dropshift deployed to it from template.yaml")
    with LocalAws(speed=SPEED) as aws:
        began = time.monotonic()
        aws.dropshift(runtime=RUNTIME)
        story = Story(aws, console)
        console.print(f"  deployed in {time.monotonic() - began:.1f} s; a bake of five minutes takes five seconds here")
        _first_release(story, base)
        with Callers(aws.client("lambda"), _FUNCTION) as callers:
            _good_release(story, base, callers)
            _bad_release(story, base, callers)
        _by_hand(story)
        return _summary(story)


def _build(console: Console, python: str) -> Path:
    site = application.install(python)
    console.print("  training a random forest on the iris measurements")
    model = application.train(site, python)
    with application.progress() as bar:
        base, number, size = application.pack(site, model, bar)
    packed = base.stat().st_size
    console.print(f"  {number:,} files, {size / 1e6:.0f} MB unpacked, {packed / 1e6:.0f} MB as a zip archive")
    return base


def _first_release(story: Story, base: Path) -> None:
    story.console.rule("[bold]3. Drop the first release")
    status, took = story.drop(application.release(base, "v1"))
    story.check("first release goes live", f"exit status {status}", took, good=status == _LIVE)
    began = time.monotonic()
    _, answer = ask(story.aws.client("lambda"), _FUNCTION)
    took = time.monotonic() - began
    story.console.print(f"asked for an iris: [bold green]{answer}[/] in {took:.1f} s")
    good = answer.get("species") == "virginica"
    story.check("the alias predicts", str(answer.get("species", answer)), took, good=good)


def _good_release(story: Story, base: Path, callers: Callers) -> None:
    story.console.rule("[bold]4. Drop a second release while people call the first")
    status, took = story.drop(application.release(base, "v2"))
    story.say_who_answered(callers)
    story.check("second release, 10 % then 50 %", f"exit status {status}", took, good=status == _LIVE)


def _bad_release(story: Story, base: Path, callers: Callers) -> None:
    story.console.rule("[bold]5. Drop a release that passes its smoke test and fails its callers")
    status, took = story.drop(application.release(base, "v3", defective=True))
    story.say_who_answered(callers)
    story.check("bad release is caught", f"exit status {status}", took, good=status == _ROLLED_BACK)


def _by_hand(story: Story) -> None:
    story.console.rule("[bold]6. Go back by hand")
    status, took = story.dropshift("rollback", "hello", "--yes", "--reason", "the demo")
    _, predicted = ask(story.aws.client("lambda"), _FUNCTION)
    story.console.print(f"asked again: [bold green]{predicted}[/]")
    good = (status, predicted.get("release")) == (_LIVE, "v1")
    story.check("rollback by hand", str(predicted.get("release")), took, good=good)
    story.dropshift("history", "hello")


def _summary(story: Story) -> int:
    story.console.rule("[bold]What was seen")
    table = Table("", "found", "took", "as it should be", box=None)
    for what, found, took, good in story.seen:
        table.add_row(what, found, took, "[green]yes[/]" if good else "[bold red]no[/]")
    story.console.print(table)
    if all(good for *_, good in story.seen):
        return 0
    story.console.print(
        f"[red]not everything was as it should be; the local AWS said:[/]\n{story.aws.log.read_text()[-6000:]}"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
