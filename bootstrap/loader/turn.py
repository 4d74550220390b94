"""The turn to load a tree, when several processes start at once."""

import fcntl
import time

from ..tree import Tree
from .retry import backoff


def take(lock: int, tree: Tree) -> bool:
    """Return True with the exclusive lock on a tree, False with a shared one on a complete tree that others use.

    Every process that uses a tree holds a shared lock on it until it exits, so waiting for the exclusive lock could
    block for ever:

        A: gets it exclusively, loads                    B, C: do not; wait for the shared one
        A: is done, keeps it shared                      B, C: get it shared too, see the marker
        A: is killed instead                             B, C: get it shared, see no marker, let go and try again
    """
    while not _exclusively(lock):
        fcntl.flock(lock, fcntl.LOCK_SH)
        if tree.complete:
            return False
        fcntl.flock(lock, fcntl.LOCK_UN)
        time.sleep(backoff(1))
    return True


def _exclusively(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
