"""
Which rows of a queue must go one after the other: notifications of one message, as a
receiver that hears C{delivered} before C{sent} believes the wrong one.
"""

from __future__ import annotations

from collections import deque

from attrs import define, field

from goiptwist.model.delivery import QueueEntry


@define
class OrderingGroups:
    """
    Rows that name no message in C{about} are in no group, and never asked for
    here. The first row of a group may go; the others stand behind it until it
    is gone for good, however often it is put off.
    """

    _behind: dict[str, deque[QueueEntry]] = field(factory=dict, init=False)
    _count: int = field(default=0, init=False)

    def __len__(self) -> int:
        """How many rows stand behind another one."""
        return self._count

    def admit(self, row: QueueEntry) -> bool:
        """
        Take a row in, behind those of its group that came before it.

        @return: whether there are none.
        """
        behind = self._behind.get(row.message.about)
        if behind is None:
            self._behind[row.message.about] = deque()
            return True
        behind.append(row)
        self._count += 1
        return False

    def release(self, row: QueueEntry) -> QueueEntry | None:
        """
        The first row of a group is gone.

        @return: the one that may go now, if there is one.
        """
        behind = self._behind[row.message.about]
        if not behind:
            del self._behind[row.message.about]
            return None
        self._count -= 1
        return behind.popleft()
