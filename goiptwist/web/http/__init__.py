"""
What every HTTP interface of the gateway shares: connections and what they may
cost, who asks, what comes in, and how answers and refusals are written.
"""
