"""One application on the local AWS, and everything a test does to it while its release is under way."""

import io
import itertools
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import boto3
import botocore.session
from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner
from botocore.exceptions import ClientError

from deployer import controller, events, rollout
from deployer.aws import Aws
from deployer.aws.functions import Functions
from deployer.deployer import Deployer
from deployer.model.alias import Alias
from deployer.model.drop import FORCE, SIGNATURE, Drop
from deployer.model.record import Record
from deployer.settings import Settings
from tests.local.configuration import ACCOUNT, REGION
from tests.local.durable_runner import real_arns

# What stands in for the bootstrap: the release under test is the deployer's work, so the function only has to start,
# fail to start, or answer, as the release's name says.
_FUNCTION = """
import json, os
release = json.loads(os.environ.get("DROPSHIFT_POINTER", "{}")).get("release", "")
if "broken" in release:
    raise ImportError("No module named 'numpy'")
def handler(event, context):
    if "raising" in release:
        raise ValueError("no such event")
    return {"release": release, "event": event}
"""
APPLICATION = "if True:\n    def lambda_handler(event, context):\n        return {}\n"
_sequencers = itertools.count(1)


def packed(files: Mapping[str, str]) -> bytes:
    """Make a zip archive of some files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)  # the same files make the same bytes
    return buffer.getvalue()


def _another(session: boto3.Session) -> boto3.Session:
    """Make a session with event hooks of its own that reads AWS's models from where `session` keeps them parsed."""
    made = botocore.session.Session()
    made.register_component("data_loader", session._session.get_component("data_loader"))  # noqa: SLF001 - no other way
    return boto3.Session(botocore_session=made, region_name=REGION)


def _within(answer: dict[str, Any], said: dict[str, Any]) -> None:
    """Put fields into an answer, at any depth."""
    for name, value in said.items():
        if isinstance(value, dict):
            _within(answer.setdefault(name, {}), value)
        else:
            answer[name] = value


class People:
    """The clients of those who are not the deployer, shared by all applications: to make a client takes long."""

    def __init__(self) -> None:
        self.session = boto3.Session(region_name=REGION)
        self.lambda_: Any = self.session.client("lambda")
        self.s3: Any = self.session.client("s3")
        self.cloudwatch: Any = self.session.client("cloudwatch")


def _arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:rollout:1/durable-execution/{name}/1"


class World:
    """An application of its own: function, alias, records, and the wiring of the deployer."""

    def __init__(self, application: str, settings: Settings, people: People) -> None:
        self.application = application
        self.settings = settings
        self.function = settings.function(application)
        self.lambda_, self.s3, self.cloudwatch = people.lambda_, people.s3, people.cloudwatch
        self.calls: list[str] = []
        self.denied: set[str] = set()
        """Operations that AWS denies the deployer from now on."""
        self._ambushes: dict[str, Callable[[], object]] = {}
        self._first_answers: dict[str, list[dict[str, Any]]] = {}
        self._looks = 0
        self._plans: dict[int, list[Callable[[], object]]] = {}
        self.ordered: list[str] = []
        self._engine: dict[str, dict[str, str]] = {}
        """What the engine says of executions that ended, by ARN."""
        self.announced: list[dict[str, Any]] = []
        self.unbelieving: list[dict[str, Any]] = []
        """What the deployer wrote to an alias without saying which revision it believed in."""
        watched = self._watched = _another(people.session)
        watched.events.register("before-call", self._count)
        watched.events.register("after-call", self._answer_first)
        watched.events.register("after-call.lambda.Invoke", self._name_execution)
        watched.events.register("before-call.lambda.Invoke", self._remember_order)
        hooks: Any = watched.events  # one that answers in the service's place, which the stubs do not know
        hooks.register("before-call.lambda.GetDurableExecution", self._describe)
        watched.events.register("provide-client-params.eventbridge.PutEvents", self._hear)
        watched.events.register("provide-client-params.lambda.UpdateAlias", self._doubt)
        self._eyes = Functions(self.lambda_, self.lambda_, self.lambda_, settings.alias)
        self.deployer = Deployer(Aws.connect(settings, watched), settings, lambda: datetime.now(UTC))

    def create(self) -> None:
        """Create the function, its first version, and the alias on it, as template.yaml does."""
        made = self.lambda_.create_function(
            FunctionName=self.function,
            Runtime="python3.13",
            Role=f"arn:aws:iam::{ACCOUNT}:role/none",
            Handler="bootstrap.handler",
            Code={"ZipFile": packed({"bootstrap.py": _FUNCTION})},
            MemorySize=1024,
            Timeout=10,
            Environment={"Variables": {"OWN": "setting"}},
            Publish=True,
        )
        self.lambda_.create_alias(FunctionName=self.function, Name=self.settings.alias, FunctionVersion=made["Version"])

    def trust(self, signing_key: str) -> None:
        """Tell the deployer the key that must have signed every drop."""
        self.settings = self.settings.model_copy(update={"signing_key": signing_key})
        self.deployer = replace(self.deployer, settings=self.settings)

    # --- what people do ------------------------------------------------------------------------------------------

    def drop(
        self,
        release: str,
        manifest: str = "",
        files: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        force: bool = False,
        signature: str = "",
    ) -> Drop:
        """Drop an archive: by default one Python file and a manifest."""
        content = {"lambda_function.py": f"# {release}\n{APPLICATION}"} if files is None else dict(files)
        if manifest:
            content["dropshift.toml"] = manifest
        metadata = ({FORCE: "true"} if force else {}) | ({SIGNATURE: signature} if signature else {})
        key = f"{self.application}/{release}.zip"
        put = self.s3.put_object(
            Bucket=self.settings.releases_bucket, Key=key, Body=body or packed(content), Metadata=metadata
        )
        sequencer = f"{next(_sequencers):018X}"
        return Drop(bucket=self.settings.releases_bucket, key=key, version_id=put["VersionId"], sequencer=sequencer)

    def command(self, action: str, **fields: object) -> dict[str, Any]:
        """Say something to the controller by hand."""
        payload = {"action": action, "application": self.application, **fields}
        return controller.answer(self.deployer, events.parse(payload, self.settings))  # type: ignore[arg-type]  # JSON

    def serve(self, version: str, invocations: int, errors: int = 0) -> None:
        """Have CloudWatch count traffic of a version behind the alias."""
        dimensions = [
            {"Name": "FunctionName", "Value": self.function},
            {"Name": "Resource", "Value": f"{self.function}:{self.settings.alias}"},
            {"Name": "ExecutedVersion", "Value": version},
        ]
        counted = {"Invocations": invocations, "Errors": errors}
        self.cloudwatch.put_metric_data(
            Namespace="AWS/Lambda",
            MetricData=[
                {"MetricName": name, "Value": float(count), "Unit": "Count", "Dimensions": dimensions}
                for name, count in counted.items()
            ],
        )

    def serve_well(self) -> None:
        """Have every version that has traffic serve a hundred calls without an error."""
        alias = self.alias
        for version in (alias.stable, alias.canary):
            if version:
                self.serve(version, 100)

    # --- what happens --------------------------------------------------------------------------------------------

    def at_look(self, number: int, *actions: Callable[[], object]) -> None:
        """Do something just before the release's nth look, counted from one."""
        self._plans.setdefault(number, []).extend(actions)

    def at_every_look(self, action: Callable[[], object]) -> None:
        """Do something before every look."""
        self.at_look(0, action)

    def calm_down(self) -> None:
        """Forget whatever was planned and did not happen."""
        self._plans.clear()
        self._ambushes.clear()

    def before_call(self, operation: str, action: Callable[[], object]) -> None:
        """Do something once, just before the deployer's next call of an operation."""
        self._ambushes[operation] = action

    def answer_first(self, operation: str, *answers: dict[str, Any]) -> None:
        """Have AWS say this in its first answers to an operation, for what takes minutes there and no time here."""
        self._first_answers[operation] = list(answers)

    def engine_ends(self, drop: Drop, status: str) -> events.ExecutionFailed:
        """Have the engine say that the drop's execution ended so; return what EventBridge makes of it."""
        self._engine[_arn(drop.release_id)] = {"Status": status, "InputPayload": drop.model_dump_json()}
        return events.ExecutionFailed(arn=_arn(drop.release_id))

    def _describe(self, params: dict[str, Any], **_: object) -> tuple[Any, dict[str, str]]:
        """Answer for the engine: the rollout runs in this process."""
        arn = unquote(params["url_path"]).partition("/durable-executions/")[2]
        found = {"DurableExecutionArn": arn, "DurableExecutionName": arn.split("/")[-2], "Status": "RUNNING"}
        return SimpleNamespace(status_code=200), found | self._engine.get(arn, {})

    def _name_execution(self, parsed: dict[str, Any], **_: object) -> None:
        """Answer an order as a durable function does; the function that is invoked here is none."""
        if parsed.get("StatusCode") == HTTPStatus.ACCEPTED and self.ordered:
            parsed["DurableExecutionArn"] = _arn(Drop.model_validate_json(self.ordered[-1]).release_id)

    def _answer_first(self, model: Any, parsed: dict[str, Any], **_: object) -> None:  # noqa: ANN401 - botocore's
        if waiting := self._first_answers.get(model.name):
            _within(parsed, waiting.pop(0))

    def _hear(self, params: dict[str, Any], **_: object) -> None:
        self.announced.extend(json.loads(entry["Detail"]) for entry in params["Entries"])

    def _doubt(self, params: dict[str, Any], **_: object) -> None:
        if not params.get("RevisionId"):
            self.unbelieving.append(params)

    def _remember_order(self, params: dict[str, Any], **_: object) -> None:
        if params["headers"].get("X-Amz-Durable-Execution-Name"):
            self.ordered.append(params["body"].decode())

    def _count(self, model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's operation model
        self.calls.append(model.name)
        if model.name in self.denied:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not today"}}, model.name)
        if ambush := self._ambushes.pop(model.name, None):
            ambush()
        if model.name == "DescribeAlarms" and self.alias.canary:
            self._looks += 1
            for action in (*self._plans.get(0, []), *self._plans.get(self._looks, [])):
                action()

    def roll_out(self, drop: Drop) -> dict[str, str]:
        """Run the rollout to its end, with its waits skipped; return what the execution returns."""
        self._looks = 0
        self.deployer.begin_record(drop)
        with real_arns(), DurableFunctionTestRunner(rollout.handler, execution_timeout=3_000, region=REGION) as runner:
            ended = runner.run(input=drop.model_dump_json(), execution_name=drop.release_id)
        if ended.result is None:
            raise AssertionError(f"the execution {ended.status}: {ended.error}")
        result: dict[str, str] = json.loads(ended.result)
        return result

    def release(self, name: str, manifest: str = "", **kwargs: Any) -> dict[str, str]:  # noqa: ANN401 - as drop takes
        """Drop and roll out."""
        return self.roll_out(self.drop(name, manifest, **kwargs))

    # --- what is seen --------------------------------------------------------------------------------------------

    @property
    def alias(self) -> Alias:
        """The alias as it stands."""
        return self._eyes.alias(self.function)

    def record(self, drop: Drop) -> Record:
        """The record of a release."""
        found = self.deployer.aws.records.read(self.application, drop.release_id)
        if found is None:
            raise AssertionError("there is no record")
        return found

    @property
    def versions(self) -> list[str]:
        """The published versions, oldest first."""
        return [published.version for published in self.deployer.aws.functions.versions(self.function)]
