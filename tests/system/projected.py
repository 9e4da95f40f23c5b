"""The projection's tables in a real PostgreSQL, fed without Kafka, and the service's routes over them in this process."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from contracts import catalogue
from contracts.envelope import PARTITIONS
from contracts.number import RANDOM_BYTES, format_number
from deploy.local.issuer import Issuer
from runtime.database import Pool, open_pool
from runtime.migrations import migrate
from runtime.records import Record
from runtime.settings import Settings
from runtime.web import create_app
from services.status.folding.definitions import definitions_of
from services.status.folding.partitions import partition_of
from services.status.main import MIGRATIONS
from services.status.projections import Projector, tell
from services.status.store import generations

CATALOGUE = catalogue.load()


@dataclass
class Projected:
    """A live projection to put events into."""

    dsn: str
    pool: Pool
    issuer: Issuer
    settings: Settings
    projector: Projector
    offsets: dict[int, int] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(20260302))

    def new_number(self) -> str:
        return format_number("LBG", self.chance.randbytes(RANDOM_BYTES))

    async def take_in(self, number: str, *events: bytes) -> None:
        """Have the live projection take in events of one application."""
        partition = partition_of(number, PARTITIONS)
        begin = self.offsets.get(partition, 0)
        records = [
            Record("t", partition, begin + place, int(datetime.now(UTC).timestamp() * 1000), number.encode(), event)
            for place, event in enumerate(events)
        ]
        self.offsets[partition] = begin + len(events)
        async with self.pool.acquire() as connection, connection.transaction():
            live = await generations.live_generation(connection, self.projector.version)
            assert live is not None
            await tell(connection, await self.projector.project(connection, live.id, records))

    def bearer(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.issuer.token(role)}"}

    def client(self, *routes: Any) -> httpx.AsyncClient:
        """Asks these routes, in the loop of the test as its pool is."""
        app = create_app(settings=self.settings, title="t", version="1", routes=list(routes))
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://status")


@asynccontextmanager
async def projected(dsn: str, folder: Path, *, schema: str = "status") -> AsyncIterator[Projected]:
    """An empty live projection in an empty database."""
    issuer = Issuer(folder / "issuer.pem")
    (folder / "jwks.json").write_text(issuer.jwks())
    settings = Settings(kafka="localhost:1", database=dsn, issuer=issuer.name, jwks=(folder / "jwks.json").as_uri())
    version = generations.version_of(CATALOGUE)
    pool = await open_pool(dsn, schema=schema)
    try:
        await migrate(pool, schema, MIGRATIONS)
        async with pool.acquire() as connection:
            await generations.ensure_live(connection, version)
        yield Projected(
            dsn,
            pool,
            issuer,
            settings,
            Projector(definitions_of(CATALOGUE)),
        )
    finally:
        pool.terminate()
