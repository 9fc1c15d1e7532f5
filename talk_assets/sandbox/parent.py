"""Whether the process that started this one is still there."""

import os


class Parent:
    """A process to end with.

    Args:
        pid: its number; None: there is none, and it is never gone.
    """

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self._direct = pid == os.getppid()

    def gone(self) -> bool:
        """Whether the process has ended."""
        if self._pid is None:
            return False
        if self._direct:
            # A parent that ended may linger as a zombie that still answers; its children have a new parent at once.
            return os.getppid() != self._pid
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False
