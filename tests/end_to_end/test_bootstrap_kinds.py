"""Programs that are no Python: executables that take the runtime's place, and commands that run once a call."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests import toolchains
from tests.applications import Happened, call, dropped, release, write
from tests.object_store import ObjectStore

C = r"""
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char reply[65536];

static const char *of(const char *name) {
    const char *value = getenv(name);
    return value ? value : "";
}

static void talk(const char *request) {
    char host[64];
    snprintf(host, sizeof host, "%s", getenv("AWS_LAMBDA_RUNTIME_API"));
    char *colon = strchr(host, ':');
    *colon = 0;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(colon + 1))};
    inet_pton(AF_INET, host, &to.sin_addr);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s, (struct sockaddr *)&to, sizeof to)) exit(1);
    if (write(s, request, strlen(request)) < 0) exit(1);
    long n, total = 0;
    while ((n = read(s, reply + total, sizeof reply - 1 - total)) > 0) total += n;
    reply[total] = 0;
    close(s);
}

int main(void) {
    char request[70000], id[80], directory[4096];
    for (;;) {
        talk("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n");
        sscanf(strstr(reply, "Request-Id: "), "Request-Id: %79[^\r]", id);
        char *event = strstr(reply, "\r\n\r\n") + 4, body[66000];
        if (!getcwd(directory, sizeof directory)) return 1;
        snprintf(body, sizeof body,
            "{\"event\": %s, \"directory\": \"%s\", \"root\": \"%s\", \"handler\": \"%s\", \"pointer\": \"%s\"}",
            event, directory, of("LAMBDA_TASK_ROOT"), of("_HANDLER"), of("DROPSHIFT_POINTER"));
        snprintf(request, sizeof request,
            "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: r\r\nConnection: close\r\n"
            "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", id, strlen(body), body);
        talk(request);
    }
}
"""


def _run(
    tree: Path, store: ObjectStore, tmp_path: Path, kind: str, command: tuple[str, ...], *events: object
) -> tuple[Happened, str]:
    """Drop and call a release; return its outcome and the directory that it ran in."""
    pointer = release(tree, kind=kind, handler=None, command=command).stored(store)
    with dropped(pointer, store, tmp_path) as environment:
        happened = call(environment, *events)
        [root] = [path for path in tmp_path.glob("*/tmp/dropshift/*") if path.is_dir()]
        if kind == "executable" and environment.process is not None and environment.alive:
            running = Path(f"/proc/{environment.process.pid}/exe").resolve()
            assert running == root / command[0], "the program itself is the runtime's process"
    return happened, str(root)


def _c(tmp_path: Path) -> Path:
    source = write(tmp_path / "source", {"main.c": C})
    (tmp_path / "tree").mkdir()
    own = {"ZIG_GLOBAL_CACHE_DIR": str(toolchains.CACHE / "zig-build")}
    command = [*toolchains.cc(), "-O2", "main.c", "-o", str(tmp_path / "tree" / "server")]
    subprocess.run(command, cwd=source, env=os.environ | own, check=True)
    return tmp_path / "tree"


def test_a_c_program_takes_the_runtimes_place(tmp_path: Path, store: ObjectStore) -> None:
    tree = _c(tmp_path)
    happened, root = _run(tree, store, tmp_path, "executable", ("./server",), {"n": 1}, {"n": 2})
    expected = {"directory": root, "root": root, "handler": "./server", "pointer": ""}
    assert happened.answers == [{"event": {"n": 1}, **expected}, {"event": {"n": 2}, **expected}]


def test_an_executable_that_cannot_run_says_why(tmp_path: Path, store: ObjectStore) -> None:
    tree = write(tmp_path / "tree", {"server": "no program", "other": ""})
    for command, complaint in ((("./nowhere",), "No such file"), (("./server",), "Permission denied")):
        happened, _ = _run(tree, store, tmp_path / command[0], "executable", command)
        [error] = happened.answers
        assert error["errorType"] == "Dropshift.Executable"
        assert complaint in error["errorMessage"]
        assert "see command in dropshift.toml" in error["errorMessage"]


MAIN_PY = """\
import json, os, sys
event = json.load(sys.stdin)
print("working", file=sys.stderr)
if event.get("fail"):
    sys.exit("it went wrong")
if event.get("text"):
    print("plain text")
else:
    print(json.dumps({"event": event, "cwd": os.getcwd(), "root": os.environ["LAMBDA_TASK_ROOT"]}))
"""
MAIN_JS = """\
const event = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify({ event, cwd: process.cwd(), root: process.env.LAMBDA_TASK_ROOT }));
"""
MYAPP = '#!/bin/sh\nprintf \'{"event": %s, "cwd": "%s", "root": "%s"}\' "$(cat)" "$PWD" "$LAMBDA_TASK_ROOT"\n'


@pytest.mark.every_python
def test_python3_runs_a_script_once_a_call(tmp_path: Path, store: ObjectStore) -> None:
    tree = write(tmp_path / "tree", {"main.py": MAIN_PY})
    happened, root = _run(tree, store, tmp_path, "command", ("python3", "main.py"), {"n": 1}, {"text": True})
    assert happened.answers == [{"event": {"n": 1}, "cwd": root, "root": root}, "plain text\n"]
    assert happened.output.count("working") == 2


def test_a_command_that_fails_is_a_function_error_with_the_end_of_its_stderr(
    tmp_path: Path, store: ObjectStore
) -> None:
    tree = write(tmp_path / "tree", {"main.py": MAIN_PY})
    happened, _ = _run(tree, store, tmp_path, "command", ("python3", "main.py"), {"fail": True}, {"text": True})
    error, after = happened.answers
    assert error["errorType"] == "Dropshift.CommandFailed"
    assert error["errorMessage"] == "python3 main.py ended with status 1: working\nit went wrong"
    assert after == "plain text\n"


def test_node_runs_a_script_once_a_call(tmp_path: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{toolchains.node().parent}:{os.environ['PATH']}")
    tree = write(tmp_path / "tree", {"main.js": MAIN_JS})
    happened, root = _run(tree, store, tmp_path, "command", ("node", "./main.js"), {"n": 1})
    assert happened.answers == [{"event": {"n": 1}, "cwd": root, "root": root}]


def test_a_program_runs_once_a_call(tmp_path: Path, store: ObjectStore) -> None:
    tree = write(tmp_path / "tree", {"myapp": MYAPP})
    (tree / "myapp").chmod(0o755)
    happened, root = _run(tree, store, tmp_path, "command", ("./myapp",), {"n": 1})
    assert happened.answers == [{"event": {"n": 1}, "cwd": root, "root": root}]


def test_a_command_that_is_not_there_says_so(tmp_path: Path, store: ObjectStore) -> None:
    happened, _ = _run(write(tmp_path / "tree", {"a": ""}), store, tmp_path, "command", ("./nowhere",), {})
    assert happened.answers[0]["errorType"] == "Dropshift.Command"
    assert "see command in dropshift.toml" in happened.answers[0]["errorMessage"]


def test_a_command_may_answer_much_and_ignore_its_input(tmp_path: Path, store: ObjectStore) -> None:
    tree = write(tmp_path / "tree", {"myapp": "#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' x\n"})
    (tree / "myapp").chmod(0o755)
    happened, _ = _run(tree, store, tmp_path, "command", ("./myapp",), {"much": "y" * 300_000})
    assert happened.answers == ["x" * 3_000_000]
    assert json.dumps(happened.answers)
