"""One list of runtimes: what inspection accepts is what is packaged, compiled for, documented, and known to AWS."""

import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from deployer.inspection.compatibility.bytecode import MAGIC
from deployer.inspection.compatibility.runtime import OLDEST_NODE, SUPPORTED_PYTHONS
from tests import pythons
from tests import template as sam

ROOT = sam.PATH.parent
NAMES = [f"python{major}.{minor}" for major, minor in SUPPORTED_PYTHONS]


def _makes(variable: str) -> list[str]:
    [found] = re.findall(rf"^{variable} *:= *(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return str(found).split()


def _nodes() -> list[str]:
    return [name for name in _makes("RUNTIMES") if name.startswith("nodejs")]


def _documented() -> Iterator[str]:
    for line in (ROOT / "docs" / "runtimes.md").read_text().splitlines():
        yield from re.findall(r"^\| `([a-z]+[\d.]+x?)` \|", line)


def test_what_inspection_accepts_is_packaged_and_tested() -> None:
    assert [f"python{version}" for version in _makes("VERSIONS")] == NAMES
    assert [pythons.number(version) for version in pythons.served()] == list(SUPPORTED_PYTHONS)
    assert pythons.OWN in _makes("OWN")


def test_zstd_is_packaged_for_the_versions_that_have_none() -> None:
    assert [pythons.number(one) for one in _makes("BACKPORTED")] == [one for one in SUPPORTED_PYTHONS if one < (3, 14)]


def test_every_node_that_is_packaged_is_accepted() -> None:
    assert _nodes()
    assert all(int(re.sub(r"\D", "", name)) >= OLDEST_NODE for name in _nodes())


def test_the_pages_have_them_all_and_no_other() -> None:
    assert list(_documented()) == [*NAMES, *_nodes()]
    limits = (ROOT / "docs" / "limits.md").read_text()
    assert set(re.findall(r"`(python3\.\d+|nodejs\d+\.x)`", limits)) == {*NAMES, *_nodes()}


def test_the_templates_know_them_and_the_deployer_is_on_its_own_version() -> None:
    assert sam.source()["Globals"]["Function"]["Runtime"] == f"python{pythons.OWN}"
    runtime = sam.application()["Parameters"]["Runtime"]
    assert runtime["AllowedValues"] == [*NAMES, *_nodes()]
    assert runtime["Default"] == f"python{pythons.OWN}"


def test_aws_knows_each_and_each_has_its_magic_number() -> None:
    shape: Any = boto3.client("lambda", "eu-central-1").meta.service_model.shape_for("Runtime")
    assert set(NAMES) <= set(shape.enum)
    assert set(SUPPORTED_PYTHONS) <= MAGIC.keys()


@pytest.mark.parametrize("name", ["README.md", "docs/inspection.md"])
def test_pages_point_at_the_list_and_name_no_python_that_is_not_on_it(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "runtimes.md" in text
    assert set(re.findall(r"python3\.\d+", text)) <= set(NAMES)
