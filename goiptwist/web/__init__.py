"""
The HTTP limb: C{root} says which interface answers which path, C{service} has the
sockets, C{http} what the interfaces share, C{v1} and C{ozeki} the interfaces.
"""
