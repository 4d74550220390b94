"""Where the bootstrap looks for S3, held against botocore's own endpoint rules for every Region there is."""

import json
import re
import subprocess
from collections.abc import Iterator

import botocore.session
import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError

from bootstrap.loader.aws_environment import DUAL_STACK, FIPS, endpoint
from bootstrap.pointer import Pointer
from tests import tools
from tests.pythons import ROOT

BUNDLE = Pointer("bundles", "k", "v", 0, 1, "a" * 64, "python", "app.handler", (), "r", "0" * 32, "1" * 12, 1)
LOADER = botocore.session.Session().get_component("data_loader")
PARTITIONS = LOADER.load_data("partitions")
RULES = EndpointProvider(LOADER.load_service_model("s3", "endpoint-rule-set-1"), PARTITIONS)
REGIONS = sorted(
    name for partition in PARTITIONS["partitions"] for name in partition["regions"] if not name.endswith("-global")
)


def _expected(bucket: str, region: str, *, fips: bool, dual_stack: bool) -> str | None:
    """Return botocore's host; None where the partition has no such endpoint."""
    given = {"Region": region, "Bucket": bucket, "UseFIPS": fips, "UseDualStack": dual_stack, "Accelerate": False}
    try:
        url = RULES.resolve_endpoint(**given, ForcePathStyle="." in bucket, UseGlobalEndpoint=False).url
    except EndpointProviderError:
        return None
    return re.sub(r"https://([^/]+).*", r"\1", str(url))


def _cases() -> Iterator[tuple[str, str, bool, bool, str]]:
    for region in REGIONS:
        for bucket in ("bundles", "dotted.name"):
            for fips in (False, True):
                for dual_stack in (False, True):
                    if host := _expected(bucket, region, fips=fips, dual_stack=dual_stack):
                        yield bucket, region, fips, dual_stack, host


CASES = list(_cases())


def test_there_are_cases_of_every_partition() -> None:
    assert len(REGIONS) > 40
    assert {region for _, region, *_ in CASES} == set(REGIONS)


def test_python_asks_where_botocore_would(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    for bucket, region, fips, dual_stack, host in CASES:
        monkeypatch.setenv("AWS_REGION", region)
        monkeypatch.setenv(FIPS, str(fips).lower())
        monkeypatch.setenv(DUAL_STACK, str(dual_stack).lower())
        assert endpoint(BUNDLE._replace(bucket=bucket)).host == host


ASK = """\
import fs from "node:fs";
import { endpointOf } from %s;
const hosts = JSON.parse(fs.readFileSync(0, "utf8")).map(([bucket, region, fips, dualStack]) => {
  Object.assign(process.env, { AWS_REGION: region, [%s]: String(fips), [%s]: String(dualStack) });
  return endpointOf({ bucket, key: "k" }, 1).url.host;
});
console.log(JSON.stringify(hosts));
"""


def test_node_asks_where_botocore_would() -> None:
    module = json.dumps(str(ROOT / "bootstrap/node/endpoint.mjs"))
    command = [str(tools.node()), "--input-type=module", "-e", ASK % (module, json.dumps(FIPS), json.dumps(DUAL_STACK))]
    given = json.dumps([case[:4] for case in CASES])
    done = subprocess.run(command, input=given, check=True, capture_output=True, text=True, env={})
    assert json.loads(done.stdout) == [case[4] for case in CASES]
