"""Ways to let wide grants, old signatures or another account's bucket in, each with the tests that have to go red."""

from tests.defects.breaking import Defect

PERMISSIONS, WIDE = "tests/pure/test_template_permissions.py", "tests/end_to_end/test_wide_grants.py"
RESTART = "tests/end_to_end/test_bootstrap_restart.py"
SIGNATURES = "tests/workflow/test_signatures.py"
APPLICATION = f"{WIDE}::test_an_application_that_may_everything_moves_and_reads_nothing_of_another"
STRANGER = f"{WIDE}::test_whoever_may_everything_in_s3_hides_expires_and_opens_nothing"
REFUSED = f"{SIGNATURES}::test_a_drop_that_the_key_did_not_sign_is_refused_and_changes_nothing"

DEFECTS = (
    Defect(
        "whoever may delete hides records and marks",
        "template.yaml",
        '            Action: s3:DeleteObject*\n            NotResource: [!Sub "${BundlesBucket.Arn}/bundles/*"',
        '            Action: s3:DeleteObjectVersion\n            NotResource: [!Sub "${BundlesBucket.Arn}/bundles/*"',
        (STRANGER,),
    ),
    Defect(
        "an application that may read everything reads what others are",
        "template.yaml",
        "/bundles/${aws:PrincipalTag/dropshift-application, '-'}/*",
        "/bundles/*",
        (APPLICATION,),
    ),
    Defect(
        "an application that may write everywhere releases as another",
        "template.yaml",
        'role/${AWS::StackName}/applications/*" } }\n          - Sid: KeepAPublisher',
        'role/${AWS::StackName}/nobody/*" } }\n          - Sid: KeepAPublisher',
        (APPLICATION,),
    ),
    Defect(
        "an application that may invoke everything commands the deployer",
        "deployer/application.yaml",
        "                Action: lambda:*\n",
        "                Action: lambda:InvokeAsync\n",
        (APPLICATION,),
    ),
    Defect(
        "an application's log line raises the alarm of another's releases",
        "deployer/application.yaml",
        "      Namespace: AWS/Events\n      MetricName: MatchedEvents\n",
        "      Namespace: Dropshift\n      MetricName: MatchedEvents\n",
        ("tests/pure/test_template_hardening.py::test_no_alarm_watches_a_metric_that_a_log_line_can_make",),
    ),
    Defect(
        "a pipeline that may write everywhere releases as another",
        "template.yaml",
        'Condition: { "Null": { "aws:PrincipalTag/dropshift-application": "false" } }',
        'Condition: { "Null": { "aws:PrincipalTag/dropshift-application": "true" } }',
        (f"{WIDE}::test_a_pipeline_drops_releases_of_the_application_that_its_tag_names",),
    ),
    Defect(
        "a stack update is kept from changing a bucket's policy",
        "template.yaml",
        "            Resource: !GetAtt BundlesBucket.Arn\n            Condition:\n"
        '              StringNotEquals: { "aws:CalledViaLast": cloudformation.amazonaws.com }\n',
        "            Resource: !GetAtt BundlesBucket.Arn\n            Condition:\n",
        (PERMISSIONS,),
    ),
    Defect(
        "what an application changed on disk runs after its crash",
        "load._is_usable",
        "if found is None:",
        "if found != pointer.sha256:",
        (f"{RESTART}::test_after_a_restart_what_runs_is_what_was_verified[content]",),
    ),
    Defect(
        "a change in the same step of the kernel's clock as the marker goes unnoticed",
        "restart.is_older",
        ".st_ctime_ns < since",
        ".st_ctime_ns <= since",
        (f"{RESTART}::test_what_is_no_older_than_the_marker_was_changed_since",),
    ),
    Defect(
        "a file that was added to a release runs after a crash",
        "restart._expected",
        'for path in ("", *index.directories):',
        "for path in index.directories:",
        (f"{RESTART}::test_after_a_restart_what_runs_is_what_was_verified[a file too many]",),
    ),
    Defect(
        "functions share their releases on a mounted disk",
        "tree._temporary",
        'on_lambda = os.environ.get("LAMBDA_TASK_ROOT") == TASK_ROOT',
        "on_lambda = False",
        (f"{RESTART}::test_on_lambda_a_tree_lies_below_tmp_whatever_tmpdir_says",),
    ),
    Defect(
        "requests believe whoever has a bucket of our name",
        "s3.name_owner",
        'client.meta.events.register("before-parameter-build.s3", partial(_with_owner, account))',
        "",
        ("tests/faults/test_kill_points.py::test_every_request_to_s3_names_the_account_that_must_own_the_bucket",),
    ),
    Defect(
        "a signature is good for every application and name",
        "drop.signed_text",
        'f"dropshift 1 {sha256} {key}"',
        'f"dropshift 1 {sha256}"',
        (f"{REFUSED}[other application]", f"{REFUSED}[newer name]"),
    ),
    Defect(
        "a signature over bytes alone is still accepted",
        "signature.objection",
        "elif aws.verifier.verify(signing_key, signed_text(drop.key, sha256), signature):",
        "elif aws.verifier.verify_digest(signing_key, sha256, signature):",
        (f"{REFUSED}[bytes alone]",),
    ),
)
