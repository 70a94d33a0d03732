"""The store of files that the settings name, and whether it can be used."""

from pathlib import Path

from models.availability import Availability
from models.bucket import Bucket
from models.files import Away, Folder, Store
from models.pictures import PictureProcesses
from resolvers.signed_url import FileUrls
from server.settings import Settings

CHECK_SECONDS = 5  # between two checks of the store


def open_store(settings: Settings) -> Store:
    """Returns the store, without connecting to it. Raises ValueError where the settings name none."""
    if settings.files.startswith("s3://"):
        return Bucket.at(settings.files, settings.files_seconds)
    if "://" in settings.files:
        raise ValueError("RECOURSE_FILES_URL must be a folder or s3://BUCKET")
    return Folder(Path(settings.files))


def file_urls(settings: Settings) -> FileUrls:
    return FileUrls(open_store(settings), pictures=PictureProcesses(settings.picture_processes))


async def prepare_store(settings: Settings) -> None:
    """Makes the folder for files and its secret. A bucket need not be reachable when a server starts."""
    place = open_store(settings)
    if isinstance(place, Folder):
        await place.secret()


async def check_store(files: FileUrls, availability: Availability) -> None:
    """Reads the secret, unless it is known, and asks the store for something small. Logs a change once."""
    try:
        await files.load()
        await files.store.check()
    except Away as away:
        availability.lose(away, f"{away}; trying again")
    else:
        availability.regain()
