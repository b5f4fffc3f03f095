"""
A GoIP device that is none, for tests, demonstrations and load.

L{SimulatedDevice<goiptwist.simulator.device.SimulatedDevice>} is the library: any number of
lines that speak the device's side of the protocol to a C{write} callable,
under any clock. L{SimulatedNetwork<goiptwist.simulator.network.SimulatedNetwork>} joins them to
a gateway without sockets, through L{radios<goiptwist.simulator.radio.Radio>}
that lose, repeat and reorder. C{twistd goip-sim} puts the same lines on UDP.
What the mobile network got and what the device handed in stands in the
L{Book<goiptwist.simulator.book.Book>}.
"""
