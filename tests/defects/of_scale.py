"""Ways to keep, delete, ask or wait too much with many applications and releases, each with tests that go red."""

from tests.defects.breaking import Defect

SCHEDULE, STATUS = "tests/faults/test_pruned_by_schedule.py", "tests/faults/test_status_of_all.py"
CONTENTION, STORM = "tests/faults/test_contention.py", "tests/pure/test_storm.py"
COMMANDED = (
    "tests/pure/test_template.py"
    "::test_an_applications_stack_names_an_alias_of_the_controller_by_which_it_is_commanded_and_found"
)
PERMISSIONS = "tests/pure/test_template_permissions.py"
NEEDED = f"{SCHEDULE}::test_an_old_record_goes_when_its_version_is_gone_and_what_is_needed_stays"
UNDER_WAY = f"{SCHEDULE}::test_records_are_deleted_where_all_releases_are_kept_and_a_release_under_way_keeps_its_own"
BOUNDED = f"{SCHEDULE}::test_no_record_is_deleted_where_the_owner_keeps_all_and_so_many_at_once_at_most"
HIDDEN = f"{PERMISSIONS}::test_old_records_are_hidden_by_the_controller_alone_and_only_where_the_owner_says_so"

DEFECTS = (
    Defect(
        "the record of a published version is deleted",
        "old_records._needed",
        "return published | named_by(app.alias(), app.overview())",
        "return named_by(app.alias(), app.overview())",
        (NEEDED,),
    ),
    Defect(
        "the record of the release that a command moved last is deleted",
        "old_records.named_by",
        "moved = {alias.recorded.release} if alias.recorded else set()",
        "moved: set[str] = set()",
        (f"{SCHEDULE}::test_what_the_alias_and_the_overview_name_is_needed",),
    ),
    Defect(
        "the record of the newest drop is deleted",
        "old_records.named_by",
        "moved | newest | {*overview.under_way}",
        "moved | {*overview.under_way}",
        (NEEDED,),
    ),
    Defect(
        "the record of a release under way is deleted",
        "old_records.named_by",
        "moved | newest | {*overview.under_way}",
        "moved | newest",
        (f"{SCHEDULE}::test_what_the_alias_and_the_overview_name_is_needed",),
    ),
    Defect(
        "records are deleted where the owner keeps all",
        "old_records.forget",
        "if not days:\n    return 0\n",
        "",
        (BOUNDED,),
    ),
    Defect(
        "all old records are deleted at once",
        "old_records.forget",
        "if release_id not in needed][:most]",
        "if release_id not in needed]",
        (BOUNDED,),
    ),
    Defect(
        "young records are deleted",
        "Records.unchanged_since",
        "if modified < time]",
        "]",
        (NEEDED,),
    ),
    Defect(
        "records wait for releases to be pruned",
        "controller._prune",
        "forgotten = forget(app, most=MOST_PRUNED)",
        "forgotten = forget(app, most=MOST_PRUNED) if keep else 0",
        (UNDER_WAY,),
    ),
    Defect(
        "history ends without a word where older records are gone",
        "history.history",
        "ends = keep_days and len(records) < limit",
        "ends = False",
        (NEEDED,),
    ),
    Defect(
        "the controller may hide rolled-back marks",
        "template.yaml",
        "                  Action: s3:DeleteObject\n"
        "                  Resource: !Sub arn:${AWS::Partition}:s3:::${AWS::StackName}-bundles-"
        "${AWS::AccountId}-${AWS::Region}/records/*.json\n",
        "                  Action: s3:DeleteObject\n"
        "                  Resource: !Sub arn:${AWS::Partition}:s3:::${AWS::StackName}-bundles-"
        "${AWS::AccountId}-${AWS::Region}/records/*\n",
        (HIDDEN,),
    ),
    Defect(
        "whoever may delete hides records",
        "template.yaml",
        "            Action: s3:DeleteObject\n            Resource: !Sub ${BundlesBucket.Arn}/records/*.json\n",
        "            Action: s3:DeleteObject\n            Resource: !Sub ${BundlesBucket.Arn}/records/*.xml\n",
        ("tests/end_to_end/test_wide_grants.py::test_whoever_may_everything_in_s3_hides_expires_and_opens_nothing",),
    ),
    Defect(
        "the schedule is not there for records alone",
        "template.yaml",
        ", !Condition DeletesRecords]\n",
        "]\n",
        (f"{PERMISSIONS}::test_the_schedule_is_there_for_releases_and_for_records",),
    ),
    Defect(
        "the schedule prunes where the owner keeps all",
        "controller._prune",
        'if keep else answers.nothing_to_do("all releases are kept")',
        "",
        (f"{SCHEDULE}::test_nothing_is_pruned_where_the_owner_keeps_all",),
    ),
    Defect(
        "the schedule deletes all that it may at once",
        "controller._prune",
        "prune(app, command, most=MOST_PRUNED)",
        "prune(app, command)",
        (f"{SCHEDULE}::test_so_many_versions_are_deleted_at_once_at_most",),
    ),
    Defect(
        "the schedule prunes the same application each time",
        "controller._prune",
        "names[turn % len(names)]",
        "names[0]",
        (f"{SCHEDULE}::test_applications_take_turns_and_one_that_is_gone_is_passed_over",),
    ),
    Defect(
        "the schedule asks for an application that is gone",
        "controller._prune",
        "if name not in deployer.aws.applications:",
        "if not name:",
        (f"{SCHEDULE}::test_applications_take_turns_and_one_that_is_gone_is_passed_over",),
    ),
    Defect(
        "status of everything leaves out what never had a drop",
        "Applications.with_undropped",
        "return sorted({*filter(_NAME.fullmatch, named), *self})",
        "return sorted(self)",
        (f"{STATUS}::test_an_application_that_never_had_a_drop_is_shown_however_many_there_are",),
    ),
    Defect(
        "the controller's own alias is taken for an application",
        "Applications.with_undropped",
        "filter(_NAME.fullmatch, named)",
        "named",
        (f"{STATUS}::test_three_hundred_applications_are_read_in_few_calls_however_many_releases_they_had",),
    ),
    Defect(
        "status of everything reads one application after the other's history",
        "Application.summary",
        "overview = self.overview()",
        "overview = Overview.of(self.recent(100))",
        (f"{STATUS}::test_three_hundred_applications_are_read_in_few_calls_however_many_releases_they_had",),
    ),
    Defect(
        "an application's stack lets it load the bundles of all",
        "deployer/application.yaml",
        "-${AWS::Region}/bundles/${Application}/*\n",
        "-${AWS::Region}/bundles/*\n",
        (PERMISSIONS,),
    ),
    Defect(
        "an application's stack gives no commands for it",
        "deployer/application.yaml",
        "Properties: { Name: !Ref Application, FunctionName:",
        "Properties: { Name: live, FunctionName:",
        (COMMANDED,),
    ),
    Defect(
        "commands wait for the control plane as long as rollouts do",
        "Aws.connect",
        "if settings.answers_commands:",
        "if False:",
        (f"{CONTENTION}::test_rollbacks_are_answered_within_five_seconds_while_rollouts_take_all_calls",),
    ),
    Defect(
        "rollouts ask as often as commands",
        "Aws.connect",
        "if settings.answers_commands:",
        "if True:",
        (f"{CONTENTION}::test_a_rollouts_throttled_calls_wait_as_the_sdk_does_and_none_is_tried_for_ever",),
    ),
    Defect(
        "a command asks for ever",
        "throttling._soon",
        "if throttled and attempts < _MOST else None",
        "if throttled and attempts < 10 * _MOST else None",
        (f"{CONTENTION}::test_a_rollouts_throttled_calls_wait_as_the_sdk_does_and_none_is_tried_for_ever",),
    ),
    Defect(
        "a release that went live reads the alias once more",
        "shifting._give_back_concurrency",
        "deployer.unprovision(application, version, alias)",
        "deployer.unprovision(application, version)",
        ("tests/faults/test_calls.py", "tests/faults/test_limits.py"),
    ),
    Defect(
        "a busy S3 is an attempt",
        "Worker._postpone",
        "if isinstance(error, SlowDown):",
        "if False:",
        ("tests/end_to_end/test_bootstrap_faults.py::test_a_busy_s3_is_waited_for_longer_than_any_other_fault",),
    ),
    Defect(
        "all loads ask a busy S3 again at the same moment",
        "worker.pause",
        "BUSY * 2 ** min(slowed, 10)) * chance)",
        "BUSY * 2 ** min(slowed, 10)))",
        (f"{STORM}::test_a_pause_is_anywhere_within_a_bound_that_grows_and_ends",),
    ),
    Defect(
        "a large bundle comes in small parts",
        "parts.plan",
        "larger = LARGER if memory >= ROOM else ()",
        "larger = ()",
        (f"{STORM}::test_a_large_bundle_is_loaded_in_few_requests",),
    ),
    Defect(
        "a function with little memory has large parts",
        "parts.plan",
        "larger = LARGER if memory >= ROOM else ()",
        "larger = LARGER",
        (f"{STORM}::test_a_function_with_little_memory_keeps_small_parts",),
    ),
)
