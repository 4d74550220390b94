"""An execution environment as narrow as Lambda's, where CONFINED names its share of processors: `CONFINED=0.29`.

    a user of no privilege         no capability, and none to gain
    1,024 descriptors              RLIMIT_NOFILE
    no shared memory               /dev/shm is empty and read-only
    a read-only file system        but for the test's own directory and /tmp
    /tmp of 512 MB                 an ext4 file system of its own
    memory, processors, freezer    control groups (version 1)

Needs root, control groups of version 1 and loop devices: `obstacle` says what is missing.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html and
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html (1,769 MB are one processor).
"""

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests import pythons
from tests.local.waiting import until

VARIABLE = "CONFINED"
MAY_UNSHARE = not os.geteuid() and VARIABLE not in os.environ
"""For tests that give an application a namespace of its own."""
GROUPS = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "freezer", "memory")
PERIOD_US = 100_000
TMP_SIZE = "512M"
MEMORY = 2_048 << 20
TOOLS = ("mkfs.ext4", "mount", "prlimit", "setpriv", "unshare")
_NOT_ALLOWED = ("denied", "not permitted", "loop device")
USER = "993"
"""The number of Lambda's own user."""
ENTER = f"""\
set -e
for group in $1; do echo $$ > $group/cgroup.procs; done
mount -t tmpfs none /dev/shm
number=0; for place in $2; do mkdir /dev/shm/$number; mount --rbind $place /dev/shm/$number; number=$((number+1)); done
for closed in $3; do mount -t tmpfs -o mode=755 none $closed; done
number=0; for place in $2; do mkdir -p $place; mount --rbind /dev/shm/$number $place; number=$((number+1)); done
mount -t tmpfs -o ro none /dev/shm
mount -o remount,ro,bind /
cd "$4"
shift 4
exec setpriv --reuid {USER} --regid {USER} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \\
    prlimit --nofile=1024:1024 "$@"
"""
"""Arguments: the groups, the places to see, the closed directories above them, the working directory, the command.

A directory that the user may not pass is covered by an empty one, which holds nothing but the places below it.
"""


class Confinement:
    """The limits of one environment; `directory` is the environment's, whose `tmp` becomes a file system of its own."""

    def __init__(self, directory: Path, processors: float) -> None:
        self._directory = directory
        self._tmp = directory / "tmp"
        name = f"confined-{uuid.uuid4()}"
        self._groups = {controller: GROUPS / controller / name for controller in CONTROLLERS}
        for group in self._groups.values():
            group.mkdir()
        (self._groups["cpu"] / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (self._groups["cpu"] / "cpu.cfs_quota_us").write_text(str(int(processors * PERIOD_US)))
        (self._groups["memory"] / "memory.limit_in_bytes").write_text(str(MEMORY))
        self._make_tmp()

    def command(self, command: Sequence[str], directory: Path, variables: Mapping[str, str]) -> list[str]:
        """Return the command that starts another one within the limits in `directory`, as the same process."""
        own = self._directory.parent
        named = [Path(word).parent for word in command if word.startswith("/") and Path(word).exists()]
        named.append(Path(variables["LAMBDA_TASK_ROOT"]))
        interpreters = [Path(sys.base_prefix), pythons.runtime().resolve().parents[1]]
        for place in (own, directory, *named):
            if place.stat().st_mode & 0o055 != 0o055:  # a temporary directory of the tests
                place.chmod(0o755)
        own.chmod(0o777)  # applications of the tests leave marks in it
        places = [own, directory, pythons.ROOT, *interpreters, *named]
        closed = {above for place in places if (above := _closed_above(place))}
        lists = (self._groups.values(), dict.fromkeys(places), closed)
        entered = [" ".join(map(str, one)) for one in lists]
        unshared = ["unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER, "sh"]
        return [*unshared, *entered, str(directory), *command]

    def freeze(self) -> None:
        """Stop every process of the environment, as Lambda does between invocations."""
        self._set_state("FROZEN")

    def thaw(self) -> None:
        """Let them go on."""
        self._set_state("THAWED")

    def remove(self) -> None:
        """Take the file system and the groups away; every process has ended."""
        subprocess.run(["umount", "--lazy", self._tmp], check=True)
        for group in self._groups.values():
            until(lambda group=group: not (group / "cgroup.procs").read_text())  # type: ignore[misc]
            group.rmdir()

    def _make_tmp(self) -> None:
        image = self._directory / "tmp.ext4"
        subprocess.run(["truncate", "--size", TMP_SIZE, image], check=True)
        owner = f"root_owner={USER}:{USER}"
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", "-E", owner, image], check=True)
        subprocess.run(["mount", "-o", "loop", image, self._tmp], check=True)

    def _set_state(self, state: str) -> None:
        file = self._groups["freezer"] / "freezer.state"
        file.write_text(state)
        until(lambda: file.read_text().strip() == state)


def obstacle() -> str | None:
    """Return why no environment can be confined here, None if one can; raises CalledProcessError for other reasons."""
    if os.geteuid():
        return "the sandbox needs root: it mounts file systems and makes control groups"
    if lacking := [str(GROUPS / one) for one in CONTROLLERS if not os.access(GROUPS / one, os.W_OK)]:
        return f"the sandbox needs control groups of version 1: there is no {', '.join(lacking)} to write to"
    if lacking := [one for one in TOOLS if not shutil.which(one)]:
        return f"the sandbox needs {', '.join(lacking)}"
    return _tried()


def _tried() -> str | None:
    """Confine a program that does nothing. A container may be root, and still not allowed to mount."""
    with tempfile.TemporaryDirectory(prefix="confined-") as directory:
        place = Path(directory, "environment")
        (place / "tmp").mkdir(parents=True)
        image = place / "tmp.ext4"
        try:
            _run("truncate", "--size", "1M", image)
            _run("mkfs.ext4", "-q", image)
            _run("unshare", "--mount", "sh", "-c", 'mount -o loop "$1" "$2"', "sh", image, place / "tmp")
        except subprocess.CalledProcessError as error:
            if not any(words in error.stderr for words in _NOT_ALLOWED):
                raise
            return f"the sandbox needs to mount a file system: {error.stderr.strip()}"
    return None


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def _closed_above(place: Path) -> Path | None:
    """Return the topmost directory above a place that the user may not pass."""
    return next((above for above in reversed(place.parents) if not above.stat().st_mode & 0o001), None)


def of(directory: Path) -> Confinement | None:
    """Return the limits that CONFINED asks for; None without it. Raises PermissionError for anyone but root."""
    if not (processors := os.environ.get(VARIABLE)):
        return None
    if os.geteuid():
        raise PermissionError(f"{VARIABLE} needs root: it mounts file systems and makes control groups")
    return Confinement(directory, float(processors))
