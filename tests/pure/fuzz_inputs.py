"""Everything else that comes from outside, as Hypothesis makes it up: manifests, wheels' metadata, answers, payloads.

    python -m tests.pure.fuzz_inputs --seconds 600

Whatever the bytes: a value or its problems, in printable words, soon, and small enough for what keeps them.
"""

import argparse
import base64
import json
import time
import tomllib
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deployer import events
from deployer.aws import profile_request
from deployer.inspection.archive import Limits, Refusal
from deployer.inspection.inspect import inspect_archive
from deployer.model import manifest_file
from deployer.model.function import FunctionConfiguration
from deployer.model.manifest import Manifest
from deployer.model.problem import Problem
from tests.pure.hostile import DATA, Member, Memory, zip_of
from tests.pure.values import APPLICATIONS, SETTINGS

ROOT = Path(__file__).parents[2]
SLOW = 4.0
"""Seconds that one input may take, on a busy machine."""
KEPT = 64 * 1024
"""Bytes that the problems of one input may take, and a manifest."""
FUNCTION = FunctionConfiguration(name="fuzzed", runtime="python3.13")
EVENTS: list[dict[str, Any]] = [
    json.loads(path.read_text()) for path in sorted((ROOT / "events").glob("*.json")) if "schema" not in path.name
]
_WORDS = """
schema application kind handler command rollout strategy weight bake stages inconclusive minimum-invocations
error-rate slowdown alarms smoke event expect resources memory timeout ephemeral-storage canary linear
provisioned-concurrency python nodejs executable command 5m 90s 1h30m hold promote all-at-once orders
Tag: Wheel-Version: Root-Is-Purelib: Name: Version: cp313-cp313-manylinux_2_28_x86_64 py3-none-any
cp39-abi3-win_amd64 sha256= RECORD , ; [ ] { } = . .. " ' # 1e999 -0 nan inf 0x7f 9
"""
WORDS = (*_WORDS.split(), "\\", "\n", "\t", "\0", "\u202e")
_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(WORDS),
    st.text(max_size=20),
    st.datetimes().map(str),
)
_keys = st.sampled_from(WORDS) | st.text(max_size=12)
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(_keys, inner, max_size=6), max_leaves=30
)
_soup = st.lists(st.sampled_from(WORDS) | st.text(max_size=8), max_size=200).map(" ".join)
_texts = st.one_of(
    _soup, st.text(max_size=300), st.integers(1, 20_000).flatmap(lambda n: _soup.map(lambda s: s[:9] * n))
)
_bytes = st.one_of(_texts.map(lambda text: text.encode(errors="surrogatepass")), st.binary(max_size=2_000))


def _toml(value: object) -> str:
    """Return a value as inline TOML, as far as TOML has it."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{json.dumps(str(key))} = {_toml(one)}" for key, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case int() | float():
            return str(value)
    return json.dumps(str(value))


_tables = st.dictionaries(
    st.sampled_from(("application", "rollout", "smoke", "resources", "schema")), _values, max_size=5
)
_manifests = _bytes | _tables.map(
    lambda table: "\n".join(f"{key} = {_toml(one)}" for key, one in table.items()).encode()
)


@st.composite
def _bent(draw: st.DrawFn) -> Any:  # noqa: ANN401 - any JSON
    """One of the events that the pages show, with a few of its values replaced or left out."""
    event = json.loads(json.dumps(draw(st.sampled_from(EVENTS))))
    for _ in range(draw(st.integers(0, 4))):
        at = event
        while isinstance(at, dict | list) and at:
            key = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
            if not isinstance(at[key], dict | list) or draw(st.booleans()):
                at[key] = draw(_values)
                break
            at = at[key]
    return event


def _deep(depth: int) -> bytes:
    return b'{"dropshift": "", "response": ' + b"[" * depth + b"]" * depth + b"}"


_profiles = st.fixed_dictionaries(
    {}, optional={"touched": _values, "milliseconds": _values, "untouched": st.lists(st.text(max_size=9)) | _values}
)
_packed = st.one_of(
    _profiles.map(lambda one: base64.b64encode(zlib.compress(json.dumps(one).encode())).decode()), _values
)
_answers = st.one_of(
    _bytes,
    st.integers(1, 200_000).map(_deep),
    st.tuples(_values, _packed).map(lambda two: json.dumps({"response": two[0], "dropshift": two[1]}).encode()),
)


def check_manifest(text: bytes) -> str:
    """Check a manifest: nothing is accepted that TOML itself refuses."""
    found = manifest_file.parse(text)
    if isinstance(found, Manifest):
        assert len(found.model_dump_json()) <= KEPT
        tomllib.loads(text.decode())
        return "accepted"
    return _problems(found)


def check_wheel(files: Mapping[str, bytes]) -> str:
    """Check an archive with any metadata of installed packages."""
    members = [Member(f"p-1.dist-info/{name}".encode(), data, method=8) for name, data in files.items()]
    data = zip_of(Member(b"lambda_function.py", DATA.replace(b"handler", b"lambda_handler")), *members)
    found = inspect_archive(Memory("fuzzed.zip", data, 4096), Limits(unpacked=2**24), FUNCTION)
    return _problems(found.problems) if isinstance(found, Refusal) else "accepted"


def check_answer(payload: bytes) -> str:
    """Check an answer of the smoke test, with anything in a profile's place."""
    found = profile_request.unwrap(payload)
    return "without a profile" if found.profile is None else "with a profile"


def check_payload(payload: Any) -> str:  # noqa: ANN401 - any JSON
    """Check any payload of the controller."""
    found = events.parse(payload, SETTINGS, APPLICATIONS)
    return _problems(found.problems) if isinstance(found, events.Refused) else type(found).__name__


def _problems(problems: tuple[Problem, ...]) -> str:
    assert problems
    assert all(str(problem).isprintable() for problem in problems)
    assert sum(len(problem.model_dump_json()) for problem in problems) <= KEPT
    return "refused"


_parts = st.lists(
    st.sampled_from(("cp313", "cp39", "py3", "abi3", "none", "win_amd64", "linux_x86_64", "any")) | _texts, min_size=1
)
_tag = st.tuples(*[_parts.map(".".join)] * 3).map(lambda three: f"Tag: {'-'.join(three)}")
_metadata = st.one_of(
    st.just(b"Wheel-Version: 1.0\nTag: cp313-cp313-win_amd64\n"),
    _bytes,
    st.lists(_tag | _texts, max_size=40).map(lambda lines: "\n".join(lines).encode(errors="replace")),
)
_wheels = st.dictionaries(st.sampled_from(("WHEEL", "METADATA", "RECORD", "direct_url.json")), _metadata)
INPUTS: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], str]]] = {
    "manifest": (_manifests, check_manifest),
    "wheel metadata": (_wheels, check_wheel),
    "smoke answer": (_answers, check_answer),
    "event or command": (_bent() | _values, check_payload),
}


def run(name: str, examples: int, *, derandomize: bool) -> Counter[str]:
    """Have Hypothesis make up some inputs of a kind; return how they ended."""
    strategy, check = INPUTS[name]
    ended = Counter[str]()

    @settings(
        max_examples=examples,
        derandomize=derandomize,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(strategy)
    def one(value: Any) -> None:  # noqa: ANN401 - any input
        began = time.perf_counter()
        ended[check(value)] += 1
        assert time.perf_counter() - began < SLOW, "too slow"

    one()
    return ended


def main() -> None:
    """Run for a while, each kind in turn, and print how the inputs ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    until = time.monotonic() + parser.parse_args().seconds
    ended = {name: Counter[str]() for name in INPUTS}
    while time.monotonic() < until:
        for name in INPUTS:
            ended[name] += run(name, 500, derandomize=False)
    for name, counted in ended.items():
        print(f"{name}: {counted.total()} inputs, no crash, no excess; {dict(counted)}")


if __name__ == "__main__":
    main()
