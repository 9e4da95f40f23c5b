"""Takes every mail and delivers none: an SMTP server on loopback that files what comes into a Maildir.

`python -m deploy.local.mail_sink PORT FOLDER`
"""

import asyncio
import sys
from pathlib import Path

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP

from deploy.local.ports import LOOPBACK

LARGEST_MAIL_BYTES = 10 * 1024 * 1024


async def serve(port: int, folder: Path) -> None:
    """Take mail until ended."""
    handler = Mailbox(folder)

    def connection() -> SMTP:
        return SMTP(handler, data_size_limit=LARGEST_MAIL_BYTES, enable_SMTPUTF8=True, hostname="mail.jejak.local")

    server = await asyncio.get_running_loop().create_server(connection, LOOPBACK, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
