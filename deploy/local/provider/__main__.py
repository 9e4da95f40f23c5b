"""`python -m deploy.local.provider PORT KEYS`: serve, with the keys of that folder."""

import os
import sys
from pathlib import Path

from deploy.local.ports import LOOPBACK
from deploy.local.provider import CLIENT_ID, CLIENT_KEY_FILE


def main(port: int, keys: Path) -> None:
    """Serve until ended."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain HTTP: it never leaves the machine
    from deploy.local.issuer import Issuer
    from deploy.local.provider.grants import Client, Server
    from deploy.local.provider.serving import serve

    client = Client(CLIENT_ID, (keys / CLIENT_KEY_FILE).read_text())
    serve(port, Server(f"http://{LOOPBACK}:{port}", Issuer(keys / "issuer.pem"), client))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
