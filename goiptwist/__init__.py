"""
goiptwist: an SMS gateway for GoIP devices, run as C{twistd goip}.

C{ARCHITECTURE.md} tells where a thing is and how one SMS travels.
"""

__version__ = "0.2.0"
