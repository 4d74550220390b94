"""Deploy a template to the local AWS: build what it names with make, upload it, create or update the stack.

Does what `sam build` and `sam deploy` do, without SAM's own environment and in a fraction of its time.
"""

import hashlib
import io
import json
import platform
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError
from samtranslator.yaml_helper import yaml_parse

from tests.local.waiting import alone

type Template = dict[str, Any]

ARCHITECTURE = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
"""This machine's, in Lambda's words: functions run here."""
_CODE = "local-code"
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_SAM_FUNCTION, _FUNCTION = "AWS::Serverless::Function", "AWS::Lambda::Function"


class DeploymentError(RuntimeError):
    """The stack, or what it is made of, could not be made; the message has the reason."""


class Deployer:
    """Deploys templates through clients of one AWS."""

    def __init__(self, cloudformation: Any, s3: Any) -> None:  # noqa: ANN401 - boto3's own classes
        self._cloudformation = cloudformation
        self._s3 = s3

    def deploy(self, stack: str, template: Path, parameters: Mapping[str, str]) -> dict[str, str]:
        """Create or update `stack`; its outputs. Parameters that the template has not are left out, as SAM CLI does."""
        parsed = yaml_parse(template.read_text())
        wanted = _declared(parsed, {"Architecture": ARCHITECTURE, **parameters})
        resolved = self._with_code(parsed, template.parent, wanted.get("Runtime", ""))
        self._apply(stack, json.dumps(resolved), wanted)
        (described,) = self._cloudformation.describe_stacks(StackName=stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", ())}

    def _with_code(self, template: Template, directory: Path, runtime: str) -> Template:
        """Return the template with every function's code in S3; a plain function's is the bootstrap for a runtime."""
        template.get("Globals", {}).get("Function", {}).pop("CodeUri", None)
        for logical_id, resource in template["Resources"].items():
            if isinstance(resource, dict) and resource.get("Type") == _SAM_FUNCTION:
                resource["Properties"]["CodeUri"] = self._upload(_package(f"build-{logical_id}", directory))
            elif isinstance(resource, dict) and resource.get("Type") == _FUNCTION:
                package = _package(f"package-{runtime or _default(template, 'Runtime')}", directory.parent)
                code = self._upload(package)
                resource["Properties"]["Code"] = {"S3Bucket": code["Bucket"], "S3Key": code["Key"]}
        return template

    def _upload(self, package: bytes) -> dict[str, str]:
        key = hashlib.sha256(package).hexdigest()
        with suppress(self._s3.exceptions.BucketAlreadyOwnedByYou):
            here = {"LocationConstraint": self._s3.meta.region_name}
            self._s3.create_bucket(Bucket=_CODE, CreateBucketConfiguration=here)
        self._s3.put_object(Bucket=_CODE, Key=key, Body=package)
        return {"Bucket": _CODE, "Key": key}

    def _apply(self, stack: str, template: str, parameters: Mapping[str, str]) -> None:
        request = {
            "StackName": stack,
            "TemplateBody": template,
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            "Capabilities": _CAPABILITIES,
        }
        verb = "update" if self._exists(stack) else "create"
        try:
            getattr(self._cloudformation, f"{verb}_stack")(**request)
            self._await(stack, f"stack_{verb}_complete")
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise

    def _await(self, stack: str, state: str) -> None:
        try:
            self._cloudformation.get_waiter(state).wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
        except WaiterError as error:
            raise DeploymentError(f"the stack {stack} failed: {'; '.join(self._reasons(stack))}") from error

    def _exists(self, stack: str) -> bool:
        try:
            self._cloudformation.describe_stacks(StackName=stack)
        except ClientError:
            return False
        return True

    def _reasons(self, stack: str) -> Iterable[str]:
        for event in self._cloudformation.describe_stack_events(StackName=stack)["StackEvents"]:
            if event["ResourceStatus"].endswith("_FAILED"):
                yield f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"


def _declared(template: Template, values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name in template.get("Parameters", {})}


def _default(template: Template, parameter: str) -> str:
    return str(template["Parameters"][parameter]["Default"])


def _package(target: str, directory: Path) -> bytes:
    """Return what `make <target>` puts together, as a zip; it is built once for the same sources."""
    sources = _sources(directory)
    with alone(directory / "build"):
        kept = directory / "build" / "deployed" / f"{target}-{sources}.zip"
        if not kept.exists():
            kept.parent.mkdir(exist_ok=True)
            for old in kept.parent.glob(f"{target}-*"):
                old.unlink()
            new = kept.with_suffix(".new")
            new.write_bytes(_built(target, directory))
            new.rename(kept)
        return kept.read_bytes()


def _sources(directory: Path) -> str:
    """Return a digest of all that packages are made of."""
    digest = hashlib.sha256(ARCHITECTURE.encode())
    folders = (directory / name for name in ("bootstrap", "deployer", "requirements"))
    paths = (path for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts)
    for path in sorted([*paths, *directory.iterdir()]):
        if path.is_file():
            digest.update(f"{path.relative_to(directory)} {path.stat().st_mode} {path.stat().st_size}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _built(target: str, directory: Path) -> bytes:
    with tempfile.TemporaryDirectory(prefix="build-") as artifacts:
        command = ["make", "-s", target, f"ARTIFACTS_DIR={artifacts}", f"ARCHITECTURE={ARCHITECTURE}"]
        built = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
        if built.returncode != 0:
            raise DeploymentError(f"make {target} failed:\n{built.stdout}{built.stderr}")
        return _zipped(Path(artifacts))


def _zipped(directory: Path) -> bytes:
    """Return the files of `directory`, always the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(path for path in directory.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(str(path.relative_to(directory)))
            entry.external_attr = (0o100000 | path.stat().st_mode & 0o777) << 16
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()
