"""
For the tests of bridges, ours and yours: L{BridgeContract
<goiptwist.testing.contract.BridgeContract>}, and what stands in for the gateway.
"""

from goiptwist.testing.contract import HOSTILE_TEXTS, BridgeContract, FarSide
from goiptwist.testing.stubs import StandInGateway, alarm, sms

__all__ = ["HOSTILE_TEXTS", "BridgeContract", "FarSide", "StandInGateway", "alarm", "sms"]
