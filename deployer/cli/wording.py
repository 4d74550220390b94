"""Pure: where a release stands, in words that a person reads at a glance."""

from datetime import datetime, timedelta

from deployer.cli.answer import ShownRelease, Situation
from deployer.cli.clock import Clock
from deployer.model.duration import show


def at(moment: datetime) -> str:
    """Return a time of day, in the reader's time zone."""
    return f"{moment.astimezone():%H:%M:%S}"


def day_and_time(moment: datetime) -> str:
    """Return a date and time, in the reader's time zone."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def took(duration: timedelta) -> str:
    """Return a duration: to the tenth below ten seconds, then to the second, as a manifest has it from a minute on."""
    seconds = duration.total_seconds()
    if seconds < 10:  # noqa: PLR2004 - as the sentence above says
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if duration < timedelta(minutes=1) else show(duration)


def standing(release: ShownRelease, situation: Situation, clock: Clock) -> str:
    """Return where a release stands, and what comes next."""
    if release.ended:
        return release.why
    if at_a_stage(release, situation):
        return _at_stage(release, clock, paused=situation.paused)
    if release.staged_at and all(one.version != release.version for one in situation.traffic):
        return f"{release.release} has lost its traffic; its rollout ends when it looks next"
    if release.step and release.step_at:
        return f"{release.release} is {release.step}, for {took(clock.now() - release.step_at)}"
    since = f", since {took(clock.now() - release.timeline[-1].at)}" if release.timeline else ""
    return f"{release.release} is {release.status}{since}"


def at_a_stage(release: ShownRelease, situation: Situation) -> bool:
    """Return whether a release has the share of the traffic that its record names."""
    shares = {one.version: one.share for one in situation.traffic}
    return release.weight in release.stages and shares.get(str(release.version)) == release.weight


def _at_stage(release: ShownRelease, clock: Clock, *, paused: bool) -> str:
    number = release.stages.index(release.weight)
    following = f"{release.stages[number + 1]} %" if number + 1 < len(release.stages) else "all traffic"
    place = f"{release.release} is at stage {number + 1} of {len(release.stages)} with {release.weight} %"
    if paused:
        return f"{place}, paused; `dropshift resume` goes on to {following}"
    return f"{place}; {time_left(release, clock)}, then {following}"


def time_left(release: ShownRelease, clock: Clock) -> str:
    """Return what is left of the stage's bake, or for how long the release is held beyond it."""
    bake = bake_of(release)
    if bake is None or release.staged_at is None:
        return "it began just now"
    left, here = clock.until_baked(release.staged_at, bake), show(bake / clock.speed)
    scale = "" if clock.speed == 1 else f" ({show(bake)}, {clock.speed:g} times as fast here)"
    if left > timedelta():
        return f"{show(left)} of {here} left{scale}"
    return f"held {show(-left)} beyond its bake of {here}{scale}"


def bake_of(release: ShownRelease) -> timedelta | None:
    """Return how long the present stage bakes."""
    if release.weight not in release.stages:
        return None
    number = release.stages.index(release.weight)
    return release.bakes[number] if number < len(release.bakes) else None


def share_baked(release: ShownRelease, situation: Situation, clock: Clock) -> float | None:
    """Return how much of the present stage's bake is over, from 0 to 1."""
    bake = bake_of(release)
    if bake is None or release.staged_at is None or not at_a_stage(release, situation):
        return None
    left = clock.until_baked(release.staged_at, bake) * clock.speed
    return min(1.0, max(0.0, 1 - left / bake))


def seconds_per_step(release: ShownRelease) -> list[tuple[str, str, str]]:
    """Return what happened to a release: when, what, and how long after what came before."""
    moments = release.timeline
    earlier = (None, *moments)
    return [
        (at(entry.at), entry.what, took(entry.at - before.at) if before else "")
        for entry, before in zip(moments, earlier, strict=False)
    ]
