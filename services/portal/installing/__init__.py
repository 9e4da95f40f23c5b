"""Jejak on a phone: the manifest, the service worker with its last known status, the page without a network, push."""
