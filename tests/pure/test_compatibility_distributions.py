"""Installed distributions that fit the function, or do not, or are missing, by the files that pip and uv write."""

import json
import time

import pytest

from deployer.inspection.archive import Limits, Refusal
from deployer.inspection.inspect import inspect_archive
from deployer.model.inspection import Inspection
from tests.pure.compatibility_cases import APP, MODULE, PYTHON, elf_of, refusal, verdict, warnings
from tests.pure.hostile import Memory, member, tgz_of

WHEELS = {
    "cp313-cp313-manylinux_2_17_x86_64": "",
    "cp313-cp313-manylinux2014_x86_64": "",
    "cp38-abi3-manylinux_2_34_x86_64": "",
    "py3-none-any": "",
    "py2.py3-none-any": "",
    "py3-none-manylinux_2_17_x86_64.musllinux_1_1_x86_64": "",
    "cp313-cp313-linux_x86_64": "",
    "cp312-cp312-manylinux_2_17_x86_64": "cp312 on manylinux_2_17_x86_64",
    "cp313-cp313t-manylinux_2_17_x86_64": "cp313 on",
    "cp314-abi3-manylinux_2_17_x86_64": "cp314 on",
    "cp313-cp313-manylinux_2_39_x86_64": "manylinux_2_39",
    "cp313-cp313-manylinux_2_17_aarch64": "aarch64",
    "cp313-cp313-musllinux_1_2_x86_64": "musl (Alpine)",
    "cp313-cp313-macosx_11_0_arm64": "macOS",
    "cp313-cp313-win_amd64": "Windows",
    "py2-none-any": "py2 on any",
}


@pytest.mark.parametrize(("tag", "words"), WHEELS.items())
def test_a_wheel_that_was_installed_for_another_machine_is_refused(tag: str, words: str) -> None:
    found = verdict({**APP, "numpy-2.3.1.dist-info/WHEEL": f"Wheel-Version: 1.0\nTag: {tag}\n".encode()})
    if words:
        assert words in refusal(found)
        assert "pip install" in refusal(found)
    else:
        assert isinstance(found, Inspection)


BOMB = "-".join(".".join([word] * 360) for word in ("cp313", "a", "b"))
MANY = {
    "alternatives in three places": f"Tag: {BOMB}\n",
    "lines": "Tag: cp312-cp312-win_amd64\n" * 101,
    "bytes": "Tag: cp312-cp312-win_amd64\n" + "#" * 2**16,
}


@pytest.mark.parametrize("wheel", MANY.values(), ids=MANY)
def test_more_tags_than_a_wheel_has_are_not_read(wheel: str) -> None:
    started = time.perf_counter()
    assert "more than 65536 bytes or 100 tags" in warnings(verdict({**APP, "p-1.dist-info/WHEEL": wheel.encode()}))
    assert time.perf_counter() - started < 5  # it took 30 s and 2 GB


def test_a_wheel_whose_tags_cannot_be_read_is_let_pass() -> None:
    assert isinstance(verdict({**APP, "p-1.dist-info/WHEEL": b"Tag: any\nTag: cp31 3-a-b\nTag: -a-\xff\n"}), Inspection)


def direct_url(*, editable: bool) -> bytes:
    return json.dumps({"url": "file:///home/somebody/orders", "dir_info": {"editable": editable}}).encode()


ORDERS = {"my_orders-0.1.0.dist-info/direct_url.json": direct_url(editable=True)}


def test_an_editable_install_is_warned_of_with_a_way_out() -> None:
    words = warnings(verdict({**APP, **ORDERS, "_my_orders.pth": b"/home/somebody/orders/src\n"}))
    assert words.count("my_orders") == 2
    assert "file:///home/somebody/orders" in words
    assert "uv sync --no-editable" in words


def test_an_install_that_is_not_editable_or_whose_package_is_packed_is_not_warned_of() -> None:
    path = next(iter(ORDERS))
    assert not warnings(verdict({**APP, path: direct_url(editable=False)}))
    assert not warnings(verdict({**APP, **ORDERS, "my_orders/__init__.py": b""}))
    for text in (b"{", b"[" * 100_000, b"[]", b'{"url": 1, "dir_info": {"editable": true}}'):
        assert not warnings(verdict({**APP, path: text}))


def test_a_path_file_that_leads_out_of_the_archive_is_warned_of() -> None:
    words = warnings(verdict({**APP, "__editable__.orders-0.1.pth": b"# made by hand\nC:\\Users\\me\\orders\n"}))
    assert "C:\\Users\\me\\orders" in words
    assert not warnings(verdict({**APP, "a.pth": b"vendor\nimport x\n/opt/python\n"}))


def test_a_missing_handler_that_an_editable_install_points_to_has_the_install_as_its_way_out() -> None:
    found = refusal(verdict(ORDERS | {"x.py": b""}, manifest='[application]\nhandler = "my_orders.handler"\n'))
    assert "only points to file:///home/somebody/orders" in found
    assert "without -e" in found


def test_a_packed_virtual_environment_is_no_reason_to_refuse_and_should_be_left_out() -> None:
    place = ".venv/lib/python3.12/site-packages"
    foreign = {
        f"{place}/numpy-2.3.1.dist-info/WHEEL": b"Tag: cp313-cp313-macosx_11_0_arm64\n",
        f"{place}/numpy/{MODULE}": elf_of(183),
        f"{place}/old.pyc": b"\xcb\r\r\n" + bytes(12),
    }
    packed = {**APP, ".venv/pyvenv.cfg": b"home = /usr/bin\n", **foreign}
    assert warnings(verdict(packed)) == ".venv/ is a virtual environment, and nothing is imported from it: leave it out"
    assert "macOS" in refusal(verdict({**APP, **foreign}))


def test_the_python_of_a_packed_virtual_environment_has_leaving_it_out_as_its_way_out() -> None:
    link = member(b"orders/.venv/bin/python3.13", type=b"2", link=b"/usr/bin/python3.13")
    other = member(b"data", type=b"2", link=b"/mnt/data")
    found = inspect_archive(Memory("a.tgz", tgz_of(member(b"lambda_function.py"), link, other)), Limits(), PYTHON)
    assert isinstance(found, Refusal)
    assert "leave the virtual environment orders/.venv out" in str(found.problems[0])
    assert "make the link relative" in str(found.problems[1])


def test_a_handler_in_a_virtual_environment_has_packing_what_is_in_it_as_its_way_out() -> None:
    place = ".venv/lib/python3.13/site-packages"
    found = refusal(verdict({".venv/pyvenv.cfg": b"", f"{place}/lambda_function.py": APP["lambda_function.py"]}))
    assert f"pack what is inside {place}" in found


def test_bytecode_of_another_python_without_its_source_is_warned_of() -> None:
    old, new = b"\xcb\r\r\n" + bytes(60), b"\xf3\r\r\n" + bytes(60)
    words = warnings(verdict({**APP, "dep/__init__.pyc": old, "dep/a.pyc": old, "odd.pyc": b"\1\2\r\n" + bytes(12)}))
    assert "dep/__init__.pyc is bytecode of Python 3.12 without its source, like 1 more below dep" in words
    assert "odd.pyc is bytecode of an unknown Python" in words
    assert "pack the source" in words
    beside = {"dep/__init__.pyc": old, "dep/__init__.py": b"", "dep/__pycache__/a.cpython-312.pyc": old, "b.pyc": new}
    assert not warnings(verdict({**APP, **beside}))


def test_wheels_are_held_against_the_architecture() -> None:
    arm = PYTHON.model_copy(update={"architecture": "arm64"})
    wheel = {"numpy-2.3.1.dist-info/WHEEL": b"Tag: cp313-cp313-manylinux_2_28_aarch64\n"}
    assert isinstance(verdict({**APP, **wheel}, arm), Inspection)
