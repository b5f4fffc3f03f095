"""What an operation is given, and what describes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from attrs import field, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.web.iweb import IRequest

from goiptwist.accounts.users import User
from goiptwist.interfaces import IOperatorGateway
from goiptwist.web.reading import Shape
from goiptwist.web.v1.streams import Streams


@frozen
class Desk:
    """
    What every operation may use.

    @ivar tellers: the bridges that a submission may name to be told.
    @ivar streams: who watches live.
    """

    gateway: IOperatorGateway
    users: Sequence[User]
    clock: IReactorTime
    tellers: Collection[str]
    streams: Streams


@frozen(kw_only=True)
class Asked:
    """
    One request, as far as it was read.

    @ivar user: who asks; C{None} where nobody has to say.
    @ivar body: of the class that the operation names.
    @ivar query: the same for the query.
    @ivar place: what stands in the path, such as an id.
    """

    request: IRequest
    user: User | None = None
    body: Any = None
    query: Any = None
    place: str = ""

    @property
    def origin(self) -> str:
        """Under which name the user submits."""
        assert self.user is not None
        return f"user:{self.user.name}"


@frozen
class Says:
    """
    One answer that an operation has.

    @ivar what: in words.
    @ivar shape: of the body; C{None} where C{kind} says it all.
    @ivar headers: by name, with what they tell.
    @ivar leads_to: the operations that take the C{message_id} that it tells,
        by where that stands in the answer.
    """

    what: str
    shape: type[Shape] | None = None
    kind: str = "application/json"
    headers: Mapping[str, str] = field(factory=dict)
    leads_to: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Operation:
    """
    One method of one path.

    @ivar path: with at most one C{{name}} in it.
    @ivar does: C{None} is not an answer: it writes a body, or has written one.
    @ivar scope: what the user must be allowed; C{any} is every user, empty is
        everybody.
    @ivar headers: of the request, by name, with what they do.
    @ivar answers: by status.
    @ivar refusals: statuses of problems, beyond those that any operation has.
    """

    method: str
    path: str
    name: str
    summary: str
    does: Callable[[Desk, Asked], Awaitable[bytes]]
    scope: str = ""
    body: type[Shape] | None = None
    query: type[Shape] | None = None
    headers: Mapping[str, str] = field(factory=dict)
    answers: Mapping[int, Says]
    refusals: tuple[int, ...] = ()
