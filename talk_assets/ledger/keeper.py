"""Stops the embedded server once no process uses it any more.

A process of its own, run by its file name, because a process that is killed cannot stop anything. Every process that
uses the server holds a shared lock on a file; the operating system takes it back however the process ends. The keeper
waits until it can have the file for itself, and then stops the server. It imports the standard library only, to stay
small.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

USERS = "users.lock"
KEEPER = "keeper.lock"


def lock(path: Path, operation: int) -> int:
    """Lock a file, which is made when it does not exist.

    Args:
        path: the file.
        operation: of `fcntl.flock`.

    Returns:
        The open file; the lock lasts until it is closed, by this process and those forked from it.

    Raises:
        BlockingIOError: the operation says not to wait, and another process holds the lock.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, operation)
    except BlockingIOError:
        os.close(handle)
        raise
    return handle


def keep(folder: Path, stop: Sequence[str], user: str | None) -> None:
    """Wait until nobody holds the users' lock, then stop the server; return at once when another keeper waits already.

    Args:
        folder: folder of the lock files.
        stop: command that stops the server.
        user: name of the user that the command runs as; None: this process's own.
    """
    try:
        place = lock(folder / KEEPER, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    users = lock(folder / USERS, fcntl.LOCK_EX)
    subprocess.run(stop, user=user, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    # In this order: who takes the users' lock next starts the server, and must find the keeper's place free.
    os.close(place)
    os.close(users)


if __name__ == "__main__" and os.fork() == 0:
    keep(Path(sys.argv[1]), sys.argv[3:], sys.argv[2] or None)
