"""What C{twistd} reads: two names and where their options are."""

from twisted.application.service import ServiceMaker

goip = ServiceMaker("goip", "goiptwist.tap", "SMS gateway for GoIP devices", "goip")
goip_sim = ServiceMaker(
    "goip-sim", "goiptwist.simulator.tap", "simulated GoIP device, for tests", "goip-sim"
)
