"""Ways to judge a version's health wrongly, each with the tests that have to go red."""

from tests.defects.breaking import Defect

EVIDENCE = "deployer/decisions/evidence.py"
HEALTH = "deployer/decisions/health.py"
VERDICTS = "tests/pure/test_health.py"
GUARANTEE = "tests/pure/test_health_guarantee.py"

DEFECTS = (
    Defect(
        "no data is healthy",
        HEALTH,
        "if canary.invocations < needed:",
        "if False:",
        (VERDICTS,),
    ),
    Defect(
        "what could not be read is healthy",
        HEALTH,
        'return Verdict(health=Health.UNMEASURED, reason="CloudWatch could not be read")',
        'return Verdict(health=Health.HEALTHY, reason="CloudWatch could not be read")',
        (VERDICTS,),
    ),
    Defect(
        "an alarm that was red before blocks the fix",
        HEALTH,
        'if alarm.state == "ALARM" and alarm.name not in alarms_before]',
        'if alarm.state == "ALARM"]',
        (VERDICTS,),
    ),
    Defect(
        "one failed call blames a release",
        EVIDENCE,
        "return canary.errors >= _FEWEST_ERRORS and ",
        "return ",
        (f"{VERDICTS}::test_one_unlucky_call_of_enough_is_no_reason",),
    ),
    Defect(
        "the stable version's error rate is taken as known",
        EVIDENCE,
        "mixture = _log_sum(expected) + _predicted(stable, *_STABLE_PRIOR)\n"
        "    return mixture - _best_within(canary, stable, allowance / 100)",
        "rate = min(0.999, (stable.errors + 1) / (stable.invocations + 1) + allowance / 100)\n"
        "    known = _log(canary.errors, rate) + _log(canary.successes, 1 - rate)\n"
        "    return _log_sum(expected) - known",
        (f"{GUARANTEE}::test_a_good_release_is_hardly_ever_blamed",),
    ),
    Defect(
        "what a stage may risk is spent at every look",
        HEALTH,
        "< math.log(stages / RISK):",
        "< math.log(stages / (20 * RISK)):",
        (f"{GUARANTEE}::test_a_good_release_is_hardly_ever_blamed",),
    ),
    Defect(
        "the allowance is a fraction here and percentage points there",
        EVIDENCE,
        "_best_within(canary, stable, allowance / 100)",
        "_best_within(canary, stable, allowance)",
        (VERDICTS, GUARANTEE),
    ),
    Defect(
        "a version is compared with one that hardly anybody called",
        HEALTH,
        "if stable.invocations < needed and suspicious(",
        "if False and suspicious(",
        (f"{VERDICTS}::test_many_errors_beside_too_few_calls_to_compare_with_are_inconclusive",),
    ),
)
