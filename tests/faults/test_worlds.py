"""Both worlds in memory go the way of the local AWS, which tests/end_to_end/test_the_main_job.py holds to it, too."""

from tests.deployment import TOLD, story
from tests.faults.wiring import inhabited, settings
from tests.faults.world import World
from tests.workflow.world import World as Workflow


def test_the_world_of_faults_tells_the_story() -> None:
    with inhabited(World(settings())) as world:
        assert list(story(world)) == TOLD


def test_the_world_of_the_workflow_tells_the_story() -> None:
    with inhabited(Workflow()) as world:
        assert list(story(world)) == TOLD
