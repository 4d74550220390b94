"""Ways to keep, delete, ask or wait too much with many applications and releases, each with tests that go red."""

from tests.defects.breaking import Defect

SCHEDULE, STATUS = "tests/faults/test_pruned_by_schedule.py", "tests/faults/test_status_of_all.py"
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
        "the schedule keeps what failed before what went live",
        "versions_to_keep",
        "ranked = sorted(versions, key=lambda found: _went_live(found, went_live))",
        "ranked = versions",
        ("tests/workflow/test_shown.py::test_prune_keeps_what_went_live_before_what_failed",),
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
)
