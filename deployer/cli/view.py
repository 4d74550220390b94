"""One frame of what a person sees of an application: traffic, release, verdict and steps."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from deployer.cli import wording
from deployer.cli.answer import ShownRelease, ShownVersion, Situation
from deployer.cli.clock import Clock
from deployer.model.duration import age

_BAR = 40
_STABLE, _CANARY, _BAD = "green", "yellow", "bold red"
_OF_VERDICT = {"healthy": _STABLE, "unhealthy": _BAD}
_STYLES = {"live": _STABLE, "duplicate": _STABLE, "superseded": _CANARY, "overtaken": _CANARY}


def frame(situation: Situation, release: ShownRelease | None, clock: Clock, rows: int = 100) -> RenderableType:
    """Return a frame, with the steps of a release in at most so many rows."""
    parts: list[RenderableType] = [Text(situation.application, style="bold"), _traffic(situation, clock)]
    others = [one for one in situation.under_way if release is None or one.release_id != release.release_id]
    parts += [Text(f"  {wording.standing(one, situation, clock)}") for one in others]
    if release:
        parts += _release(release, situation, clock, rows)
    parts += [Text(f"  {line}", style="dim") for line in _notes(situation, release)]
    return Group(*parts)


def style_of(release: ShownRelease) -> str:
    """Return the colour of a release: how it ended, if it did."""
    if release.rolled_back:
        return _BAD
    return _STYLES.get(release.status, _BAD) if release.ended else "bold"


def _traffic(situation: Situation, clock: Clock) -> Table:
    """Return a row for each version that has traffic, with its share as a bar."""
    table = Table.grid(padding=(0, 2))
    table.add_column()
    for number, one in enumerate(situation.traffic):
        style = _CANARY if number else _STABLE
        name = Text(f"  {one.release} (version {one.version})", style=style)
        table.add_row(name, _bar(one.share, style), f"{one.share:3} %", Text(_about(one, clock), style="dim"))
    return table


def _bar(share: float, style: str) -> ProgressBar:
    return ProgressBar(total=100, completed=share, width=_BAR, complete_style=style, finished_style=style)


def _about(one: ShownVersion, clock: Clock) -> str:
    dropped = [f"dropped {age(clock.now() - one.dropped)} ago"] if one.dropped else []
    return ", ".join([*dropped, *(["its bundle is MISSING"] if one.bundle == "missing" else [])])


def _release(release: ShownRelease, situation: Situation, clock: Clock, rows: int) -> list[RenderableType]:
    standing = Text(f"  {wording.standing(release, situation, clock)}", style=style_of(release))
    parts: list[RenderableType] = [Text(), standing]
    baked = wording.share_baked(release, situation, clock)
    if baked is not None:
        parts.append(_indented(_bar(100 * baked, "cyan")))
    if release.verdict:
        style = _OF_VERDICT.get(release.verdict.partition(":")[0], _CANARY)
        parts.append(Text(f"  the last look said {release.verdict}", style=style))
    return [*parts, Text(), _steps(release, rows)]


def _indented(inner: RenderableType) -> Table:
    table = Table.grid()
    table.add_row("  ", inner)
    return table


def _steps(release: ShownRelease, rows: int) -> Table:
    steps = wording.seconds_per_step(release)
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")
    table.add_column(justify="right")
    if len(steps) > rows:
        table.add_row("", Text(f"… {len(steps) - rows} earlier steps", style="dim"), "")
    for when, what, seconds in steps[-rows:]:
        table.add_row(Text(f"  {when}", style="cyan"), Text(what), Text(seconds, style="dim"))
    return table


def _notes(situation: Situation, release: ShownRelease | None) -> Iterator[str]:
    """Return what else is worth knowing: not how the release ended that is shown above."""
    known = f"{release.release}, dropped " if release and release.ended else None
    repeated = False
    for line in situation.notes:
        repeated = line.startswith(" ") if repeated else bool(known and line.startswith(known))
        if not repeated:
            yield line
