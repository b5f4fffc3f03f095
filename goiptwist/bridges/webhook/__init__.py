"""
SMS, states and line events as JSON, posted to a URL and signed after
U{Standard Webhooks<https://www.standardwebhooks.com/>}.
"""
