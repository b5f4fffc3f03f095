"""
Benchmarks: C{python -m bench [receive|keepalive|send|submit|lines]}.

An absolute figure says more about the machine than about the gateway. So each
benchmark measures a yardstick and the gateway side by side in one run, in
alternating rounds, and prints the ratio: its median, its smallest and its
largest. The yardstick is L{bench.echo}, a bare Twisted UDP server that sends
back what it gets: what is left when a gateway does nothing at all.

Each part runs in a process of its own: the gateway (L{bench.gatewayside}), the
echo, the L{generator of load<bench.generator>}, the simulated device
(L{bench.deviceside}), the L{clients of HTTP<bench.httpside>}. All traffic stays
on the loopback interface and is
bounded in time.
"""
