"""Files of a release that Lambda would start before the bootstrap has loaded it."""

import pytest

from deployer.inspection.archive import Refusal
from deployer.model.function import FunctionConfiguration
from tests.pure.compatibility_cases import APP, NODE, PYTHON, verdict

FILES = {
    "index.mjs": b"export const handler = async () => 1;\n",
    "trace.mjs": b"",
    "bin/wrapper": b"#!/bin/sh\n",
    "node_modules/@sentry/aws/index.js": b"",
    "node_modules/dotenv/config.js": b"",
}


def _problems(function: FunctionConfiguration, files: dict[str, bytes], **variables: str) -> dict[str, str]:
    found = verdict(files, function.model_copy(update={"launch_variables": variables}))
    return {one.where: one.remedy for one in found.problems} if isinstance(found, Refusal) else {}


@pytest.mark.parametrize(
    "options",
    [
        "--import ./trace.mjs",
        "--import=/var/task/trace.mjs",
        "--enable-source-maps --require dotenv/config",
        '--import "@sentry/aws/index.js"',
        "-r ./trace.mjs",
        "--openssl-config=/var/task/openssl.cnf",
    ],
)
def test_options_of_node_that_load_a_file_of_the_release_first_are_refused_with_the_way_that_works(
    options: str,
) -> None:
    [(where, remedy)] = _problems(NODE, FILES, NODE_OPTIONS=options).items()
    assert where == "the function's NODE_OPTIONS"
    assert "DROPSHIFT_NODE_OPTIONS" in remedy


@pytest.mark.parametrize(
    "options",
    [
        "--enable-source-maps",
        "--require /opt/wrapper.js",
        "--import file:///opt/nodejs/trace.mjs",
        "--require in-a-layer",
        "--max-old-space-size=900 --import data:text/javascript,1",
        "--require=/var/tasks/other.js",
    ],
)
def test_options_of_node_that_need_nothing_of_the_release_pass(options: str) -> None:
    assert _problems(NODE, FILES, NODE_OPTIONS=options) == {}


@pytest.mark.parametrize("wrapper", ["/var/task/bin/wrapper", "bin/wrapper", "./bin/wrapper"])
def test_a_wrapper_of_the_release_is_refused_with_the_way_that_works(wrapper: str) -> None:
    [under_node] = _problems(NODE, FILES, AWS_LAMBDA_EXEC_WRAPPER=wrapper).values()
    [under_python] = _problems(PYTHON, APP, AWS_LAMBDA_EXEC_WRAPPER=wrapper).values()
    assert "DROPSHIFT_EXEC_WRAPPER" in under_node
    assert "layer" in under_python


def test_a_wrapper_of_a_layer_and_the_options_of_a_node_that_nobody_starts_pass() -> None:
    assert _problems(NODE, FILES, AWS_LAMBDA_EXEC_WRAPPER="/opt/otel-handler") == {}
    assert _problems(PYTHON, APP, NODE_OPTIONS="--import ./trace.mjs") == {}
