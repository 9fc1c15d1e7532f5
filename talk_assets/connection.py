"""The connection to Exact as far as it belongs to a login: whose tokens are used, and a client that uses them.

An installation connects both systems; what sets up a login needs neither Customerp nor a division.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from talk_assets.errors import ConfigurationError, LedgerError, SystemUnavailable
from talk_assets.ledger.call_budget import CallBudgetStore
from talk_assets.ledger.database import Ledger, open_ledger
from talk_assets.ledger.embedded import database_url
from talk_assets.ledger.failed_calls import FailedCallStore
from talk_assets.ledger.secrets import open_cipher
from talk_assets.ledger.tokens import TokenStore
from talk_assets.settings import EXACT_LOGIN, Settings
from talk_assets.systems.exact.failed_calls import ErrorBudget
from talk_assets.systems.exact.governor import Governor
from talk_assets.systems.exact.oauth import EARLIEST_REFRESH, BearerAuth, TokenSource
from talk_assets.systems.exact.token_calls import EXCHANGING, SYSTEM, Credentials, TokenCalls, TooEarly
from talk_assets.systems.exact.transport import exact_http
from talk_assets.systems.http import Gate, HttpClient, Judge, root_of
from talk_assets.systems.local import start_local_systems
from talk_assets.systems.repeats import Patience
from talk_assets.systems.tokens import with_seeds


def credentials_of(settings: Settings) -> Credentials:
    """The app registration that is configured.

    Raises:
        ConfigurationError: it is not.
    """
    if settings.exact_client_id is None or settings.exact_client_secret is None:
        raise ConfigurationError("EXACT_CLIENT_ID, EXACT_CLIENT_SECRET: not set.")
    return Credentials(settings.exact_client_id, settings.exact_client_secret, settings.exact_refresh_token)


def token_store(ledger: Ledger, settings: Settings, *, sandbox: bool = False) -> TokenStore:
    """Where the tokens of the configured login are kept, for all divisions and machines that share the ledger.

    Args:
        ledger: the state.
        settings: complete as far as a login needs it.
        sandbox: whether the site is the sandbox, which is the same one wherever it listens.

    Raises:
        ConfigurationError: a setting is missing or wrong.
    """
    site = "sandbox" if sandbox else root_of(site_of(settings), "EXACT_URL").partition("://")[2]
    division = None if settings.exact_division is None else str(settings.exact_division)
    return TokenStore(ledger, open_cipher(settings), f"{site}/{credentials_of(settings).client_id}", division)


def site_of(settings: Settings) -> str:
    """The configured site of Exact Online.

    Raises:
        ConfigurationError: there is none.
    """
    if settings.exact_url is None:
        raise ConfigurationError("EXACT_URL: not set.")
    return settings.exact_url


@dataclass(frozen=True)
class Connection:
    """What the commands work with that concern a login.

    Attributes:
        settings: complete as far as a login needs it, also when the sandbox is used.
        sandbox: whether no system was configured and the sandbox is used.
        ledger: the state.
        credentials: the app registration.
        tokens: where the login's tokens are kept.
    """

    settings: Settings
    sandbox: bool
    ledger: Ledger
    credentials: Credentials
    tokens: TokenStore

    @contextmanager
    def http(
        self,
        *,
        authenticated: bool = True,
        gate: Gate | None = None,
        judge: Judge | None = None,
        patience: Patience | None = None,
    ) -> Iterator[HttpClient]:
        """A client for the site.

        Args:
            authenticated: whether it shows an access token with every call.
            gate: keeps the budget of calls; by default `gate`.
            judge: which answers are passing faults, where it is not as for records.
            patience: how often and how long to try again.

        Raises:
            ConfigurationError: EXACT_URL cannot be used.
        """
        http = exact_http(
            site_of(self.settings),
            gate=gate or self.gate(),
            judge=judge,
            patience=patience,
            timeout=self.settings.talk_answer_seconds,
        )
        try:
            if authenticated:
                http.authenticate(BearerAuth(TokenSource(http, self.credentials, self.tokens)))
            yield http
        finally:
            http.close()

    def log_in(self, code: str) -> None:
        """Exchange the code of an authorisation in the browser, and store the login's tokens.

        From then on they are used by all processes, whatever EXACT_REFRESH_TOKEN says: it counts as spent.

        Raises:
            AccessDenied: Exact refuses the app registration, or the code.
            SystemUnavailable: the token service gives no answer, or no token so soon after the last.
            LedgerError: the tokens cannot be stored; nothing else knows them.
        """
        with self.http(authenticated=False) as http, self.tokens.locked(SYSTEM):
            spent = [] if self.credentials.seed is None else [self.credentials.seed]
            seeds = with_seeds(self.tokens.seeds(SYSTEM), spent)
            try:
                token = TokenCalls(http, self.credentials).exchange(code, self.settings.exact_redirect_uri, seeds)
            except TooEarly:
                raise SystemUnavailable(
                    SYSTEM,
                    f"{EXCHANGING}: Exact gives no token so soon after the last one. Wait ten minutes, and run "
                    "`talk-assets exact login` again.",
                    retry_after=EARLIEST_REFRESH.total_seconds(),
                ) from None
            try:
                self.tokens.save(SYSTEM, token)
            except LedgerError as error:
                raise LedgerError(
                    f"The login's tokens could not be stored, and nothing else knows them: {error} Then run "
                    "`talk-assets exact login` again."
                ) from error

    def gate(self) -> Governor:
        """The budget of calls that is shared with all processes, and which calls failed lately."""
        if self.settings.exact_division is None:
            # Endpoints are told apart by their address, which holds the division: any name will do.
            return Governor(errors=ErrorBudget(FailedCallStore(self.ledger, "none")))
        division = str(self.settings.exact_division)
        errors = ErrorBudget(FailedCallStore(self.ledger, division))
        return Governor(budget=self.budget(division), errors=errors)

    def budget(self, division: str) -> CallBudgetStore:
        """What Exact's limits leave to a division."""
        return CallBudgetStore(self.ledger, division)


@contextmanager
def open_ledger_and_sandbox(settings: Settings) -> Iterator[tuple[Ledger, Callable[[], Settings]]]:
    """Open the ledger and, with no system configured, start the sandbox meanwhile.

    Yields:
        The ledger, and what waits for the sandbox and gives the settings complete with where it listens.

    Raises:
        ConfigurationError: a setting is wrong.
        LedgerError: the ledger cannot be used.
    """
    with ExitStack() as stack:
        local = start_local_systems(settings) if settings.sandbox else None
        if local is not None:
            stack.callback(local.stop)
        ledger = open_ledger(database_url(settings))
        stack.callback(ledger.close)
        yield ledger, lambda: settings if local is None else local.settings(settings)


@contextmanager
def open_connection(settings: Settings) -> Iterator[Connection]:
    """Open the ledger for what concerns a login and, with no system configured, start the sandbox.

    Raises:
        ConfigurationError: a setting is missing or wrong.
        LedgerError: the ledger cannot be used.
    """
    settings.check(EXACT_LOGIN)
    with open_ledger_and_sandbox(settings) as (ledger, completed):
        complete = completed()
        tokens = token_store(ledger, complete, sandbox=settings.sandbox)
        yield Connection(complete, settings.sandbox, ledger, credentials_of(complete), tokens)
