"""Login by SAML 2.0: what the identity provider says becomes a session, or is refused.

Only here is SAML spoken; the guard knows sessions, not assertions.
"""
