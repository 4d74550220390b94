"""Play the demo: a large release goes live, a second one in stages, a bad one comes back, and a person goes back."""

import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests import pythons
from tests.local.aws import LocalAws
from tests.local.demo import application
from tests.local.demo.callers import Callers, ask

SPEED = 60.0
BUNDLE_SECONDS = "20"
RUNTIME = os.environ.get("RUNTIME", f"python{pythons.OWN}")
"""Of the application's function: `make demo RUNTIME=python3.14`."""
_PATIENCE = 600
_FUNCTION = "dropshift-app-hello"
_ENDS = ("live", "rejected", "failed", "rolled-back", "aborted", "superseded", "overtaken", "duplicate")


@dataclass
class Story:
    """The tools of the demo, and its observations."""

    aws: LocalAws
    outputs: dict[str, str]
    console: Console
    seen: list[tuple[str, str, str, bool]] = field(default_factory=list)

    def command(self, action: str, **fields: object) -> dict[str, Any]:
        """Invoke the controller by hand, as the README shows."""
        payload = json.dumps({"action": action, **fields})
        controller = f"{self.outputs['Controller']}:hello"
        answer = self.aws.client("lambda").invoke(FunctionName=controller, Payload=payload.encode())
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise RuntimeError(f"the controller failed: {found}")
        return found

    def check(self, what: str, found: str, took: str, *, good: bool) -> None:
        """Remember a result for the table at the end."""
        self.seen.append((what, found, took, good))

    def drop(self, archive: Path) -> None:
        """Upload an archive as any S3 client does: in parts, as it is over 8 MiB."""
        with application.progress() as bar:
            task = bar.add_task(f"uploading {archive.name}", total=archive.stat().st_size)
            self.aws.client("s3").upload_file(
                str(archive),
                self.outputs["ReleasesBucket"],
                f"hello/{archive.name}",
                Callback=lambda sent: bar.advance(task, sent),
            )

    def watch(self, release: str, callers: Callers | None = None) -> dict[str, Any]:
        """Print what happens to a release as it happens, until it has ended; return its record."""
        told: set[str] = set()
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            record: dict[str, Any] = next(
                (one for one in self.command("history")["releases"] if one["release"] == release), {}
            )
            for moment in record.get("timeline", []):
                if moment["what"] not in told:
                    told.add(moment["what"])
                    self.console.print(f"  [cyan]{moment['at'][11:19]}[/]  {moment['what']}")
            if record.get("status") in _ENDS:
                return record
            if callers and record.get("status") == "shifting":
                self._tell_traffic(record, callers)
            time.sleep(1)  # the pace of the lines on the screen, not a wait for something to happen
        return {"status": "still under way", "reason": f"after {_PATIENCE} s"}

    def _tell_traffic(self, record: dict[str, Any], callers: Callers) -> None:
        counts = callers.since_last_asked()
        calls = sum(counts.values())
        shares = ", ".join(f"{who} {100 * count / calls:.0f} %" for who, count in sorted(counts.items()))
        self.console.print(f"            [dim]{calls} calls: {shares}  |  {record.get('verdict', '')}[/]")


def main() -> int:
    """Run the story; 0 when everything was as it should be."""
    console = Console(highlight=False, soft_wrap=True)
    application.BUILD.mkdir(parents=True, exist_ok=True)
    console.rule("[bold]1. A real application, far over Lambda's 250 MB")
    base = _build(console, RUNTIME.removeprefix("python"))
    console.rule("[bold]2. A local AWS, and Dropshift deployed to it from template.yaml")
    with LocalAws(speed=SPEED, function_environment={"BUNDLE_SECONDS": BUNDLE_SECONDS}) as aws:
        began = time.monotonic()
        story = Story(aws, aws.dropshift(runtime=RUNTIME), console)
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
    began = time.monotonic()
    story.drop(application.release(base, "v1"))
    record = story.watch("v1")
    took = time.monotonic() - began
    story.check("first release goes live", record["status"], f"{took:.1f} s", good=record["status"] == "live")
    began = time.monotonic()
    _, answer = ask(story.aws.client("lambda"), _FUNCTION)
    took = time.monotonic() - began
    story.console.print(f"  asked for an iris: [bold green]{answer}[/] in {took:.1f} s")
    good = answer.get("species") == "virginica"
    story.check("the alias predicts", str(answer.get("species", answer)), f"{took:.1f} s", good=good)


def _good_release(story: Story, base: Path, callers: Callers) -> None:
    story.console.rule("[bold]4. Drop a second release while people call the first")
    began = time.monotonic()
    story.drop(application.release(base, "v2"))
    record = story.watch("v2", callers)
    took = time.monotonic() - began
    story.check("second release, 10 % then 50 %", record["status"], f"{took:.1f} s", good=record["status"] == "live")


def _bad_release(story: Story, base: Path, callers: Callers) -> None:
    story.console.rule("[bold]5. Drop a release that passes its smoke test and fails its callers")
    began = time.monotonic()
    story.drop(application.release(base, "v3", defective=True))
    record = story.watch("v3", callers)
    took = time.monotonic() - began
    good = record["status"] == "rolled-back"
    story.check("bad release is caught", record["status"], f"{took:.1f} s", good=good)
    traffic = story.command("status")["traffic"]
    whole = [(one["release"], one["share"]) for one in traffic] == [("v2", 100)]
    story.check("the alias is whole again", f"{traffic[0]['share']} % {traffic[0]['release']}", "", good=whole)


def _by_hand(story: Story) -> None:
    story.console.rule("[bold]6. Go back by hand")
    began = time.monotonic()
    answer = story.command("rollback", reason="the demo")
    took = time.monotonic() - began
    story.console.print(f"  {answer['answer']} in [bold]{1000 * took:.0f} ms[/]")
    _, predicted = ask(story.aws.client("lambda"), _FUNCTION)
    story.console.print(f"  asked again: [bold green]{predicted}[/]")
    good = predicted.get("release") == "v1" and took < 1
    story.check("rollback by hand", str(predicted.get("release")), f"{1000 * took:.0f} ms", good=good)


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
