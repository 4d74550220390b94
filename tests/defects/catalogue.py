"""The ways in which Dropshift is broken on purpose, each with the tests that have to go red."""

from tests.defects import (
    of_buckets,
    of_command_line,
    of_compatibility,
    of_contract,
    of_controller,
    of_demand,
    of_health,
    of_hostile,
    of_identity,
    of_pythons,
    of_reuse,
    of_rights,
    of_scale,
)
from tests.defects.breaking import Defect

ENDINGS, COMMANDS = "tests/workflow/test_endings.py", "tests/workflow/test_commands.py"
WATCHING, MAINTENANCE = "tests/workflow/test_watching.py", "tests/workflow/test_maintenance.py"
GUARDS = "tests/workflow/test_guards.py"
ROLLED_BACK = "tests/faults/test_rolled_back.py"
LOADER, START = "tests/end_to_end/test_bootstrap_faults.py", "tests/end_to_end/test_bootstrap_start.py"
NODE_LOADER = "tests/end_to_end/test_bootstrap_node_faults.py"
PERMISSIONS = "tests/pure/test_template_permissions.py"

WRITES = (
    Defect(
        "the alias is written without its RevisionId",
        "Functions._update",
        "RevisionId=believed.revision,\n)",
        ")",
        (f"{GUARDS}::test_an_alias_that_was_moved_meanwhile_is_left_as_it_is_and_told_as_it_is",),
    ),
    Defect(
        "a 412 is taken for success",
        "Functions.write_alias",
        "except self._alias_client.exceptions.PreconditionFailedException:\n    return self.alias(function)",
        "except self._alias_client.exceptions.PreconditionFailedException:\n    return wanted",
        (f"{GUARDS}::test_an_alias_that_was_moved_meanwhile_is_left_as_it_is_and_told_as_it_is",),
    ),
    Defect(
        "what somebody else staged is published",
        "Functions.publish",
        "CodeSha256=believed.code_sha256,\nRevisionId=believed.revision,",
        "",
        (f"{GUARDS}::test_what_somebody_staged_meanwhile_is_not_published_under_our_name",),
    ),
    Defect(
        "a record is written without looking who wrote in between",
        "Records.change",
        'if self._put(key, after, **({"IfMatch": etag} if etag else {"IfNoneMatch": "*"})):',
        "if self._put(key, after):",
        (f"{GUARDS}::test_two_who_change_a_record_at_once_are_both_in_it",),
    ),
    Defect(
        "a step's record is not written before its effect",
        "shifting.shift",
        "if ending := deployer.record_progress("
        "release, words, status=Status.SHIFTING, weight=stage.weight, staged_at=at):\n"
        "    return _remove_canary_and_end(deployer, release, ending.status, ending.reason)\n"
        "def decide",
        "def decide",
        (f"{WATCHING}::test_every_change_of_a_release_is_announced_once",),
    ),
    Defect(
        "a rollback that is said twice goes back twice",
        "rollback._target",
        "if alias.rolled_back and command.to is None and command.release is None:",
        "if False:",
        (f"{COMMANDS}::test_a_command_that_is_said_twice_is_done_once",),
    ),
    Defect(
        "traffic does not wait for provisioned concurrency",
        "provision_concurrency",
        'concurrency_ready=ready.state == "READY"',
        "concurrency_ready=True",
        (f"{WATCHING}::test_traffic_waits_until_the_concurrency_is_ready",),
    ),
    Defect(
        "a snapshot that is not optimised yet is taken for ready",
        "function_answers.readiness",
        'state="Pending" if state == "Active" and not optimised else state',
        "state=state",
        (f"{WATCHING}::test_a_snapshot_is_waited_for_until_it_is_active_and_optimised",),
    ),
    Defect(
        "the function's own environment is overwritten",
        "_staged",
        '"environment": {**latest.environment, **ours}',
        '"environment": ours',
        (f"{ENDINGS}::test_the_functions_own_environment_is_kept",),
    ),
    Defect(
        "prune deletes without a qualifier",
        "Functions.delete",
        "self._client.delete_function(FunctionName=function, Qualifier=version)",
        "self._client.delete_function(FunctionName=function)",
        (f"{MAINTENANCE}::test_prune_keeps_what_an_alias_or_previous_names_and_deletes_the_rest",),
    ),
)

ORDER = (
    Defect(
        "weights come before the smoke test",
        "roll_out",
        "smoke_test, shift_in_stages, promote)",
        "shift_in_stages, smoke_test, promote)",
        (f"{ENDINGS}::test_a_release_that_cannot_start_fails_its_smoke_test_and_never_has_traffic",),
    ),
    Defect(
        "a failed smoke test is no reason",
        "publishing.smoke_test",
        "if reason := failure(result, smoke):",
        "if False and (reason := failure(result, smoke)):",
        (f"{ENDINGS}::test_a_release_that_cannot_start_fails_its_smoke_test_and_never_has_traffic",),
    ),
    Defect(
        "an unhealthy look is passed over",
        "_look",
        "if not release.ending and verdict and verdict.health is Health.UNHEALTHY:",
        "if False:",
        (f"{GUARDS}::test_the_first_unhealthy_look_is_the_last",),
    ),
    Defect(
        "an older drop overtakes a newer one",
        "refusal_to_start",
        "if description and description.newer_than(mine):",
        "if description and mine.newer_than(description):",
        ("tests/pure/test_precedence.py",),
    ),
    Defect(
        "sequencers are padded on the left",
        "VersionDescription.newer_than",
        'text.upper().ljust(width, "0")',
        'text.upper().rjust(width, "0")',
        ("tests/pure/test_drop.py",),
    ),
    Defect(
        "moments change the status of a release that has ended",
        "Record._with.known",
        "known = {} if self.status.final else found",
        "known = found",
        (f"{GUARDS}::test_an_end_is_written_once",),
    ),
    Defect(
        "what is staged is written without its RevisionId",
        "Functions.configure",
        'EphemeralStorage={"Size": wanted.sizes.ephemeral_storage},\nRevisionId=believed.revision,',
        'EphemeralStorage={"Size": wanted.sizes.ephemeral_storage},',
        (f"{GUARDS}::test_what_was_staged_meanwhile_is_not_overwritten",),
    ),
    Defect(
        "bytes that were rolled back need no force",
        "_known_before",
        "if earlier and earlier != release.id and not force:",
        "if False:",
        (f"{ENDINGS}::test_a_release_that_fails_calls_is_rolled_back_and_its_bytes_are_remembered",),
    ),
    Defect(
        "a person's move is written over",
        "ended_by_others",
        "if not alias.managed or alias.recorded is None:",
        "if alias.recorded is None:",
        (f"{ENDINGS}::test_a_move_by_a_person_is_reported_and_left_as_it_is",),
    ),
    Defect(
        "a dead rollout leaves the alias split",
        "close_rollout.after",
        "after = None if ending else deployer.change_alias(app.name, lambda alias: _without(alias, drop.release_id))",
        "after = app.alias()",
        (f"{WATCHING}::test_a_dead_rollout_leaves_the_alias_whole_and_ends_failed",),
    ),
    Defect(
        "a rollback that died stays unfinished when it is said again",
        "rollback._nothing_left",
        "if record and not command.dry_run and (record.status is Status.LIVE or not record.status.final):",
        "if False:",
        (f"{ROLLED_BACK}::test_a_rollback_that_is_said_again_writes_down_the_one_that_died",),
    ),
    Defect(
        "a note that tells of a rollback is replaced unheeded",
        "Deployer.write_alias",
        "if believed.recorded and believed.recorded.by_command and wanted.recorded != believed.recorded:",
        "if False:",
        (f"{ROLLED_BACK}::test_the_note_of_a_rollback_that_died_is_heeded_before_another_replaces_it",),
    ),
    Defect(
        "a note that tells of an abort is replaced unheeded",
        "Deployer.write_alias",
        "if believed.recorded and believed.recorded.by_command and wanted.recorded != believed.recorded:",
        "if believed.recorded and believed.recorded.move == 'roll-back' and wanted.recorded != believed.recorded:",
        (f"{ROLLED_BACK}::test_the_note_of_an_abort_that_died_is_heeded_before_another_replaces_it",),
    ),
    Defect(
        "a text of the smoke test is told",
        "smoke._described",
        'return f"a text of {len(value)} characters"',
        "return repr(value)",
        ("tests/faults/test_secrets.py::test_no_secret_is_told_by_a_release",),
    ),
    Defect(
        "a wrong value of the smoke test is repeated",
        "manifest_file._found",
        'return "a value that is not repeated here, because it may be secret"',
        "pass",
        ("tests/faults/test_secrets.py::test_no_secret_is_told_by_a_release",),
    ),
    Defect(
        "a rollout forgets that its bytes were rolled back by a command that died",
        "finish",
        "if ending.status is Status.ROLLED_BACK and not deployer.recorded_ending(release):",
        "if False:",
        (f"{ROLLED_BACK}::test_a_rollback_mid_bake_that_dies_is_finished_by_the_rollout",),
    ),
    Defect(
        "a rollback goes to a version whose bundle is gone",
        "rollback._unfit",
        'if app.bundle_state(published) != "present":',
        "if False:",
        (f"{COMMANDS}::test_a_rollback_to_a_release_whose_bundle_is_gone_is_refused",),
    ),
    Defect(
        "prune forgets what a rollback goes back to",
        "versions_to_keep.previous",
        "previous = {alias.recorded.previous, alias.recorded.stable} if alias.recorded else set()",
        "previous: set[str | None] = set()",
        (f"{MAINTENANCE}::test_prune_keeps_what_an_alias_or_previous_names_and_deletes_the_rest",),
    ),
)

HEALTH = (
    Defect(
        "an alarm that is not there is as good as a green one",
        "Metrics.alarms.missing",
        'missing = {name: "MISSING" for name in named if name not in found}',
        "missing: dict[str, str] = {}",
        (f"{GUARDS}::test_an_alarm_that_does_not_exist_keeps_a_healthy_release_at_its_stage",),
    ),
)

DOOR = (
    Defect(
        "a key is decoded twice",
        "_decoded",
        'return unquote_plus(key, errors="strict")',
        'return unquote_plus(unquote_plus(key, errors="strict"))',
        ("tests/pure/test_events.py",),
    ),
    Defect(
        "one bad record stops the others",
        "drop_of",
        "except ValidationError as error:\n    fields = sorted(",
        "except KeyError as error:\n    fields = sorted(",
        ("tests/pure/test_events.py::test_a_record_that_is_none_does_not_stop_those_around_it",),
    ),
    Defect(
        "any field of a manifest is accepted",
        "Section.model_config",
        'extra="forbid",',
        'extra="ignore",',
        ("tests/pure/test_manifest.py",),
    ),
    Defect(
        "hostile names reach the log as they are",
        "printable",
        'return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)',
        "return text",
        ("tests/pure/test_drop.py",),
    ),
    Defect(
        "an archive may climb out of its root",
        "names._faults",
        'if ".." in components:',
        'if components == [".."]:',
        ("tests/pure/test_archive_names.py",),
    ),
    Defect(
        "the deployer reads whatever version of a drop is there",
        "DroppedArchive.read_at",
        "VersionId=drop.version_id,\n",
        "",
        (
            "tests/workflow/test_maintenance.py::test_a_release_whose_key_was_dropped_again_is_released_again_with_its_own_bytes",
        ),
    ),
)

LOADING = (
    Defect(
        "a frame's digest is not checked",
        "unpack.verify",
        "if sha256(data).hexdigest() != frame.sha256:",
        "if False:",
        (f"{LOADER}::test_bytes_that_were_swapped_for_others_of_the_same_length_are_never_written",),
    ),
    Defect(
        "the index is not held against the pin",
        "_ask_for_index",
        "if hashlib.sha256(buffer).hexdigest() != pointer.sha256:",
        "if False:",
        (f"{LOADER}::test_a_passing_fault_is_survived",),
    ),
    Defect(
        "the version id is forgotten when a bundle is fetched",
        "endpoint.query",
        'query = (("versionId", pointer.version),) if pointer.version else ()',
        "query = ()",
        (f"{LOADER}::test_a_passing_fault_is_survived",),
    ),
    Defect(
        "an answer of another range is taken",
        "Connection._check",
        'if not headers.get("content-range", "").startswith(self._range):',
        "if False:",
        (f"{LOADER}::test_a_lasting_fault_fails_closed_with_one_line_that_says_where_and_what_to_do",),
    ),
    Defect(
        "a directory that is there counts as complete",
        "Tree.complete",
        "return os.path.exists(self.marker)",
        "return os.path.exists(self.directory)",
        (f"{LOADER}::test_a_tree_without_marker_and_journal_is_thrown_away",),
    ),
    Defect(
        "a load that fails leaves no line",
        "ColdStart._report_failure",
        "report.say(report.failed(self._pointer, error))",
        "return",
        (f"{START}::test_a_load_that_fails_is_the_inits_error_in_one_line",),
    ),
    Defect(
        "a release's blocks on disk are not counted",
        "build._finish",
        "sum(entry.on_disk for",
        "sum(entry.size for",
        ("tests/pure/test_bundle.py::test_what_a_release_takes_on_disk_is_whole_blocks",),
    ),
    Defect(
        "a bundle with another kind of index is used again",
        "_suffix",
        "-{SCHEMA}.tar.zst",
        ".tar.zst",
        (f"{ENDINGS}::test_a_bundle_that_a_later_bootstrap_does_not_read_is_made_anew",),
    ),
    Defect(
        "under Node, nobody waits for the one that loads",
        "bootstrap/node/turn.mjs",
        'await once(server.listen({ path: `\\0${name}`, exclusive: true }), "listening");',
        "",
        (f"{NODE_LOADER}::test_of_many_that_wait_for_a_load_that_is_killed_one_loads_and_all_serve",),
    ),
    Defect(
        "under Node, a whole object is read before it is refused",
        "bootstrap/node/fetch.mjs",
        "if (status < 300) response.destroy();\n  else for",
        "for",
        (f"{NODE_LOADER}::test_a_whole_object_is_refused_before_it_is_read",),
    ),
    Defect(
        "under Node, a full disk is told as it comes",
        "bootstrap/node/load.mjs",
        "const refusal = refused(error, tree, pointer);",
        "const refusal = error;",
        (f"{NODE_LOADER}::test_a_disk_that_fills_up_at_any_step_is_told_in_one_line_and_the_next_init_goes_on",),
    ),
)

GRANTS = (
    Defect(
        "prune may delete a whole function",
        "template.yaml",
        "                Action: lambda:DeleteFunction\n                Resource: !Sub arn:${AWS::Partition}:lambda:"
        "${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-app-*:*\n",
        "                Action: lambda:DeleteFunction\n                Resource: !Sub arn:${AWS::Partition}:lambda:"
        "${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-app-*\n",
        (PERMISSIONS,),
    ),
    Defect(
        "anybody's bucket may invoke the controller",
        "template.yaml",
        "-releases-${AWS::AccountId}-${AWS::Region}\n      SourceAccount: !Ref AWS::AccountId\n",
        "-releases-${AWS::AccountId}-${AWS::Region}\n",
        (PERMISSIONS,),
    ),
    Defect(
        "an update of the stack moves traffic",
        "deployer/application.yaml",
        "Properties: { FunctionName: !Ref Function, Description: no release yet }",
        'Properties: { FunctionName: !Ref Function, Description: !Sub "no release yet, ${LogRetentionDays}" }',
        ("tests/pure/test_template.py",),
    ),
)

OBSERVING = (
    Defect(
        "steps are observed outside the durable step, at every replay",
        "Run.step",
        "Release.model_validate(self._context.step(body, name=act.__name__, config=config))",
        "telemetry.observe(act.__name__, release, lambda: "
        "Release.model_validate(self._context.step(body, name=act.__name__, config=config)))",
        ("tests/faults/test_observed_once.py",),
    ),
)

DEFECTS = (
    *WRITES,
    *ORDER,
    *HEALTH,
    *DOOR,
    *LOADING,
    *GRANTS,
    *OBSERVING,
    *of_hostile.DEFECTS,
    *of_buckets.DEFECTS,
    *of_compatibility.DEFECTS,
    *of_contract.DEFECTS,
    *of_controller.DEFECTS,
    *of_demand.DEFECTS,
    *of_health.DEFECTS,
    *of_identity.DEFECTS,
    *of_pythons.DEFECTS,
    *of_command_line.DEFECTS,
    *of_reuse.DEFECTS,
    *of_rights.DEFECTS,
    *of_scale.DEFECTS,
)
