"""Where the services' OpenAPI documents are kept. They are made by `deploy.openapi`, since nothing here knows a service."""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "generated" / "openapi"
