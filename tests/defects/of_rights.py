"""Ways to let somebody beyond his right, or to cost the owner more than he allowed, each with tests that go red."""

from tests.defects.breaking import Defect

LIMITS = "tests/faults/test_owner_limits.py"
TURNS = "tests/faults/test_turns.py"
TEMPLATE = "tests/pure/test_template.py"
SENDER = "tests/pure/test_sender.py"
STACK_NAMES = f"{TEMPLATE}::test_a_stack_whose_functions_another_stack_would_take_for_its_applications_is_refused"
SAID_BY = "tests/faults/test_said_by.py"
REQUESTS = "tests/reliances/test_requests.py"
RELEASE = f"{REQUESTS}::test_every_request_of_a_flow_is_one_that_aws_takes_and_the_template_allows[release]"

DEFECTS = (
    Defect(
        "the rollout reads metrics that its role may not read",
        "template.yaml",
        "Action: [cloudwatch:DescribeAlarms, cloudwatch:GetMetricData]",
        "Action: [cloudwatch:DescribeAlarms]",
        (RELEASE,),
    ),
    Defect(
        "CloudWatch is asked for a type of alarms that it does not have",
        "Metrics._alarms",
        'AlarmTypes=["MetricAlarm", "CompositeAlarm"],',
        'AlarmTypes=["MetricAlarm", "CompositeAlarms"],',
        (RELEASE,),
    ),
    Defect(
        "a command for one application comes through the alias of another",
        "Sender.objection",
        "if self.alias in allowed:",
        "if self.alias:",
        (f"{SENDER}::test_a_command_comes_through_the_alias_of_its_application_or_of_administration",),
    ),
    Defect(
        "a command comes through the function without an alias",
        "sender._allowed",
        "return command.application, ADMINISTRATION",
        'return command.application, ADMINISTRATION, ""',
        (f"{SENDER}::test_a_command_comes_through_the_alias_of_its_application_or_of_administration",),
    ),
    Defect(
        "what cannot be undone is granted with an application's commands",
        "needs_administration",
        'action == "prune" or',
        "",
        (f"{SENDER}::test_a_command_comes_through_the_alias_of_its_application_or_of_administration",),
    ),
    Defect(
        "an event comes through an alias",
        "controller._admitted",
        "problem = sender.objection(None)",
        "problem = None",
        ("tests/faults/test_senders.py::test_an_event_through_an_alias_is_refused_and_starts_nothing",),
    ),
    Defect(
        "nobody knows who sent a command",
        "Record.said_by",
        "if not name:",
        "if True:",
        (f"{SAID_BY}::test_a_command_leaves_its_reason_and_the_name_that_its_sender_claims",),
    ),
    Defect(
        "an end is said by whoever comes next",
        "Deployer._record_ending_of",
        "nobody.change_record(",
        "self.change_record(",
        (f"{SAID_BY}::test_the_end_that_a_dead_command_left_is_not_said_by_who_comes_next",),
    ),
    Defect(
        "an answer repeats what the smoke test sends",
        "maintenance._SECRETIVE",
        '{"manifest": {"smoke"}}',
        '{"manifest": {"schema"}}',
        ("tests/faults/test_secrets.py::test_no_secret_is_told_by_a_release",),
    ),
    Defect(
        "a manifest gets whatever it asks for",
        "resources._check_owner_limits",
        "if found and found > most:",
        "if False:",
        (f"{LIMITS}::test_more_than_the_owner_allows_is_refused_all_at_once_and_changes_nothing",),
    ),
    Defect(
        "a rollback provisions more than the owner allows by now",
        "rollback._provision",
        "if record.provisioned_concurrency > most:",
        "if False:",
        (f"{LIMITS}::test_a_rollback_provisions_no_more_than_the_owner_allows_by_now",),
    ),
    Defect(
        "what is kept ready costs a thousandth",
        "price.per_hour",
        "environments * memory / 1_024",
        "environments * memory / 1_024 / 1_000",
        (f"{LIMITS}::test_status_says_what_is_kept_ready_and_what_it_costs_an_hour",),
    ),
    Defect(
        "what is not the newest drop is prepared all the same",
        "Overview.asked",
        "and (again or self.latest.newer_than(mine))",
        "and again",
        (f"{TURNS}::test_a_drop_whose_event_comes_after_the_newer_one_went_live_costs_nothing",),
    ),
    Defect(
        "a drop that waits is prepared although a newer one is known",
        "Overview.asked",
        "and (again or self.latest.newer_than(mine))",
        "and self.latest.newer_than(mine)",
        (f"{TURNS}::test_twenty_drops_at_once_make_at_most_two_bundles_and_two_versions",),
    ),
    Defect(
        "all releases of an application are prepared at once",
        "take_turn",
        "if release.ending or release.has_turn:",
        "if True:",
        (f"{TURNS}::test_twenty_drops_at_once_make_at_most_two_bundles_and_two_versions",),
    ),
    Defect(
        "a rollout that hangs keeps its turn for ever",
        "Overview.asked",
        "self.turn and at - self.turn.since <= LONGEST_TURN",
        "self.turn",
        (f"{TURNS}::test_a_rollout_that_hangs_keeps_its_turn_for_half_an_hour_and_no_longer",),
    ),
    Defect(
        "a drop that was refused supersedes those that come late",
        "Overview.ended",
        'return ended.model_copy(update={"latest": None}) if refused else ended',
        "return ended",
        (f"{TURNS}::test_a_drop_whose_event_comes_late_is_not_superseded_by_a_newer_one_that_was_refused",),
    ),
    Defect(
        "a stack is deployed whose functions another one takes for its applications",
        "Makefile",
        "$(findstring -app-,$(STACK)-)",
        "$(findstring -app-,$(STACK))",
        (STACK_NAMES,),
    ),
    Defect(
        "the runbook replays what anybody put into the queue",
        "docs/runbook.md",
        '    jq -e \'type == "object" and (has("Records") or has("source")) and (has("action") | not)\' event.json',
        "    jq -e 'type == \"object\"' event.json",
        ("tests/pure/test_readme.py::test_the_runbooks_check_takes_events_and_no_command",),
    ),
)
