"""Ways to lose an answer, an event or somebody's move, each with the tests that have to go red."""

from tests.defects.breaking import Defect

REFUSED = "tests/faults/test_refused.py"

DEFECTS = (
    Defect(
        "what AWS refuses after the one write leaves as an exception",
        "deployer/deployer.py",
        "        try:\n            with refusals():\n                ready = ",
        "        try:\n            if True:\n                ready = ",
        (f"{REFUSED}::test_concurrency_that_is_refused_after_a_rollback_is_a_warning_and_a_moment",),
    ),
    Defect(
        "a refusal that lasts leaves the controller as an exception",
        "deployer/aws/errors.py",
        "        raise RefusedError(_in_words(error)) from error",
        "        raise",
        (f"{REFUSED}::test_a_command_that_aws_refuses_before_its_write_is_refused_in_words",),
    ),
    Defect(
        "an event that cannot be handled is answered, and lost",
        "deployer/controller.py",
        "        raise EventNotHandledError(str(error)) from error\n",
        '        return answers.nothing_to_do("AWS refuses it")\n',
        (f"{REFUSED}::test_a_drop_that_aws_refuses_for_good_is_a_dead_letter_and_goes_live_when_it_is_read_again",),
    ),
    Defect(
        "an expired token is a version that is not there",
        "deployer/aws/s3.py",
        '_NOT_THERE = ("404", "405")',
        '_NOT_THERE = ("404", "405", "400")',
        (f"{REFUSED}::test_an_expired_token_is_not_taken_for_a_drop_that_is_gone",),
    ),
    Defect(
        "an upload that fails at its end leaves its parts behind",
        "deployer/aws/bundles_bucket.py",
        "            if not self.version_id:\n                self._abort()",
        "            if kind:\n                self._abort()",
        (f"{REFUSED}::test_an_upload_that_fails_leaves_no_parts_behind",),
    ),
    Defect(
        "warm capacity is taken from a version that has traffic",
        "deployer/deployer.py",
        "                if not self.aws.functions.alias(function).names(version):\n    ",
        "                if True:\n    ",
        (f"{REFUSED}::test_a_version_that_somebody_gave_all_traffic_keeps_its_concurrency",),
    ),
    Defect(
        "an abort adopts a move by others",
        "deployer/model/alias.py",
        "        if self.recorded is None or self.managed:\n            return self.remove_canary(",
        "        if True:\n            return self.remove_canary(",
        (f"{REFUSED}::test_an_abort_of_a_waiting_release_adopts_no_move_by_others",),
    ),
    Defect(
        "the event's sequencer beats S3's own time",
        "deployer/model/drop.py",
        "        if self.dropped != other.dropped:\n            return self.dropped > other.dropped\n",
        "        if self.dropped != other.dropped and self.key_id != other.key_id:\n"
        "            return self.dropped > other.dropped\n",
        ("tests/pure/test_drop.py",),
    ),
)
