"""Leases on files whose bytes have not arrived: a process that opens one waits in the kernel (fcntl(2), F_SETLEASE).

A lease alone is not safe. The kernel lets a waiting opener in after 45 s (/proc/sys/fs/lease-break-time), also while
every process is stopped, and at once when the last holder of the descriptor ends. The loader's processes guard against
all three, see holder.py and coordinator.py. The first bytes of a file are written last. So a process that opens it too
early reads a text that is not valid in any file format.
"""

import fcntl
import os
import signal

HEAD = 4096
"""Length of the first bytes of a file, which are written last."""
ABSENT = (b"this file has not arrived (Dropshift)\n" * (HEAD // 38 + 1))[:HEAD]
WAITED = 30.0
"""Seconds that an opener may wait: well below the kernel's 45."""
CREATE = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
RESERVED = 1 << 20
"""Bytes up to which a file's blocks are reserved when it is created; those of a larger file are reserved later."""
LONG_AGO = 315_619_200, 315_619_200
"""2 January 1980, as times of access and change: before any read, so that the first shows; see access_profile.py."""
STEP = 64 << 20
"""Bytes reserved at a time: a write to the same file waits no longer than that takes."""


def work(folder: str) -> bool:
    """Return whether leases and process descriptors work here."""
    signal.signal(signal.SIGIO, lambda *_: None)  # without a handler, SIGIO ends the process that holds a lease
    path = f"{folder}/lease.{os.getpid()}"
    try:
        os.close(os.pidfd_open(os.getpid()))
        probe = os.open(path, CREATE, 0o600)
    except OSError:
        return False
    try:
        fcntl.fcntl(probe, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except BlockingIOError:
        return asked_for(probe) and not let_in(probe)
    except OSError:
        return False
    else:
        return False
    finally:
        os.close(probe)
        os.unlink(path)


def create(path: str, mode: int, size: int, root: int) -> int:
    """Create a file at its full size and return a descriptor for it; raises OSError."""
    created = os.open(path, CREATE, mode, dir_fd=root)
    if size <= RESERVED:
        os.posix_fallocate(created, 0, size)
    else:
        os.ftruncate(created, size)
    return created


def hide(held: int, size: int) -> None:
    """Write over a file's first bytes that it has not arrived."""
    os.pwrite(held, ABSENT[:size], 0)


def place_head(held: int, head: bytes) -> None:
    """Write a file's first bytes, the last ones to be written."""
    write(held, head, 0)
    os.utime(held, LONG_AGO)


def write(target: int, content: bytes | memoryview, position: int) -> None:
    """Write all of `content` at a place of a file; raises OSError."""
    done = 0
    while done < len(content):
        done += os.pwrite(target, content[done:], position + done)


def reserve(held: int, size: int) -> None:
    """Reserve the blocks of a large file, because setting its size does not; raises OSError."""
    for offset in range(0, size if size > RESERVED else 0, STEP):
        os.posix_fallocate(held, offset, min(STEP, size - offset))


def take(held: int) -> None:
    """Take the lease; raises OSError when the file is open anywhere."""
    fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)


def let_go(held: int) -> None:
    """End the lease: processes that wait can open the file."""
    fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    os.close(held)


def asked_for(held: int) -> bool:
    """Return whether a process has tried to open the file: it waits, or has been let in."""
    return fcntl.fcntl(held, fcntl.F_GETLEASE) != fcntl.F_WRLCK


def let_in(held: int) -> bool:
    """Return whether the kernel has let somebody open a file.

    Such a lease is a reader's or gone; while somebody still waits, its break is under way. proc(5), /proc/pid/fdinfo.
    """
    if not asked_for(held):
        return False
    with open(f"/proc/self/fdinfo/{held}", "rb") as file:
        return b" BREAKING " not in file.read()
