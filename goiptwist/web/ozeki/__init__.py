"""
The HTTP interface of the Ozeki SMS gateway, for programs that were written for
it: they change host and port, and nothing else.

C{dialect} is the path C{/api}; C{classic} and C{jsonlanguage} are the two languages
that are spoken there. What no page of Ozeki's says is our own choice, and
called so where it is made.
"""
