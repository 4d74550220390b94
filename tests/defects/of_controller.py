"""Ways to lose an answer, an event or somebody's move, each with the tests that have to go red."""

from tests.defects.breaking import Defect

REFUSED = "tests/faults/test_refused.py"
DELETED = "tests/faults/test_deleted.py"
RECORDED = "tests/faults/test_commands_recorded.py"
SENDERS = "tests/faults/test_senders.py"

DEFECTS = (
    Defect(
        "what AWS refuses after the one write leaves as an exception",
        "Deployer.provision",
        "try:\n    with refusals():\n        ready =",
        "try:\n    if True:\n        ready =",
        (f"{REFUSED}::test_concurrency_that_is_refused_after_a_rollback_is_a_warning_and_a_moment",),
    ),
    Defect(
        "a refusal that lasts leaves the controller as an exception",
        "errors._refused",
        "raise RefusedError(_in_words(error)) from error",
        "raise",
        (f"{REFUSED}::test_a_command_that_aws_refuses_before_its_write_is_refused_in_words",),
    ),
    Defect(
        "an event that cannot be handled is answered, and lost",
        "_on_refusal",
        "raise EventNotHandledError(str(error)) from error",
        'return answers.nothing_to_do("AWS refuses it")',
        (f"{REFUSED}::test_a_drop_that_aws_refuses_for_good_is_a_dead_letter_and_goes_live_when_it_is_read_again",),
    ),
    Defect(
        "an expired token is a version that is not there",
        "s3._NOT_THERE",
        '_NOT_THERE = ("404", "405")',
        '_NOT_THERE = ("404", "405", "400")',
        (f"{REFUSED}::test_an_expired_token_is_not_taken_for_a_drop_that_is_gone",),
    ),
    Defect(
        "an upload that fails at its end leaves its parts behind",
        "Upload.__exit__",
        "if not self.version_id:\n    self._abort()",
        "if kind:\n    self._abort()",
        (f"{REFUSED}::test_an_upload_that_fails_leaves_no_parts_behind",),
    ),
    Defect(
        "warm capacity is taken from a version that has traffic",
        "Deployer.unprovision",
        "if not (alias or self.aws.functions.alias(function)).names(version):",
        "if True:",
        (f"{REFUSED}::test_a_version_that_somebody_gave_all_traffic_keeps_its_concurrency",),
    ),
    Defect(
        "an abort adopts a move by others",
        "Alias.abort_waiting",
        "if self.recorded is None or self.managed:\n    return self.remove_canary(",
        "if True:\n    return self.remove_canary(",
        (f"{REFUSED}::test_an_abort_of_a_waiting_release_adopts_no_move_by_others",),
    ),
    Defect(
        "the event's sequencer beats S3's own time",
        "VersionDescription.newer_than",
        "if self.dropped != other.dropped:\n    return self.dropped > other.dropped",
        "if self.dropped != other.dropped and self.key_id != other.key_id:\n    return self.dropped > other.dropped",
        ("tests/pure/test_drop.py",),
    ),
    Defect(
        "a record that was deleted is not begun anew",
        "Records.change",
        "before, etag = self._read(key) or (known, None)",
        'before, etag = self._read(key) or (known, "gone")',
        (f"{DELETED}::test_a_release_whose_record_is_deleted_mid_bake_goes_live_and_is_told_whole",),
    ),
    Defect(
        "a record that was begun anew forgets what the rollout knows",
        "Records.change",
        "after = change(before.completed(known))",
        "after = change(before)",
        (f"{DELETED}::test_a_record_that_a_repeated_event_begins_anew_mid_bake_is_completed_by_the_rollout",),
    ),
    Defect(
        "a dead rollout's share is found by its record alone",
        "close_rollout.after",
        "lambda alias: _without(alias, drop.release_id))",
        "lambda alias: _without(alias, drop.release_id) if app.record(drop.release_id) else alias)",
        (
            f"{DELETED}::test_a_dead_rollout_without_a_record_leaves_no_share_behind",
            f"{DELETED}::test_a_dead_rollout_whose_record_is_refused_leaves_no_share_behind",
        ),
    ),
    Defect(
        "a promotion guesses the stages that a deleted record had",
        "promotion.promote",
        "if not record.stages and not command.full:",
        "if False:",
        (f"{DELETED}::test_a_promotion_to_the_next_stage_does_not_guess_stages_that_were_deleted",),
    ),
    Defect(
        "a repeated event leaves a deleted record without an end",
        "_start",
        "if execution and (execution.died or execution.ending):",
        "if False:",
        (f"{DELETED}::test_an_event_that_comes_again_ends_a_deleted_record_as_the_engine_remembers_it",),
    ),
    Defect(
        "the rollout believes any order",
        "check_order",
        'found, record = "no record", deployer.aws.records.read(drop.application, drop.release_id)',
        'found, record = "no record", deployer.begin_record(drop)',
        (f"{SENDERS}::test_a_rollout_that_the_controller_did_not_order_touches_nothing",),
    ),
    Defect(
        "the rollout believes the name of any bucket",
        "check_order",
        "if drop.bucket != settings.releases_bucket or execution_name",
        "if execution_name",
        (f"{SENDERS}::test_a_rollout_that_the_controller_did_not_order_touches_nothing",),
    ),
    Defect(
        "news of a dead rollout is believed as it comes",
        "_on_dead_rollout",
        "if not execution.died:",
        "if False:",
        (f"{SENDERS}::test_news_of_a_death_that_the_engine_does_not_confirm_ends_nothing",),
    ),
    Defect(
        "news about another function is taken for the rollout's",
        "of_eventbridge",
        'if not found.detail.arn.startswith(f"{function}:"):',
        "if False:",
        (f"{SENDERS}::test_news_that_is_not_the_rollouts_is_ignored",),
    ),
    Defect(
        "a drop that comes again is logged as new",
        "_start",
        "arn, new = deployer.aws.executions.start(drop), known is None",
        "arn, new = deployer.aws.executions.start(drop), True",
        (f"{SENDERS}::test_a_drop_that_comes_again_is_not_logged_as_new",),
    ),
    Defect(
        "a command in the words of an earlier one is not recorded",
        "Record.with_move",
        "self._with(TimelineEntry(at=at, what=what, move=revision), {})",
        "self._with(TimelineEntry(at=at, what=what), {})",
        (f"{RECORDED}::test_every_pause_is_recorded_and_announced",),
    ),
    Defect(
        "a pause that died after its move is never recorded",
        "unwritten",
        "unwritten = alias.same_as(wanted) and not command.dry_run",
        "unwritten = False",
        (f"{RECORDED}::test_a_pause_that_died_after_its_move_is_recorded_when_it_is_said_again",),
    ),
    Defect(
        "a rollback to what is live records what is live as rolled back",
        "rollback.roll_back",
        "alias.canary and target == alias.stable and (alias.managed or command.to is None)",
        "alias.canary and command.to is None",
        ("tests/workflow/test_commands.py::test_a_rollback_to_what_is_live_leaves_the_canary_and_nothing_else",),
    ),
    Defect(
        "a rollback from others' weights names the release that stays",
        "rollback._roll_back_to",
        "[version for version in (alias.stable, alias.canary) if version and version != target]",
        "[version for version in (alias.stable, alias.canary) if version]",
        ("tests/workflow/test_commands.py::test_a_rollback_to_what_is_live_takes_traffic_that_others_shifted_away",),
    ),
)
