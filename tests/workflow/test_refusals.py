"""Refusals of commands, whole: where, what was found, what is allowed, and the way out."""

from typing import Any

from deployer.commands.application import Application
from deployer.commands.old_records import forget
from deployer.model.status import Status
from tests.faults.account import BUNDLES
from tests.workflow.test_commands import GO_ON, NOW, UNDER_WAY, during
from tests.workflow.world import World

AGAIN = "run status and send the command again"


def told(answer: dict[str, Any]) -> tuple[str, str, str, str]:
    """Return the one refusal of an answer."""
    [problem] = answer["problems"]
    return problem["where"], problem["found"], problem["allowed"], problem["remedy"]


def hidden(world: World) -> None:
    """Take the key of the application's environment from the deployer."""
    world.account.lambda_.functions[world.function].hidden = True


def without_records(world: World) -> None:
    """Delete every record, as a rule of a bucket's owner may."""
    objects = world.account.s3.buckets[BUNDLES].objects
    for key in [key for key in objects if key.startswith("records/")]:
        del objects[key]


def test_a_redeploy_of_what_is_rolled_out_otherwise_says_how(served: World) -> None:
    served.release("1.1", NOW)
    allowed, remedy = "a release that has ended", "abort it, then redeploy"
    served.command("redeploy", release="1.0")
    found = '1.0, which is being rolled out again without "force"'
    assert told(served.command("redeploy", release="1.0", force=True)) == ("release", found, allowed, remedy)


def test_a_redeploy_of_what_is_rolled_out_by_force_says_so(served: World) -> None:
    served.release("1.1", NOW)
    served.command("redeploy", release="1.0", force=True)
    assert told(served.command("redeploy", release="1.0"))[1] == '1.0, which is being rolled out again with "force"'


def test_a_redeploy_of_bytes_whose_rollback_has_no_reason_of_a_command(served: World) -> None:
    served.at_look(1, lambda: served.serve("3", 20, errors=20))
    assert served.release("1.1", GO_ON)["status"] == Status.ROLLED_BACK
    found = "1.1 (version 3), whose archive was rolled back"
    refused = ("release", found, "an archive that was not rolled back", 'add "force": true')
    assert told(served.command("redeploy", release="1.1")) == refused


def test_a_redeploy_of_bytes_that_a_command_rolled_back_has_its_reason(served: World) -> None:
    served.release("1.1", NOW)
    served.command("rollback", reason="misclassifies")
    found = "1.1 (version 3), whose archive was rolled back (misclassifies)"
    assert told(served.command("redeploy", release="1.1"))[1] == found


def test_a_command_that_means_another_release_names_the_present_one(served: World) -> None:
    answers: list[dict[str, Any]] = []
    served.at_look(1, lambda: answers.extend(served.command(one, release="0.9") for one in UNDER_WAY))
    assert served.release("1.1", GO_ON)["status"] == Status.LIVE
    assert [told(one) for one in answers] == [("release", "1.1 (version 3)", '"0.9"', AGAIN)] * len(UNDER_WAY)


def test_a_rollback_of_a_release_where_there_is_none_says_that(world: World) -> None:
    found = "no release yet (version 1)"
    assert told(world.command("rollback", release="0.9")) == ("release", found, '"0.9"', AGAIN)


def test_a_rollback_to_what_cannot_be_looked_at_needs_force(served: World) -> None:
    served.release("1.1", NOW)
    hidden(served)
    where, found, allowed, remedy = told(served.command("rollback"))
    assert (where, allowed) == ("to", "a version whose bundle exists")
    assert found.startswith("1.0 (version 2), whose environment cannot be read: ")
    assert "unable to decrypt" in found
    assert remedy.endswith('add "force": true to go back without looking for the bundle')
    assert served.command("rollback", force=True)["version"] == "2"


def test_a_promotion_without_the_record_of_its_plan_goes_to_all_traffic_or_nowhere(served: World) -> None:
    def promoted() -> dict[str, Any]:
        without_records(served)
        refused = served.command("promote")
        found = "none: the release's record was deleted"
        assert told(refused) == ("stages", found, "a release whose record has its plan", 'send "full": true, or wait')
        return served.command("promote", full=True)

    _, answer = during(served, 1, promoted)
    assert answer["answer"] == "done: promote 1.1 (version 3)"


def test_a_version_without_a_bundle_is_not_offered_for_a_rollback(served: World) -> None:
    """Somebody publishes by hand what lost its pointer, and gives it the description of a release."""
    function = served.function
    description = served.lambda_.get_function_configuration(FunctionName=function, Qualifier="2")["Description"]
    served.lambda_.update_function_configuration(FunctionName=function, Environment={"Variables": {}})
    version = served.lambda_.publish_version(FunctionName=function, Description=description)["Version"]
    app = Application(served.deployer, served.application)
    recorded = served.alias.promote("f" * 32, version).promote("e" * 32, "2")
    served.deployer.write_alias(served.application, served.alias, recorded)
    assert app.alias().previous == version
    assert app.state().previous is None
    assert told(served.command("rollback"))[1].startswith(f"version {version}, which is not a release")


def test_no_record_is_forgotten_without_the_rule(served: World) -> None:
    assert served.settings.keep_records_days == 0
    assert forget(Application(served.deployer, served.application), 5) == 0
