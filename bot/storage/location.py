"""Where a database is: its URL, parsed."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from bot.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class SqliteAt:
    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class PostgresAt:
    """``host`` is a name, or the folder of a Unix socket; None: the client library's own default."""

    host: str | None
    port: int | None
    user: str | None
    password: str | None
    database: str | None
    ssl: str | None = None


def parse_location(url: str) -> SqliteAt | PostgresAt:
    """The database that a URL names. Raises ConfigError.

    ``sqlite:///data/afterchat.db`` is relative to the working directory, ``sqlite:////var/lib/afterchat.db``
    absolute. The query is a closed list: nothing from a config file becomes a pragma or a driver's option.

    >>> parse_location("sqlite:///data/a.db").path.as_posix()
    'data/a.db'
    >>> parse_location("postgresql://me@/feedback?host=/run/postgresql").host
    '/run/postgresql'
    """
    parts = urlsplit(url)
    match parts.scheme:
        case "sqlite":
            return _sqlite(parts.netloc, parts.path, parts.query)
        case "postgres" | "postgresql":
            return _postgres(url)
        case other:
            raise ConfigError(f"database: {other or url} is no database: write sqlite:///... or postgresql://...")


def _sqlite(netloc: str, path: str, query: str) -> SqliteAt:
    if netloc or len(path) < 2:
        raise ConfigError("database: write sqlite:///folder/file.db, or sqlite:////folder/file.db from the root")
    if query:
        raise ConfigError(f"database: sqlite:// takes no options, so not {query!r}")
    return SqliteAt(path=Path(unquote(path[1:])))


def _postgres(url: str) -> PostgresAt:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    unknown = sorted(options.keys() - {"host", "port", "user", "password", "sslmode"})
    if unknown:
        raise ConfigError(f"database: unknown option {unknown[0]!r}; known: host, port, user, password, sslmode")
    try:
        port = int(options["port"]) if "port" in options else parts.port
    except ValueError:
        raise ConfigError("database: the port is no number") from None
    return PostgresAt(
        host=options.get("host") or (unquote(parts.hostname) if parts.hostname else None),
        port=port,
        user=options.get("user") or (unquote(parts.username) if parts.username else None),
        password=options.get("password") or (unquote(parts.password) if parts.password else None),
        database=unquote(parts.path[1:]) or None,
        ssl=options.get("sslmode"),
    )
