"""How many files a process may open: each line of a device is one."""

from __future__ import annotations

import resource

#: Files that the process needs beside the ports: streams, log, reactor, book,
#: control and the connections to it.
SPARE = 64


class TooFewFiles(Exception):
    """The operating system will not let us open that many ports."""


def allow_ports(ports: int) -> None:
    """
    Raise the soft limit to what so many ports need, if it is lower.

    @raise TooFewFiles: the hard limit is lower, too; the text says the cure.
    """
    needed = ports + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise TooFewFiles(
            f"{ports} lines need {needed} open files, but at most {hard} are allowed here: "
            f"allow more (LimitNOFILE={needed} in a systemd unit, 'ulimit -Hn {needed}' as root), "
            f"or simulate fewer lines"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
