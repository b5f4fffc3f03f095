"""What an operation is given, and what describes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.web.iweb import IRequest

from goiptwist.accounts.users import User
from goiptwist.operator_interfaces import IOperatorGateway
from goiptwist.web.http.validation import Shape

if TYPE_CHECKING:  # what describes an operation is read without the network
    from goiptwist.web.v1.streams import EventStreams


@frozen
class ApiContext:
    """
    What every operation may use.

    @ivar notifiers: the bridges that a submission may name to be notified.
    @ivar streams: who watches live.
    """

    gateway: IOperatorGateway
    users: Sequence[User]
    clock: IReactorTime
    notifiers: Collection[str]
    streams: EventStreams


@frozen(kw_only=True)
class RequestContext:
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
class ApiResponse:
    """
    One response that an operation has.

    @ivar description: in words.
    @ivar shape: of the body; C{None} where C{media_type} says it all.
    @ivar headers: by name, with their meaning.
    @ivar links: the operations that take the C{message_id} that it has,
        by where that stands in the answer.
    """

    description: str
    shape: type[Shape] | None = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(factory=dict)
    links: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Operation:
    """
    One method of one path.

    @ivar path: with at most one C{{name}} in it.
    @ivar handler: C{None} is not an answer: it writes a body, or has written one.
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
    handler: Callable[[ApiContext, RequestContext], Awaitable[bytes]]
    scope: str = ""
    body: type[Shape] | None = None
    query: type[Shape] | None = None
    headers: Mapping[str, str] = field(factory=dict)
    answers: Mapping[int, ApiResponse]
    refusals: tuple[int, ...] = ()
