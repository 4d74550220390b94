"""One application on an account in memory, and everything a test does to it while its release is under way.

The deployer's own steps and commands run, on its real clients, in virtual time. The same flows on the local AWS, with
real processes, are in tests/end_to_end.
"""

import io
import itertools
import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import OperationModel

from deployer import controller, events
from deployer.aws.functions import Functions
from deployer.deployer import Deployer
from deployer.model.alias import Alias
from deployer.model.drop import FORCE, SIGNATURE, Drop
from deployer.model.record import Record
from tests.deployment import zipped
from tests.faults import engine
from tests.faults.account import Account, Call
from tests.faults.faults import Killed
from tests.faults.functions import Moved, execution_arn
from tests.faults.wiring import People, settings, wiring
from tests.workflow.measured import Log, Measured

APPLICATION = "if True:\n    def lambda_handler(event, context):\n        return {}\n"
CANARY = '[rollout]\nstages = [{ weight = 10, bake = "5m" }, { weight = 50, bake = "5m" }]\n'
GO_ON = f'{CANARY}inconclusive = "promote"\n'
NOW = '[rollout]\nstrategy = "all-at-once"\n'
WARM = "[resources]\nprovisioned-concurrency = 2\n"
_sequencers = itertools.count(1)


def refusal(answer: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Return the one problem of an answer."""
    [problem] = answer["problems"]
    return problem["where"], problem["found"], problem["allowed"], problem["remedy"]


def _within(answer: dict[str, Any], said: Mapping[str, Any]) -> None:
    """Put fields into an answer, at any depth."""
    for name, value in said.items():
        if isinstance(value, dict):
            _within(answer.setdefault(name, {}), value)
        else:
            answer[name] = value


def _run(release: str, payload: bytes) -> tuple[bool, bytes]:
    """Answer for the application: "raising" in its release's name makes it fail."""
    if "raising" in release:
        failed = {"errorType": "ValueError", "errorMessage": "no such event"}
        return True, json.dumps({**failed, "stackTrace": ['  File "bootstrap.py", line 6, in handler\n']}).encode()
    return False, json.dumps({"release": release, "event": json.loads(payload or b"null")}).encode()


class Watched(Account):
    """An account that does something at the deployer's calls, or answers them otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.cloudwatch: Measured = Measured(self.clock)
        self.logs: Log = Log(self.cloudwatch)
        self.lambda_.run = _run
        self.at_call: Callable[[str], None] = lambda _operation: None
        self.first_answers: dict[str, list[dict[str, Any]]] = {}
        self.answers_about: str | None = None

    def before_call(self, model: OperationModel, **_: object) -> None:
        """Let a test do something first."""
        self.at_call(model.name)
        super().before_call(model)

    def _result(self, call: Call) -> dict[str, Any]:
        found = super()._result(call)
        waiting = self.first_answers.get(call.operation)
        if waiting and call.params.get("Qualifier") == self.answers_about:
            found = deepcopy(found)
            _within(found, waiting.pop(0))
        return found


class World:
    """An application of its own: function, alias, records, and the deployer."""

    def __init__(self) -> None:
        self.settings = settings()
        self.application = "orders"
        self.function = self.settings.function(self.application)
        self.account = Watched()
        self.account.at_call = self._at_call
        self.account.lambda_.create(self.function, self.settings.alias)
        self.prints = io.StringIO()
        self.people = People(self.account)
        self.lambda_, self.s3 = self.people.client("lambda"), self.people.client("s3")
        self.calls: list[str] = []
        self.denied: set[str] = set()
        """Operations that AWS denies the deployer from now on."""
        self._actions: dict[str, Callable[[], object]] = {}
        self.looks = 0
        self._plans: dict[int, list[Callable[[], object]]] = {}
        self._eyes = Functions(self.lambda_, self.lambda_, self.lambda_, self.settings.alias)
        self.deployer = Deployer(wiring(self.settings).aws, self.settings, lambda: self.account.now)

    def trust(self, signing_key: str) -> None:
        """Set the key with which every drop must be signed."""
        self.settings = self.settings.model_copy(update={"signing_key": signing_key})
        self.deployer = replace(self.deployer, settings=self.settings)

    # --- what people do ------------------------------------------------------------------------------------------

    def drop(
        self,
        release: str,
        manifest: str = "",
        files: Mapping[str, str | bytes] | None = None,
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
            Bucket=self.settings.releases_bucket, Key=key, Body=body or zipped(content), Metadata=metadata
        )
        sequencer = f"{next(_sequencers):018X}"
        return Drop(bucket=self.settings.releases_bucket, key=key, version_id=put["VersionId"], sequencer=sequencer)

    def command(self, action: str, **fields: object) -> dict[str, Any]:
        """Invoke the controller by hand."""
        payload = {"action": action, "application": self.application, **fields}
        return self.tell(events.parse(payload, self.settings, {self.application}))  # type: ignore[arg-type]  # JSON

    def tell(self, event: events.Incoming) -> dict[str, Any]:
        """Have the controller handle an event, whoever else is in the middle of something."""
        interrupted, self.account.actor = self.account.actor, "controller"
        try:
            return controller.answer(self.deployer, event)
        finally:
            self.account.actor = interrupted

    def hear(self, alarm: str, state: str = "ALARM") -> dict[str, Any]:
        return self.tell(events.AlarmChanged(name=alarm, state=state))

    def split(self, version: str, percent: int) -> None:
        weights = {"AdditionalVersionWeights": {version: percent / 100}}
        self.lambda_.update_alias(FunctionName=self.function, Name=self.settings.alias, RoutingConfig=weights)

    def configure(self, **changes: Any) -> None:  # noqa: ANN401 - as boto3 takes
        """Change the function by hand, and wait until Lambda has applied it."""
        self.lambda_.update_function_configuration(FunctionName=self.function, **changes)
        self.lambda_.get_waiter("function_updated_v2").wait(FunctionName=self.function, WaiterConfig={"Delay": 1})

    def configuration(self) -> dict[str, Any]:
        """Return Lambda's answer about the version that the alias names."""
        found = self.lambda_.get_function_configuration(FunctionName=self.function, Qualifier=self.settings.alias)
        return {**found}

    def serve(self, version: str | None, invocations: int, errors: int = 0) -> None:
        """Have CloudWatch count traffic of a version behind the alias."""
        self.account.cloudwatch.count(version, "Invocations", invocations)
        self.account.cloudwatch.count(version, "Errors", errors)

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

    def fail_at_look(self, number: int) -> None:
        """Have twenty callers of version 3 get an error just before a look."""
        self.at_look(number, lambda: self.serve("3", 20, errors=20))

    def at_every_look(self, action: Callable[[], object]) -> None:
        self.at_look(0, action)

    def forget_plans(self) -> None:
        """Forget whatever was planned and did not happen."""
        self._plans.clear()
        self._actions.clear()

    def before_call(self, operation: str, action: Callable[[], object]) -> None:
        """Do something once, just before the deployer's next call of an operation."""
        self._actions[operation] = action

    def answer_first(self, operation: str, *answers: dict[str, Any], version: str) -> None:
        """Put these fields into AWS's first answers to an operation about a version: there they last for minutes."""
        self.account.first_answers[operation] = list(answers)
        self.account.answers_about = version

    def alarm(self, state: str, name: str = "", *, composite: bool = False) -> str:
        """Put an alarm into a state, by default one that watches the application; return its name."""
        name = name or f"{self.function}-errors"
        self.account.cloudwatch.states[name] = state
        if composite:
            self.account.cloudwatch.composite.add(name)
        return name

    def engine_ends(self, drop: Drop, status: str) -> events.ExecutionFailed:
        """End the drop's execution with this status; return EventBridge's event."""
        self._order(drop)
        self._executions[drop.release_id] = SimpleNamespace(status=status)
        return events.ExecutionFailed(arn=execution_arn(drop.release_id))

    def roll_out(self, drop: Drop) -> dict[str, str]:
        """Run the rollout to its end; return what the execution returns. It runs again each time it is called."""
        self.looks = 0
        self.deployer.begin_record(drop)
        self._order(drop)
        execution = engine.Execution(drop.release_id, drop.model_dump_json(), self.account.now)
        self._executions[drop.release_id] = execution
        while execution.status == "RUNNING":
            self.account.pass_time(execution.wake)
            engine.invoke(self.account, execution)
            if execution.deaths:
                raise Killed
        if execution.status != "SUCCEEDED" or execution.result is None:
            raise AssertionError(f"the execution {execution.status}: {execution.result}")
        return execution.result

    def release(self, name: str, manifest: str = "", **kwargs: Any) -> dict[str, str]:  # noqa: ANN401 - as drop takes
        return self.roll_out(self.drop(name, manifest, **kwargs))

    @property
    def _executions(self) -> dict[str, Any]:
        return self.account.lambda_.executions

    def _order(self, drop: Drop) -> None:
        self.account.lambda_.orders.setdefault(drop.release_id, drop.model_dump_json())

    def _at_call(self, operation: str) -> None:
        self.calls.append(operation)
        if operation in self.denied:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not today"}}, operation)
        if action := self._actions.pop(operation, None):
            action()
        if operation == "DescribeAlarms" and self.alias.canary:
            self.looks += 1
            for action in (*self._plans.get(0, []), *self._plans.get(self.looks, [])):
                action()

    # --- what is seen --------------------------------------------------------------------------------------------

    @property
    def alias(self) -> Alias:
        return self._eyes.alias(self.function)

    @property
    def shares(self) -> dict[str, int]:
        """Percent of the traffic by version."""
        stable, canary, weight = self.alias.traffic
        return {stable: 100 - weight} | ({canary: weight} if canary else {})

    def record(self, drop: Drop) -> Record:
        found = self.deployer.aws.records.read(self.application, drop.release_id)
        if found is None:
            raise AssertionError("there is no record")
        return found

    @property
    def versions(self) -> list[str]:
        """The published versions, oldest first."""
        return [published.version for published in self._eyes.versions(self.function)]

    @property
    def ordered(self) -> list[str]:
        """The payloads of the executions that were started, by the order of their first start."""
        return list(self.account.lambda_.orders.values())

    @property
    def announced(self) -> list[dict[str, Any]]:
        """The events that EventBridge received."""
        return [json.loads(entry["Detail"]) for entry in self.account.events.put]

    @property
    def writes_without_revision(self) -> list[Moved]:
        """The deployer's moves of the alias without a RevisionId."""
        people = self.people.account.actor
        return [move for move in self.account.lambda_.moves if move.actor != people and not move.checked]
