"""The bootstrap's endpoint of S3, compared with botocore's own rules for every Region."""

import json
import re
import subprocess
from collections.abc import Iterator

import botocore.session
import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError

from bootstrap.loader import aws_environment
from bootstrap.loader.aws_environment import DUAL_STACK, FIPS, endpoint
from tests import toolchains
from tests.pure.values import POINTER
from tests.pythons import ROOT

LOADER = botocore.session.Session().get_component("data_loader")
PARTITIONS = LOADER.load_data("partitions")
RULES = EndpointProvider(LOADER.load_service_model("s3", "endpoint-rule-set-1"), PARTITIONS)
REGIONS = sorted(
    name for partition in PARTITIONS["partitions"] for name in partition["regions"] if not name.endswith("-global")
)

type Case = tuple[str, str, bool, bool, str]
"""A bucket, its Region, whether FIPS and dual-stack endpoints are asked for, and the host."""


def _expected(bucket: str, region: str, *, fips: bool, dual_stack: bool) -> str | None:
    """Return botocore's host; None where the partition has no such endpoint."""
    given = {"Region": region, "Bucket": bucket, "UseFIPS": fips, "UseDualStack": dual_stack, "Accelerate": False}
    try:
        url = RULES.resolve_endpoint(**given, ForcePathStyle="." in bucket, UseGlobalEndpoint=False).url
    except EndpointProviderError:
        return None
    return re.sub(r"https://([^/]+).*", r"\1", str(url))


def _cases() -> Iterator[Case]:
    for region in REGIONS:
        for bucket in ("bundles", "dotted.name"):
            for fips in (False, True):
                for dual_stack in (False, True):
                    if host := _expected(bucket, region, fips=fips, dual_stack=dual_stack):
                        yield bucket, region, fips, dual_stack, host


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return list(_cases())


def test_there_are_cases_of_every_partition(cases: list[Case]) -> None:
    assert len(REGIONS) > 40
    assert {region for _, region, *_ in cases} == set(REGIONS)


def test_python_asks_where_botocore_would(cases: list[Case], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_environment, "_trust", lambda: None)  # the certificates are the same everywhere
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    for bucket, region, fips, dual_stack, host in cases:
        monkeypatch.setenv("AWS_REGION", region)
        monkeypatch.setenv(FIPS, str(fips).lower())
        monkeypatch.setenv(DUAL_STACK, str(dual_stack).lower())
        assert endpoint(POINTER._replace(bucket=bucket)).host == host


ASK = """\
import fs from "node:fs";
import { endpointOf } from %s;
const hosts = JSON.parse(fs.readFileSync(0, "utf8")).map(([bucket, region, fips, dualStack]) => {
  Object.assign(process.env, { AWS_REGION: region, [%s]: String(fips), [%s]: String(dualStack) });
  return endpointOf({ bucket, key: "k" }, 1).url.host;
});
console.log(JSON.stringify(hosts));
"""


def test_node_asks_where_botocore_would(cases: list[Case]) -> None:
    module = json.dumps(str(ROOT / "bootstrap/node/endpoint.mjs"))
    command = [
        str(toolchains.node()),
        "--input-type=module",
        "-e",
        ASK % (module, json.dumps(FIPS), json.dumps(DUAL_STACK)),
    ]
    given = json.dumps([case[:4] for case in cases])
    done = subprocess.run(command, input=given, check=True, capture_output=True, text=True, env={})
    assert json.loads(done.stdout) == [case[4] for case in cases]
