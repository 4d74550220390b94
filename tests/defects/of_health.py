"""Ways to judge a version's health wrongly, each with the tests that have to go red."""

from tests.defects.breaking import Defect

VERDICTS = "tests/pure/test_health.py"
GUARANTEE = "tests/pure/test_health_guarantee.py"
ASKED = "tests/pure/test_metrics.py"
NAMED = "tests/pure/test_logged_error.py"
READ = "tests/pure/test_logs.py"
OPERATIONS = "tests/pure/test_rollout_operations.py"
SMOKE = "tests/pure/test_smoke.py"

DEFECTS = (
    Defect(
        "no data is healthy",
        "_too_little",
        "if canary.invocations < needed:",
        "if False:",
        (VERDICTS,),
    ),
    Defect(
        "what could not be read is healthy",
        "_not_yet",
        'return Verdict(health=Health.UNMEASURED, reason=f"CloudWatch',
        'return Verdict(health=Health.HEALTHY, reason=f"CloudWatch',
        (VERDICTS,),
    ),
    Defect(
        "an alarm that was red before blocks the fix",
        "health._red",
        'if alarm.state == "ALARM" and alarm.name not in alarms_before)',
        'if alarm.state == "ALARM")',
        (VERDICTS,),
    ),
    Defect(
        "one failed call blames a release",
        "suspicious",
        "return canary.errors >= _FEWEST_ERRORS and",
        "return",
        (f"{VERDICTS}::test_one_unlucky_call_of_enough_is_no_reason",),
    ),
    Defect(
        "the stable version's error rate is taken as known",
        "evidence",
        "mixture = _log_sum(expected) + _predicted(stable, *_STABLE_PRIOR)\n"
        "return mixture - _best_within(canary, stable, allowance / 100)",
        "rate = min(0.999, (stable.errors + 1) / (stable.invocations + 1) + allowance / 100)\n"
        "known = _log(canary.errors, rate) + _log(canary.successes, 1 - rate)\n"
        "return _log_sum(expected) - known",
        (f"{GUARANTEE}::test_a_good_release_is_hardly_ever_blamed",),
    ),
    Defect(
        "what a stage may risk is spent at every look",
        "_enough_evidence",
        "* questions / RISK)",
        "* questions / (20 * RISK))",
        (f"{GUARANTEE}::test_a_good_release_is_hardly_ever_blamed",),
    ),
    Defect(
        "the allowance is a fraction here and percentage points there",
        "evidence",
        "_best_within(canary, stable, allowance / 100)",
        "_best_within(canary, stable, allowance)",
        (VERDICTS, GUARANTEE),
    ),
    Defect(
        "a version is compared with one that hardly anybody called",
        "_too_little",
        "if stable.invocations < needed and suspicious(",
        "if False and suspicious(",
        (f"{VERDICTS}::test_many_errors_beside_too_few_calls_to_compare_with_are_inconclusive",),
    ),
    Defect(
        "values that CloudWatch leaves out are zero",
        "Metrics._values",
        'if state != "Complete")',
        "if not state)",
        (f"{ASKED}::test_errors_that_are_missing_are_not_zero",),
    ),
    Defect(
        "a percentile is that of the slowest minute",
        "Metrics.duration.found",
        "min(_DAY, _minutes(since, until)))",
        "_MINUTE)",
        (f"{ASKED}::test_a_percentile_is_that_of_the_whole_window",),
    ),
    Defect(
        "periods count alike, however few calls they had",
        "weighed",
        "weighed = [(value, calls.get(at, 0.0)) for",
        "weighed = [(value, 1.0) for",
        (f"{ASKED}::test_a_percentile_of_several_periods_is_averaged_by_their_calls",),
    ),
    Defect(
        "five slow calls in a hundred and one more are a verdict",
        "is_enough",
        "return evidence(Traffic(invocations=canary.invocations, errors=slow), usual, 0) >= enough",
        "return slow > _SLOW_SHARE * canary.invocations",
        (f"{VERDICTS}::test_more_slow_calls_than_chance_explains_are_asked_for",),
    ),
    Defect(
        "bakes are rounded to whole waits",
        "bake_waits.ends",
        "ends = [math.ceil(each * number) for",
        "ends = [round(each) * number for",
        (f"{OPERATIONS}::test_a_bake_is_exactly_as_long_as_the_manifest_says",),
    ),
    Defect(
        "a plan is accepted that needs more operations than an execution has",
        "stages.OPERATIONS_ASIDE",
        "2 * (TURN_TRIES + PUBLISH_TRIES + 2 * ACTIVE_TRIES + HOLD_CHECKS) + _SINGLE_OPERATIONS",
        "2 * (TURN_TRIES + PUBLISH_TRIES + 2 * ACTIVE_TRIES)",
        (f"{OPERATIONS}::test_the_largest_plan_fits_one_execution",),
    ),
    Defect(
        "an error that the application handled is that of a failed call",
        "_of_event",
        'case {"logger": _}:\n    return None',
        "",
        (f"{NAMED}::test_what_the_application_handled_itself_is_no_error_of_a_call",),
    ),
    Defect(
        "an error is told at any length",
        "logged_error._LONGEST",
        "_LONGEST = 160",
        "_LONGEST = 160_000",
        (f"{NAMED}::test_an_error_is_one_short_printable_line_whatever_it_holds",),
    ),
    Defect(
        "the place of an error is in a library",
        "logged_error._NOT_ITS_OWN",
        'r"/(?:site-packages|node_modules|var/lang|var/runtime|opt|bootstrap)/|^<"',
        'r"^<"',
        (f"{NAMED}::test_an_error_is_named_on_one_line",),
    ),
    Defect(
        "the errors of all versions are those of the new one",
        "_streams",
        'yield f"{date}/[{version}]"',
        'yield f"{date}/["',
        (f"{READ}::test_only_the_streams_of_the_version_are_read",),
    ),
    Defect(
        "a log that cannot be read stops the verdict",
        "Logs.events",
        "except (ClientError, BotoCoreError, TimeoutError) as error:",
        "except (BotoCoreError, TimeoutError) as error:",
        (f"{READ}::test_a_log_that_cannot_be_read_holds_nothing",),
    ),
    Defect(
        "first calls that held the rest of the loading count as slow",
        "_Stage._durations",
        "self._slowest(canary, slow, left_out=loads)",
        "self._slowest(canary, slow, left_out=0)",
        ("tests/workflow/test_slowness.py",),
    ),
    Defect(
        "environments that could not be counted are none",
        "Logs.loads",
        "return Unread(reason=str(error))",
        "return 0",
        (f"{READ}::test_what_could_not_be_counted_is_not_zero",),
    ),
    Defect(
        "a line of a stack trace loses what stands before the release's folder",
        "traceback",
        '_TREE.sub("", str(line).strip(), count=1)',
        're.sub(r"^.*/(?:dropshift/[0-9a-f]+|task)/", "", str(line).strip())',
        (f"{SMOKE}::test_a_stack_trace_has_the_innermost_frame_last_and_paths_within_the_release",),
    ),
    Defect(
        "metrics are those of a version, whoever invoked it",
        "Metrics._query",
        '"Resource": f"{function}:{self._settings.alias}",',
        '"Resource": function,',
        ("tests/pure/test_requests.py::test_metrics_are_those_of_a_version_behind_the_alias",),
    ),
)
