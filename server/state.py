"""The state of a running application, in one object that `server.app.create` makes and everything else is given."""

from cachetools import LRUCache
from starlette.requests import HTTPConnection

from models.availability import Availability
from models.enums import Role
from resolvers.account import Account
from resolvers.feed.hub import Hub
from server import file_store
from server.auth.tokens import verifier
from server.graphql.persisted import open_documents
from server.origins import Origins
from server.rate_limits import RateLimiter
from server.settings import Settings
from server.stopping import Stopping

MAX_ACCOUNTS = 10_000  # kept in memory


class State:
    def __init__(self, settings: Settings) -> None:
        """Connects to nothing yet. Raises ValueError for a setting that is not valid."""
        self.settings = settings
        self.origins = Origins(settings)
        self.rates = RateLimiter(settings)
        self.documents = open_documents(settings)
        self.verify = verifier(settings)
        self.files = file_store.file_urls(settings)
        self.files_availability = Availability("files")
        self.hub = Hub()
        self.stopping = Stopping(settings.drain)
        # Accounts are never removed and keep their id, so an account that signed in lately need not be read again.
        self.accounts: LRUCache[tuple[str, Role, str | None], Account] = LRUCache(MAX_ACCOUNTS)


def state_of(request: HTTPConnection) -> State:
    """Returns the state of the application that serves this request."""
    return request.app.state.application
