"""
Everything that C{/api/v1} can do: one table, of which the routes are made, and
the OpenAPI document.
"""

from __future__ import annotations

from goiptwist.web.v1 import alarms, batch, limits, messages, others, shown, wanted
from goiptwist.web.v1.asking import Operation, Says

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
        does=messages.submit,
        scope="send",
        body=wanted.Submission,
        query=wanted.Offer,
        headers=_KEY,
        answers={
            202: Says(
                "It is on disk.",
                shown.Accepted,
                headers={**_LOCATION, **limits.HEADERS},
                leads_to=dict.fromkeys(_OF_ONE, "/messages/0/id"),
            )
        },
        refusals=(409,),
    ),
    Operation(
        method="POST",
        path="/api/v1/messages/batch",
        name="batch",
        summary="Send many texts",
        does=batch.batch,
        scope="send",
        body=wanted.Batch,
        headers=_KEY,
        answers={
            202: Says("All are on disk.", shown.Results, headers=limits.HEADERS),
            207: Says("Some are, some were refused.", shown.Results, headers=limits.HEADERS),
        },
    ),
    Operation(
        method="POST",
        path="/api/v1/messages/preview",
        name="preview",
        summary="What a text would cost",
        does=messages.preview,
        scope="send",
        body=wanted.Preview,
        answers={200: Says("Encoding and segments.", shown.Previewed)},
    ),
)

MESSAGES = (
    Operation(
        method="GET",
        path="/api/v1/messages",
        name="messages",
        summary="Read or look for messages",
        does=messages.several,
        scope="read",
        query=wanted.Wanted,
        answers={200: Says("A page of them.", shown.Messages, headers=_LINK)},
    ),
    Operation(
        method="GET",
        path="/api/v1/messages/{message_id}",
        name="message",
        summary="One message and its journey",
        does=messages.one,
        scope="read",
        answers={200: Says("It, as it stands now.", shown.Followed)},
        refusals=(404,),
    ),
    Operation(
        method="DELETE",
        path="/api/v1/messages/{message_id}",
        name="withdraw",
        summary="Take back a text that waits",
        does=messages.withdraw,
        scope="send",
        answers={200: Says("It is cancelled.", shown.Message)},
        refusals=(404, 409),
    ),
    Operation(
        method="POST",
        path="/api/v1/messages/{message_id}/redeliver",
        name="redeliver",
        summary="Hand a message to a bridge once more",
        does=messages.redeliver,
        scope="admin",
        body=wanted.Again,
        answers={200: Says("It, as it stands now.", shown.Message)},
        refusals=(404, 409),
    ),
    Operation(
        method="POST",
        path="/api/v1/messages/{message_id}/settle",
        name="settle",
        summary="Settle an unknown message",
        does=messages.settle,
        scope="admin",
        body=wanted.Judgement,
        answers={200: Says("It, as it stands now.", shown.Message)},
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
        does=alarms.raise_alarm,
        scope="send",
        body=wanted.NewAlarm,
        headers=_KEY,
        answers={
            202: Says(
                "It is on disk.",
                shown.Alarm,
                headers={"Location": "Where the alarm is.", **limits.HEADERS},
                leads_to=dict.fromkeys(_OF_AN_ALARM, "/id"),
            )
        },
        refusals=(409,),
    ),
    Operation(
        method="GET",
        path="/api/v1/alarms",
        name="alarms",
        summary="Read or look for alarms",
        does=alarms.several,
        scope="read",
        query=wanted.WantedAlarms,
        answers={200: Says("A page of them, newest first.", shown.Alarms, headers=_LINK)},
    ),
    Operation(
        method="GET",
        path="/api/v1/alarms/{message_id}",
        name="alarm",
        summary="One alarm, its deliveries and its journey",
        does=alarms.one,
        scope="read",
        answers={200: Says("It, as it stands now.", shown.FollowedAlarm)},
        refusals=(404,),
    ),
    Operation(
        method="POST",
        path="/api/v1/alarms/{message_id}/acknowledge",
        name="acknowledge",
        summary="Take an alarm over",
        does=alarms.acknowledge,
        scope="send",
        answers={200: Says("It, as it stands now.", shown.FollowedAlarm)},
        refusals=(404, 409),
    ),
)

OTHERS = (
    Operation(
        method="GET",
        path="/api/v1/lines",
        name="lines",
        summary="All lines",
        does=others.lines,
        scope="read",
        answers={200: Says("As they stand now.", shown.Lines)},
    ),
    Operation(
        method="GET",
        path="/api/v1/lines/{line_id}",
        name="line",
        summary="One line",
        does=others.line,
        scope="read",
        answers={200: Says("As it stands now.", shown.Line)},
        refusals=(404,),
    ),
    Operation(
        method="GET",
        path="/api/v1/events",
        name="events",
        summary="What happens, live",
        does=others.events,
        scope="read",
        query=wanted.Watch,
        headers={"Last-Event-ID": "The id of the last event that you know."},
        answers={
            200: Says(
                "id, event and data; data is a JSON object: at, kind, and message, or line and "
                "fields.",
                kind="text/event-stream",
            )
        },
    ),
    Operation(
        method="GET",
        path="/api/v1/users",
        name="users",
        summary="All users",
        does=others.users,
        scope="admin",
        answers={200: Says("Without any secret.", shown.People)},
    ),
    Operation(
        method="GET",
        path="/api/v1/me",
        name="me",
        summary="Who am I?",
        does=others.me,
        scope="any",
        answers={200: Says("The user who asks.", shown.Myself, headers=limits.HEADERS)},
    ),
    Operation(
        method="GET",
        path="/healthz",
        name="health",
        summary="Is all well?",
        does=others.health,
        answers={
            200: Says("All is well.", shown.Health),
            503: Says("Something is not.", shown.Health),
        },
    ),
)

OPERATIONS = (*SUBMITTING, *MESSAGES, *ALARMS, *OTHERS)
