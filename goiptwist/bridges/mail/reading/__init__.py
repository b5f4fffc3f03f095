"""
What a person wrote in a mail. Pure.

L{parsing} takes a mail apart into header, text and attachments; L{extraction}
finds what its writer typed, without quotes, signatures and what programs add.
"""
