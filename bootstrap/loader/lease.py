"""Leases on files whose bytes have not arrived: a process that opens one waits in the kernel (fcntl(2), F_SETLEASE).

A lease alone is not safe. The kernel lets a waiting opener in after 45 s (/proc/sys/fs/lease-break-time), at once when
the last holder of the descriptor ends, and while every process is stopped. The loader's processes guard against all
three, see holder.py and coordinator.py. The first bytes of a file are written last, so that a process that opens it too
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
LONG_AGO = 315_619_200_000_000_000
"""2 January 1980, in ns: earlier than any read, so that the first read shows; see access_profile.py."""
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
    if HEAD < size <= RESERVED:
        os.posix_fallocate(created, 0, size)
    elif size > RESERVED:
        os.ftruncate(created, size)
    os.pwrite(created, ABSENT[:size], 0)
    return created


def keep_head(heads: int, number: int, position: int, content: memoryview) -> None:
    """Keep some of the first bytes of file `number` in the file `heads` until the rest of it is in place."""
    os.pwrite(heads, content, number * HEAD + position)


def place_head(heads: int, number: int, target: int) -> None:
    """Write a file's first bytes, the last ones to be written."""
    os.pwrite(target, os.pread(heads, min(HEAD, os.fstat(target).st_size), number * HEAD), 0)
    os.utime(target, ns=(LONG_AGO, LONG_AGO))


def reserve(held: int, size: int) -> None:
    """Reserve the blocks of a large file, because setting its size does not; raises OSError."""
    for offset in range(0, size if size > RESERVED else 0, STEP):
        os.posix_fallocate(held, offset, min(STEP, size - offset))


def take(held: int) -> None:
    """Take the lease; raises OSError when the file is open anywhere."""
    fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)


def let_go(held: int) -> None:
    """Give up the lease: processes that wait can open the file."""
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
