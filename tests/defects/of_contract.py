"""Ways to rely on something that AWS's documents do not say, each with the tests that have to go red."""

from tests.defects.breaking import Defect

TEMPLATE = "template.yaml"
HARDENING = "tests/pure/test_template_hardening.py"
REFERENCE = "tests/end_to_end/test_template_reference.py"
KILLED = "tests/faults/test_killed_steps.py"
SETTINGS = "tests/faults/test_function_settings.py"
STACK = "tests/end_to_end/test_the_main_job.py"
ALIASES = (
    "                Action: lambda:ListAliases\n                Resource: !Sub arn:${AWS::Partition}:lambda:"
    "${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-app-*\n"
)

DEFECTS = (
    Defect(
        "the alarms' rule must come from an account that EventBridge does not name",
        TEMPLATE,
        "      SourceArn: !GetAtt ApplicationAlarmed.Arn\n",
        "      SourceArn: !GetAtt ApplicationAlarmed.Arn\n      SourceAccount: !Ref AWS::AccountId\n",
        (STACK,),
    ),
    Defect(
        "the dead rollouts' rule must come from an account that EventBridge does not name",
        TEMPLATE,
        "      SourceArn: !GetAtt RolloutDied.Arn\n",
        "      SourceArn: !GetAtt RolloutDied.Arn\n      SourceAccount: !Ref AWS::AccountId\n",
        (STACK,),
    ),
    Defect(
        "a rollout that died is told as a lost event",
        TEMPLATE,
        "TargetArn: !GetAtt DeadRollouts.Arn",
        "TargetArn: !GetAtt DeadLetters.Arn",
        (STACK,),
    ),
    Defect(
        "the key is used through S3 in one partition only",
        "deployer/application.yaml",
        '                  Condition: { StringLike: { "kms:ViaService": !Sub "s3.${AWS::Region}.*" } }',
        '                  Condition: { StringLike: { "kms:ViaService": !Sub "s3.${AWS::Region}.amazonaws.com" } }',
        (HARDENING,),
    ),
    Defect(
        "what the engine keeps is not under the own key",
        TEMPLATE,
        "        KMSKeyArn: !If [HasEncryptionKey, !Ref EncryptionKey, !Ref AWS::NoValue]",
        "        # KMSKeyArn: !If [HasEncryptionKey, !Ref EncryptionKey, !Ref AWS::NoValue]",
        (HARDENING,),
    ),
    Defect(
        "an action is misspelt, which IAM accepts",
        TEMPLATE,
        "Action: [lambda:PublishVersion, lambda:UpdateFunctionConfiguration]",
        "Action: [lambda:PublishVersions, lambda:UpdateFunctionConfiguration]",
        (REFERENCE,),
    ),
    Defect(
        "an action is granted on what it never is about",
        TEMPLATE,
        ALIASES,
        ALIASES.removesuffix("\n") + ":live\n",
        (REFERENCE,),
    ),
    Defect(
        "a condition asks for a key that the action does not know",
        TEMPLATE,
        '{ StringLike: { "s3:prefix": bundles/* } }',
        '{ StringLike: { "s3:keyprefix": bundles/* } }',
        (REFERENCE,),
    ),
    Defect(
        "a step that is killed each time is begun again for a week",
        "config",
        "config = _CONFIGURATIONS.get(act.__name__, _STEP)",
        "config = _STEP",
        (KILLED,),
    ),
    Defect(
        "a step that outgrew its function is begun again as after an outage",
        "outgrown",
        "isinstance(error, StepInterruptedError) and attempts >= _INTERRUPTIONS",
        "isinstance(error, StepInterruptedError) and attempts >= 12",
        (KILLED,),
    ),
    Defect(
        "a step returns more than the engine keeps",
        "_bounded",
        "if size > _LARGEST:",
        "if size > 2 * _LARGEST:",
        ("tests/faults/test_stand_ins.py",),
    ),
    Defect(
        "an environment that was hidden since the inspection is written",
        "publishing.publish",
        "if latest.environment_error:",
        "if False:",
        (SETTINGS,),
    ),
    Defect(
        "prune takes versions it cannot read for versions without a bundle",
        "prune.prune",
        "if hidden := next(filter(None, (found.environment_error for found in versions)), None):",
        "if hidden := None:",
        (SETTINGS,),
    ),
    Defect(
        "words in the name of a pruned release are taken for the answer's own",
        "prune.prune",
        'answers.done(f"deleted {what}, kept {len(remaining)}")',
        'answers.done(f"deleted {what}, keep {len(remaining)}".replace(", keep", ", kept"))',
        ("tests/workflow/test_maintenance.py",),
    ),
    Defect(
        "versions are pruned in the order in which Lambda lists them",
        "Functions.versions",
        'sorted(listed, key=lambda found: int(found["Version"]))',
        "listed",
        (SETTINGS,),
    ),
    Defect(
        "an alias with provisioned concurrency of its own is not noticed",
        "Functions.configuration",
        "one.qualifier == self._alias",
        "False",
        (SETTINGS,),
    ),
    Defect(
        "stages are begun among versions of two roles",
        "function_answers.configuration",
        "differs=tuple(_differing(found, live)),",
        "differs=(),",
        (SETTINGS,),
    ),
    Defect(
        "what AWS can never do is tried for ten minutes",
        "_decide",
        "isinstance(error, RefusedError | ResultTooLargeError)",
        "isinstance(error, ResultTooLargeError)",
        (SETTINGS,),
    ),
    Defect(
        "an Inactive version is smoke-tested",
        "check_active",
        'if ready.state not in ("Active", "Pending"):',
        'if ready.state == "Failed":',
        ("tests/workflow/test_watching.py",),
    ),
    Defect(
        "weights that Lambda wrote itself are taken for somebody's move",
        "Functions.write_alias",
        "return answers.settled(written, believed)",
        "return written",
        (SETTINGS,),
    ),
    Defect(
        "a stack is removed while its executions sleep",
        "tests/live/account.py",
        'lambda_.stop_durable_execution(DurableExecutionArn=execution["DurableExecutionArn"])',
        "pass",
        ("tests/end_to_end/test_local_aws_stack.py",),
    ),
)
