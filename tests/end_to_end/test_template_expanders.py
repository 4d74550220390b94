"""AWS's own port of the language extensions, in SAM CLI, makes of the template what the local AWS makes of it.

SAM CLI pins another botocore and has an environment of its own (`.venv-sam`): its port runs in a process there.
"""

import json
import os
import subprocess
from copy import deepcopy
from typing import Any

import pytest
from ministack.services.cloudformation import language_extensions

from tests import template as sam

SAM = sam.PATH.parent / ".venv-sam" / "bin"
PORT = """
import json, sys
from samcli.lib.cfn_language_extensions.api import process_template
from samcli.lib.cfn_language_extensions.models import PseudoParameterValues
asked = json.load(sys.stdin)
pseudo = PseudoParameterValues(**asked["pseudo"])
print(json.dumps(process_template(asked["template"], asked["parameters"], pseudo)))
"""
PSEUDO = {"region": sam.REGION, "account_id": sam.ACCOUNT, "stack_name": sam.STACK}
"""SAM CLI always has some."""
CHOICES = [
    {},
    {"Applications": "hello,my-orders"},
    {
        "Applications": "hello,my-orders",
        "EncryptionKey": f"arn:aws:kms:{sam.REGION}:{sam.ACCOUNT}:key/encryption",
        "SigningKey": f"arn:aws:kms:{sam.REGION}:{sam.ACCOUNT}:key/signing",
        "AlarmTopic": f"arn:aws:sns:{sam.REGION}:{sam.ACCOUNT}:alarms",
        "NotifyTopic": f"arn:aws:sns:{sam.REGION}:{sam.ACCOUNT}:news",
        "WriteOnceReleases": "true",
        "Dashboards": "false",
    },
]


def test_sam_cli_finds_nothing_to_say_about_the_template() -> None:
    """As `sam validate --lint` by samconfig.toml; `make build`, which runs before the tests, is `sam build`."""
    environment = {**os.environ, "AWS_DEFAULT_REGION": sam.REGION, "SAM_CLI_TELEMETRY": "0"}
    ran = subprocess.run(
        [SAM / "sam", "validate", "--lint"],
        cwd=sam.PATH.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "is a valid SAM Template" in ran.stdout


def _by_sam(template: sam.Template, parameters: dict[str, str]) -> sam.Template:
    asked = json.dumps({"template": template, "parameters": parameters, "pseudo": PSEUDO})
    ran = subprocess.run([SAM / "python", "-c", PORT], input=asked, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    expanded: sam.Template = json.loads(ran.stdout)
    return expanded


@pytest.mark.parametrize("given", CHOICES, ids=["defaults", "two applications", "every option"])
def test_both_expanders_make_the_same_stack_of_the_template(given: dict[str, str]) -> None:
    """Compared with every name filled in: one of them fills in more on its way than the other."""
    template = sam.source()
    parameters = sam.defaults(template) | given
    by_sam = _with_subs(_by_sam(template, parameters))
    by_local_aws = language_extensions.apply(deepcopy(template), parameters)
    for section in ("Resources", "Outputs"):
        theirs, ours = (_resolved(expanded, section, parameters) for expanded in (by_sam, by_local_aws))
        assert theirs.keys() == ours.keys()
        for name, resource in ours.items():
            assert theirs[name] == resource, name


def _with_subs(value: Any) -> Any:  # noqa: ANN401 - a template's value is any JSON
    """Put back the `Fn::Sub` that the port drops around a name it cannot fill in, such as a bucket's ARN."""
    if isinstance(value, dict):
        return {key: _with_subs(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_subs(inner) for inner in value]
    return {"Fn::Sub": value} if isinstance(value, str) and "${" in value else value


def _resolved(expanded: sam.Template, section: str, parameters: dict[str, str]) -> sam.Template:
    """The section with names filled in, without what a condition takes out of it."""
    names = sam.Names(expanded, parameters)
    kept = {name: one for name, one in expanded[section].items() if names.holds(one.get("Condition", ALWAYS))}
    resolved: sam.Template = names.text(kept)
    return resolved


ALWAYS = {"Fn::Equals": ["", ""]}
