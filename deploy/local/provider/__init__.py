"""A small OpenID Connect provider for trying out: who signs in chooses a person from a list, without a password.

    people    who can be chosen
    grants    the protocol: authorization code with PKCE, refresh, end of session; Authlib's server carries it
    pages     what a browser sees
    serving   HTTP on loopback

It holds the private key of its state folder, and whoever reaches it can be anybody: it listens on loopback, answers no
other host name (so that no web page reaches it by rebinding a name), and is part of `deploy/local` only.
"""

from typing import Final

DISCOVERY_PATH: Final = "/.well-known/openid-configuration"
JWKS_PATH: Final = "/.well-known/jwks.json"
CLIENT_ID: Final = "jejak-portal"
CLIENT_KEY_FILE: Final = "portal.secret"
"""In the folder of keys: the portal's secret."""
