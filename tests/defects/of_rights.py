"""Ways to let somebody beyond his right, or to cost the owner more than he allowed, each with tests that go red."""

from tests.defects.breaking import Defect

TEMPLATE = "tests/pure/test_template.py"
SENDER = "tests/pure/test_sender.py"
STACK_NAMES = f"{TEMPLATE}::test_a_stack_whose_functions_another_stack_would_take_for_its_applications_is_refused"
SAID_BY = "tests/faults/test_said_by.py"

DEFECTS = (
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
        "sender._allowed",
        "isinstance(command, Prune) or",
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
        "an answer repeats what the smoke test sends",
        "maintenance._SECRETIVE",
        '{"manifest": {"smoke"}}',
        '{"manifest": {"schema"}}',
        ("tests/faults/test_secrets.py::test_no_secret_is_told_by_a_release",),
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
