"""The HTTP limb: C{api} has the routes, C{service} the sockets."""
