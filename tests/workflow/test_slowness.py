"""A version that answers more slowly is rolled back, and one whose environments were loading is not."""

from deployer.model.status import Status
from tests.workflow.world import GO_ON, World

SLOWDOWN = f"{GO_ON}slowdown = 2.0\n"


def serve(world: World, version: str | None, *took: tuple[float, int]) -> None:
    """Have CloudWatch count calls of a version, so many with each of some durations in milliseconds."""
    world.serve(version, sum(number for _, number in took))
    for milliseconds, number in took:
        world.account.cloudwatch.count(version, "Duration", milliseconds, number)


def load(world: World, version: str | None, environments: int) -> None:
    """Have environments of a version report that they have loaded the release."""
    world.account.logs.lines += [(str(version), '{"event": "release.loaded", "release": "1.1"}')] * environments


def test_a_version_that_answers_more_slowly_is_rolled_back(served: World) -> None:
    def answer() -> None:
        serve(served, served.alias.stable, (100, 90))
        serve(served, served.alias.canary, (100, 15), (900, 15))

    served.at_every_look(answer)
    ended = served.release("1.1", SLOWDOWN)
    assert ended["status"] == Status.ROLLED_BACK
    assert "invocations took 900 ms or longer; the stable version's p95 duration is 100 ms" in ended["reason"]


def test_a_version_that_answers_as_fast_goes_live(served: World) -> None:
    def answer() -> None:
        serve(served, served.alias.stable, (100, 85), (5_000, 5))
        serve(served, served.alias.canary, (190, 29), (5_000, 1))

    served.at_every_look(answer)
    assert served.release("1.1", SLOWDOWN)["status"] == Status.LIVE


def test_first_calls_that_held_the_rest_of_the_loading_do_not_count(served: World) -> None:
    def answer() -> None:
        serve(served, served.alias.stable, (100, 90))
        serve(served, served.alias.canary, (100, 15), (9_000, 15))
        load(served, served.alias.canary, 15)

    served.at_every_look(answer)
    assert served.release("1.1", SLOWDOWN)["status"] == Status.LIVE
