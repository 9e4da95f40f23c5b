"""Signing in and out of staff, at any OpenID provider.

returning   where to go after signing in: own paths only
provider    what is asked of the provider, and what of its answers is believed
entering    what a sign-in makes of a session
staying     an access token that has expired: refreshed, or asked for again without losing what was sent
routes      /masuk, /masuk/mulai, /masuk/kembali, /keluar
"""
