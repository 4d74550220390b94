"""Follow a release to its end: a screen that redraws on a terminal, plain lines elsewhere, JSON for programs."""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from deployer.cli import screen, view, wording
from deployer.cli.answer import ShownAnswer, ShownRelease, Situation
from deployer.cli.clock import Clock
from deployer.cli.exits import Exit, StopError
from deployer.cli.options import CommandLine
from deployer.model.duration import show

_FIRST_PAUSE, _GROWTH = 0.5, 1.3
_LONGEST_PAUSE = 4.0
"""Seconds between two questions: each costs some of the fifteen calls a second that an account has."""
_PATIENCE = 10
"""Questions in a row that may stay without an answer."""
_HEARTBEAT = 60.0
"""Seconds after which a plain log repeats where it stands: some pipelines end a silent job."""
_SEARCHED = 20
"""Records in which a release is looked for that `status` does not show any more."""


@dataclass
class Watch:
    """Follows one release of one application."""

    run: CommandLine
    application: str
    release_id: str
    name: str
    clock: Clock = field(default_factory=Clock.of_environment)
    situation: Situation | None = None
    release: ShownRelease | None = None
    trouble: str = ""

    def follow(self, timeout: timedelta) -> Exit:
        """Show the release until it has ended; return its exit status. Ctrl-C leaves the rollout alone."""
        try:
            with self._shown() as shown:
                self._look_until_it_ends(time.monotonic() + timeout.total_seconds(), shown)
        except KeyboardInterrupt:
            self._warn_that_it_goes_on("stopped watching")
            return Exit.INTERRUPTED
        release = self.release
        if release is None or not release.ended:
            self._warn_that_it_goes_on(f"not ended after {show(timedelta(seconds=timeout.total_seconds()))}")
            return Exit.UNKNOWN
        if self._redraws and release.exit_status is Exit.LIVE:
            return Exit.LIVE  # the last frame shows it
        explain(release, self.run)
        return release.exit_status

    def _look_until_it_ends(self, deadline: float, shown: "_Plain | None") -> None:
        pause = _FIRST_PAUSE
        while True:
            before = self.release
            self._ask()
            if shown:
                shown.update(self)
            if self.release and self.release.ended:
                return
            pause = _FIRST_PAUSE if self.release != before else min(_LONGEST_PAUSE, pause * _GROWTH)
            if time.monotonic() + pause > deadline:
                return
            time.sleep(pause)

    def _ask(self) -> None:
        """Ask how things stand; AWS may fail to answer some times in a row."""
        for attempt in range(1, _PATIENCE + 1):
            try:
                found = self.run.controller.ask("status", self.application)
                self.situation = Situation.model_validate(found)
                self.release = self.situation.release(self.release_id) or self._ended()
                self.trouble = ""
            except StopError as error:
                if attempt == _PATIENCE or not error.passes:
                    raise
                self.trouble = str(error)
                time.sleep(_LONGEST_PAUSE)
            else:
                return

    def _ended(self) -> ShownRelease | None:
        """Find a release that is neither under way nor the newest drop; None as long as the event has not arrived."""
        found = self.run.controller.ask("history", self.application, limit=_SEARCHED)
        releases = ShownAnswer.model_validate(found).releases
        return next((one for one in releases if one.release_id == self.release_id), self.release)

    @property
    def _redraws(self) -> bool:
        return sys.stdout.isatty() and not self.run.as_json

    @contextmanager
    def _shown(self) -> Iterator["_Plain | None"]:
        if not self._redraws:
            yield _Plain(as_json=self.run.as_json)
            return
        with Live(get_renderable=self._frame, console=screen.console(), refresh_per_second=4):
            yield None

    def _frame(self) -> RenderableType:
        if self.situation is None:
            return Text("asking the controller …")
        rows = max(4, screen.console().height - 14)
        waiting = ["waiting for the event of S3, which comes within seconds"] if self.release is None else []
        hint = [] if self._over else ["", self.trouble or "Ctrl-C stops watching; the rollout goes on"]
        more = [Text(f"  {line}", style="dim") for line in (*waiting, *hint)]
        return Group(view.frame(self.situation, self.release, self.clock, rows), *more)

    @property
    def _over(self) -> bool:
        return self.release is not None and self.release.ended

    def _warn_that_it_goes_on(self, why: str) -> None:
        where = wording.standing(self.release, self.situation, self.clock) if self.release and self.situation else ""
        screen.err(
            f"{why}; the rollout of {self.name} goes on" + (f": {where}" if where else ""),
            f"to follow it again: dropshift status {self.application} --watch",
            f"to end it: dropshift abort {self.application}",
        )


class _Plain:
    """Writes what is new since the last time, a line for each."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._entries = 0
        self._last = ("", "")
        self._printed_at = time.monotonic()
        self._release: ShownRelease | None = None

    def update(self, watch: Watch) -> None:
        """Write what happened to the release."""
        release = watch.release
        if release is None or release == self._release:
            return self._keep_alive(watch)
        self._release = release
        if self._as_json:
            return screen.line_of_json(release.model_dump(mode="json", exclude_defaults=True))
        for when, what, seconds in wording.seconds_per_step(release)[self._entries :]:
            self._print(f"{when}  {what}" + (f"  ({seconds})" if seconds > "0.1 s" else ""))
        self._entries = len(release.timeline)
        now = release.verdict, re.sub(r"\d+", "", release.step)
        for news, known, line in zip(now, self._last, (release.verdict, release.step), strict=True):
            if news and news != known and not release.ended:
                self._print(f"{wording.at(watch.clock.now())}  {line}")
        self._last = now
        return None

    def _keep_alive(self, watch: Watch) -> None:
        if self._as_json or time.monotonic() - self._printed_at < _HEARTBEAT:
            return
        where = "waiting for the event of S3"
        if watch.release and watch.situation:
            where = wording.standing(watch.release, watch.situation, watch.clock)
        self._print(f"{wording.at(watch.clock.now())}  {watch.trouble or where}")

    def _print(self, line: str) -> None:
        screen.out(line)
        self._printed_at = time.monotonic()


def explain(release: ShownRelease, run: CommandLine) -> None:
    """Write how a release ended; everything but a success on standard error."""
    if release.exit_status is Exit.LIVE:
        if not run.as_json:
            screen.out(f"{release.title} is live" if release.status == "live" else release.why)
        return
    screen.err(f"{release.title} was rolled back {release.because}" if release.rolled_back else release.why)
    if release.problems:
        screen.problems(release.problems)
    screen.err(*(f"    {line}" for line in release.traceback))


def watch_newest(run: CommandLine, application: str, situation: Situation, timeout: timedelta) -> Exit | None:
    """Follow the newest release that is under way; None when there is none."""
    if not situation.under_way:
        return None
    newest = situation.under_way[0]
    return Watch(run, application, newest.release_id, newest.release).follow(timeout)
