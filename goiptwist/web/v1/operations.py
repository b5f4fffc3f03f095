"""
Everything that C{/api/v1} can do: one table, of which the routes are made, and
the OpenAPI document.
"""

from __future__ import annotations

from goiptwist.web.v1 import alarms, batch, limits, messages, requests, responses, system
from goiptwist.web.v1.context import ApiResponse, Operation

_KEY = {
    "Idempotency-Key": "A name for this request, as id in the body "
    "(draft-ietf-httpapi-idempotency-key-header-07). The same again with another text is a 409."
}
_LINK = {"Link": 'Where the next page is, as rel="next" (RFC 8288).'}
_LOCATION = {"Location": "Where the message is, if it is one."}

#: What can be done with a message that there is.
_OF_ONE = ("message", "withdraw", "settle", "redeliver")

SUBMITTING = (
    Operation(
        method="POST",
        path="/api/v1/messages",
        name="submit",
        summary="Send a text",
        handler=messages.submit,
        scope="send",
        body=requests.SubmissionRequest,
        query=requests.SubmissionQuery,
        headers=_KEY,
        answers={
            202: ApiResponse(
                "It is on disk.",
                responses.AcceptedView,
                headers={**_LOCATION, **limits.HEADERS},
                links=dict.fromkeys(_OF_ONE, "/messages/0/id"),
            )
        },
        refusals=(409,),
    ),
    Operation(
        method="POST",
        path="/api/v1/messages/batch",
        name="batch",
        summary="Send many texts",
        handler=batch.batch,
        scope="send",
        body=requests.BatchRequest,
        headers=_KEY,
        answers={
            202: ApiResponse(
                "All are on disk.", responses.BatchResultsView, headers=limits.HEADERS
            ),
            207: ApiResponse(
                "Some are, some were refused.", responses.BatchResultsView, headers=limits.HEADERS
            ),
        },
    ),
    Operation(
        method="POST",
        path="/api/v1/messages/preview",
        name="preview",
        summary="What a text would cost",
        handler=messages.preview,
        scope="send",
        body=requests.PreviewRequest,
        answers={200: ApiResponse("Encoding and segments.", responses.TextPreviewView)},
    ),
)

MESSAGES = (
    Operation(
        method="GET",
        path="/api/v1/messages",
        name="messages",
        summary="Read or look for messages",
        handler=messages.list_messages,
        scope="read",
        query=requests.MessagesQuery,
        answers={200: ApiResponse("A page of them.", responses.MessagesView, headers=_LINK)},
    ),
    Operation(
        method="GET",
        path="/api/v1/messages/{message_id}",
        name="message",
        summary="One message and its journey",
        handler=messages.show_message,
        scope="read",
        answers={200: ApiResponse("It, as it stands now.", responses.MessageJourneyView)},
        refusals=(404,),
    ),
    Operation(
        method="DELETE",
        path="/api/v1/messages/{message_id}",
        name="withdraw",
        summary="Take back a text that waits",
        handler=messages.withdraw,
        scope="send",
        answers={200: ApiResponse("It is cancelled.", responses.MessageView)},
        refusals=(404, 409),
    ),
    Operation(
        method="POST",
        path="/api/v1/messages/{message_id}/redeliver",
        name="redeliver",
        summary="Hand a message to a bridge once more",
        handler=messages.redeliver,
        scope="admin",
        body=requests.RedeliveryRequest,
        answers={200: ApiResponse("It, as it stands now.", responses.MessageView)},
        refusals=(404, 409),
    ),
    Operation(
        method="POST",
        path="/api/v1/messages/{message_id}/settle",
        name="settle",
        summary="Settle an unknown message",
        handler=messages.settle,
        scope="admin",
        body=requests.ResolutionRequest,
        answers={200: ApiResponse("It, as it stands now.", responses.MessageView)},
        refusals=(404, 409),
    ),
)

#: What can be done with an alarm that there is.
_OF_AN_ALARM = ("alarm", "acknowledge")

ALARMS = (
    Operation(
        method="POST",
        path="/api/v1/alarms",
        name="raise_alarm",
        summary="Raise an alarm",
        handler=alarms.raise_alarm,
        scope="send",
        body=requests.AlarmSubmissionRequest,
        headers=_KEY,
        answers={
            202: ApiResponse(
                "It is on disk.",
                responses.AlarmView,
                headers={"Location": "Where the alarm is.", **limits.HEADERS},
                links=dict.fromkeys(_OF_AN_ALARM, "/id"),
            )
        },
        refusals=(409,),
    ),
    Operation(
        method="GET",
        path="/api/v1/alarms",
        name="alarms",
        summary="Read or look for alarms",
        handler=alarms.list_alarms,
        scope="read",
        query=requests.AlarmsQuery,
        answers={
            200: ApiResponse("A page of them, newest first.", responses.AlarmsView, headers=_LINK)
        },
    ),
    Operation(
        method="GET",
        path="/api/v1/alarms/{message_id}",
        name="alarm",
        summary="One alarm, its deliveries and its journey",
        handler=alarms.show_alarm,
        scope="read",
        answers={200: ApiResponse("It, as it stands now.", responses.AlarmJourneyView)},
        refusals=(404,),
    ),
    Operation(
        method="POST",
        path="/api/v1/alarms/{message_id}/acknowledge",
        name="acknowledge",
        summary="Take an alarm over",
        handler=alarms.acknowledge,
        scope="send",
        answers={200: ApiResponse("It, as it stands now.", responses.AlarmJourneyView)},
        refusals=(404, 409),
    ),
)

OTHERS = (
    Operation(
        method="GET",
        path="/api/v1/lines",
        name="lines",
        summary="All lines",
        handler=system.lines,
        scope="read",
        answers={200: ApiResponse("As they stand now.", responses.LinesView)},
    ),
    Operation(
        method="GET",
        path="/api/v1/lines/{line_id}",
        name="line",
        summary="One line",
        handler=system.line,
        scope="read",
        answers={200: ApiResponse("As it stands now.", responses.LineView)},
        refusals=(404,),
    ),
    Operation(
        method="GET",
        path="/api/v1/events",
        name="events",
        summary="What happens, live",
        handler=system.events,
        scope="read",
        query=requests.EventsQuery,
        headers={"Last-Event-ID": "The id of the last event that you know."},
        answers={
            200: ApiResponse(
                "id, event and data; data is a JSON object: at, kind, and message, or line and "
                "fields.",
                media_type="text/event-stream",
            )
        },
    ),
    Operation(
        method="GET",
        path="/api/v1/users",
        name="users",
        summary="All users",
        handler=system.users,
        scope="admin",
        answers={200: ApiResponse("Without any secret.", responses.UsersView)},
    ),
    Operation(
        method="GET",
        path="/api/v1/me",
        name="me",
        summary="Who am I?",
        handler=system.me,
        scope="any",
        answers={
            200: ApiResponse("The user who asks.", responses.MyselfView, headers=limits.HEADERS)
        },
    ),
    Operation(
        method="GET",
        path="/healthz",
        name="health",
        summary="Is all well?",
        handler=system.health,
        answers={
            200: ApiResponse("All is well.", responses.HealthView),
            503: ApiResponse("Something is not.", responses.HealthView),
        },
    ),
)

OPERATIONS = (*SUBMITTING, *MESSAGES, *ALARMS, *OTHERS)
