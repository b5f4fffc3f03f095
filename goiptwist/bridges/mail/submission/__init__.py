"""
What becomes of a mail that was handed in or fetched: who may send, whom the
mail is for, and the SMS that it becomes.

L{interfaces} is what the authorized in see of it, and L{service} what provides that;
L{relay_policy} says on whose account a mail is sent, L{addresses} and L{tokens}
whom it is for, L{loops} and L{authentication} whether it may pass, L{bounces} why
a mail of ours came back, and L{subscriptions} and L{context} who is notified of
what.
"""
