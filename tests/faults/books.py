"""
The three books, and what must hold between them whatever died in between.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from attrs import define, field

from goiptwist.simulator.book import PushOutcome
from tests.faults.rig import SETTLED, Rig


@define
class Accepted:
    """
    What the gateway said yes to.

    @ivar messages: the recipient and the text of each, by its id.
    @ivar by_client_id: the ids that each submission was told.
    """

    messages: dict[str, tuple[str, str]] = field(factory=dict)
    by_client_id: dict[str, list[str]] = field(factory=dict)

    def add(self, client_id: str, ids: list[str], to: list[str], text: str) -> None:
        """A submission was answered with 202."""
        before = self.by_client_id.setdefault(client_id, ids)
        assert before == ids, f"{client_id} became two submissions"
        self.messages.update(zip(ids, [(number, text) for number in to], strict=True))


async def compare_outgoing(rig: Rig, accepted: Accepted) -> Counter[str]:
    """
    Each accepted message ends in exactly one state, 'sent' is what the network
    got, and the network got nothing twice.

    @return: how many messages stand where.
    """
    kept = await rig.kept("out")
    assert kept is not None
    by_id = {message["id"]: message for message in kept}
    assert by_id.keys() == accepted.messages.keys(), "accepted and kept differ"
    network = rig.network()
    assert {sms: n for sms, n in network.items() if n > 1} == {}, "went out twice"
    assert network.keys() <= set(accepted.messages.values()), "nobody submitted that"
    for id_, sms in accepted.messages.items():
        state = by_id[id_]["state"]
        assert state in SETTLED, f"{sms} is {state}"
        assert state == "unknown" or (state == "sent") == (network[sms] == 1), (
            f"{sms} is {state}, and the network got it {network[sms]} times"
        )
    return Counter(message["state"] for message in kept)


def compare_incoming(rig: Rig) -> Counter[str]:
    """
    What the device was told OK for is mailed, under exactly one Message-ID.

    @return: how many mails there are of each text.
    """
    handed_in = [
        entry
        for simulator in rig.simulators.values()
        for entry in simulator.device.book.handed_in
        if entry.outcome is PushOutcome.ACKNOWLEDGED
    ]
    ids: dict[str, set[str]] = {}
    for message_id, text in rig.mails():
        ids.setdefault(text, set()).add(message_id)
    assert {text for text, of in ids.items() if len(of) > 1} == set(), "mailed as two"
    assert {entry.text for entry in handed_in} - ids.keys() == set(), "acknowledged and lost"
    return Counter(text for _, text in rig.mails())


def known_to_be_sent(rig: Rig, kept: list[dict[str, Any]]) -> None:
    """Where every SMS has its delivery report, what went out is known to have gone out."""
    network = rig.network()
    missed = [m for m in kept if m["state"] != "sent" and network[m["to"], m["text"]]]
    assert missed == [], "reported by the handset, and unknown"
