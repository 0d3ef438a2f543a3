"""Who may see what: sessions, tokens, roles, limits, and the guard that asks them at the door.

It decides by values that `webhooks.saml` or a token brought; it knows nothing of pages.
"""
