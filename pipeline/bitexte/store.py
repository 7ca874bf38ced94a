"""One SQLite file: finished articles, translations to use again, and what failed.

The driver alone writes it, and holds a lock while it does; others may read meanwhile. What is
done is a committed row: a run killed at any moment goes on from there.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from unicodedata import normalize

from bitexte.errors import BitexteError, Failure, InputError, OutputError
from bitexte.records import Article, Bitext, Links, Pair, Suggestion, Translation

# "bitx": so that a file of another program is told from a store.
APPLICATION = 0x62697478
CACHE_KIB = 16_384
# Another program may be looking into the file: so long it may keep us waiting.
BUSY_SECONDS = 10

# Append only: the number of those applied is the store's version.
MIGRATIONS = (
    """
    CREATE TABLE signature (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE article (
        row INTEGER PRIMARY KEY, id TEXT NOT NULL,
        signature INTEGER NOT NULL REFERENCES signature, name TEXT NOT NULL, title TEXT NOT NULL,
        text TEXT NOT NULL, lang TEXT NOT NULL, target_lang TEXT NOT NULL, meta TEXT NOT NULL,
        done_at TEXT NOT NULL, UNIQUE (id, signature)
    ) STRICT;
    CREATE TABLE pair (
        article INTEGER NOT NULL REFERENCES article ON DELETE CASCADE, idx INTEGER NOT NULL,
        record TEXT NOT NULL, PRIMARY KEY (article, idx)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE memory (
        row INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, source TEXT NOT NULL,
        target TEXT NOT NULL, logprob REAL NOT NULL, tokens INTEGER NOT NULL,
        linker TEXT NOT NULL, links TEXT NOT NULL
    ) STRICT;
    CREATE TABLE run (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
        signature INTEGER NOT NULL REFERENCES signature, command TEXT NOT NULL,
        settings TEXT NOT NULL, started_at TEXT NOT NULL, ended_at TEXT
    ) STRICT;
    CREATE TABLE item (
        run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, name TEXT NOT NULL,
        article INTEGER REFERENCES article ON DELETE SET NULL,
        message TEXT, hint TEXT, code INTEGER, PRIMARY KEY (run, name)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX item_article ON item (article);
    CREATE TABLE import (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, langs TEXT NOT NULL,
        sha256 TEXT NOT NULL, units INTEGER NOT NULL, at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE unit (
        key BLOB NOT NULL, import INTEGER NOT NULL REFERENCES import ON DELETE CASCADE,
        source TEXT NOT NULL, target TEXT NOT NULL, changed TEXT NOT NULL,
        PRIMARY KEY (key, import)
    ) STRICT;
    """,
    # One file may give units of several pairs of languages; nobody read item.code.
    """
    ALTER TABLE unit RENAME TO old_unit;
    ALTER TABLE import RENAME TO old_import;
    CREATE TABLE import (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, langs TEXT NOT NULL,
        sha256 TEXT NOT NULL, units INTEGER NOT NULL, at TEXT NOT NULL, UNIQUE (name, langs)
    ) STRICT;
    CREATE TABLE unit (
        key BLOB NOT NULL, import INTEGER NOT NULL REFERENCES import ON DELETE CASCADE,
        source TEXT NOT NULL, target TEXT NOT NULL, changed TEXT NOT NULL,
        PRIMARY KEY (key, import)
    ) STRICT;
    INSERT INTO import SELECT * FROM old_import;
    INSERT INTO unit SELECT * FROM old_unit;
    DROP TABLE old_unit;
    DROP TABLE old_import;
    ALTER TABLE item DROP COLUMN code;
    """,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as the store knows it; `failures` are those of the last time it was given."""

    id: int
    name: str
    signature: str
    command: str
    settings: Mapping[str, Any]
    started_at: str
    ended_at: str | None
    articles: int
    done: int
    failed: int
    sentences: int

    @property
    def pending(self) -> int:
        """Count the texts that are neither done nor failed."""
        return self.articles - self.done - self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """A file of translation units that was imported; `langs` is `fr-en`."""

    name: str
    langs: str
    units: int
    at: str


@contextmanager
def opened(path: Path, write: bool = True) -> Iterator["Store"]:
    """Open a store, made if need be; without `write`, only to read, beside a run that goes on.

    Raises OutputError for a store that cannot be opened or written, is damaged, locked by another
    run or made by a newer bitexte, and InputError where there is none to read. Whatever SQLite
    raises inside the block becomes an OutputError, too; what was committed before stays.
    """
    try:
        if not write:
            with _connected(path, f"{path.absolute().as_uri()}?{_reading(path)}") as database:
                database.execute("BEGIN")  # all that is read is of one moment
                yield Store(database)
            return
        with _locked(path), _connected(path, path.absolute().as_uri()) as database:
            _migrate(database)
            yield Store(database)
    except sqlite3.Error as error:
        raise _explained(path, error) from error


def _reading(path: Path) -> str:
    """Say how SQLite has to open a file to read it; on a read-only disk it can make no index."""
    still = not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists()
    return "mode=ro&immutable=1" if still else "mode=ro"


@contextmanager
def blank() -> Iterator["Store"]:
    """Open a store in memory, which is gone when the block ends."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    _set_up(database)
    _migrate(database)
    yield Store(database)
    database.close()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other runs out; the system lets go of the lock when we end, however we end."""
    from filelock import FileLock, Timeout

    lock = FileLock(f"{path}.lock", timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise OutputError(
            f"{path}: in use by another run of bitexte",
            "wait until it ends, or keep this run apart with --store",
        ) from None
    except OSError as error:
        raise OutputError(
            f"{path}: cannot write: {error.strerror or error}",
            "choose another file with --store, or another folder with --out",
        ) from error
    try:
        yield
    finally:
        lock.release()


def is_there(path: Path) -> bool:
    """Tell a store from none, and from the empty file that others may have made in its place."""
    return path.exists() and not (path.is_file() and path.stat().st_size == 0)


def require(path: Path) -> None:
    """Raise InputError where there is no store yet."""
    if not is_there(path):
        raise InputError(f"{path}: no store", "`bitexte run` makes one; or name it with --store")


@contextmanager
def _connected(path: Path, address: str) -> Iterator[sqlite3.Connection]:
    if "mode=ro" in address:
        require(path)
    database = sqlite3.connect(address, uri=True, isolation_level=None, timeout=BUSY_SECONDS)
    try:
        _set_up(database)
        _check(path, database)
        yield database
    finally:
        database.close()


def _set_up(database: sqlite3.Connection) -> None:
    # Names of files need not be UTF-8: what stands for a stray byte passes through.
    database.text_factory = lambda data: data.decode("utf-8", "surrogatepass")
    database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    database.execute("PRAGMA foreign_keys = ON")


def _check(path: Path, database: sqlite3.Connection) -> None:
    """Refuse what is no store, and what a newer bitexte made."""
    [version] = database.execute("PRAGMA user_version").fetchone()
    [application] = database.execute("PRAGMA application_id").fetchone()
    [tables] = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION and tables:
        raise OutputError(
            f"{path}: a SQLite file of another program", "choose another file with --store"
        )
    if version > len(MIGRATIONS):
        raise OutputError(
            f"{path}: made by a newer bitexte (store version {version}, known: {len(MIGRATIONS)})",
            "upgrade bitexte, or choose another file with --store",
        )


def _migrate(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode = WAL")
    # A commit is on the disk, power cut or not; there is one a window.
    database.execute("PRAGMA synchronous = FULL")
    [version] = database.execute("PRAGMA user_version").fetchone()
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        marks = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {number}"
        database.executescript(f"BEGIN; {script}; {marks}; COMMIT")


def _explained(path: Path, error: sqlite3.Error) -> BitexteError:
    """Say what SQLite's error means for who runs bitexte."""
    name = getattr(error, "sqlite_errorname", "") or ""
    for code, (what, cure) in _TROUBLES.items():
        if name.startswith(code):
            return OutputError(f"{path}: {what}", cure)
    return OutputError(f"{path}: {error}", "choose another file with --store")


_SAVED = "what was done is saved; free some space, and give the same command again"
_TROUBLES = {
    "SQLITE_FULL": ("no space left on the disk", _SAVED),
    "SQLITE_IOERR": ("the disk fails, or has no space left", _SAVED),
    "SQLITE_NOTADB": (
        "not a store: not a SQLite file",
        "choose another file with --store; this one was left as it is",
    ),
    "SQLITE_CORRUPT": (
        "damaged",
        "move it away and give the same command again; `sqlite3 FILE .recover` may save it",
    ),
    "SQLITE_BUSY": ("locked by another program", "close that program, or wait until it is done"),
    "SQLITE_READONLY": ("cannot write", "choose another file with --store, or folder with --out"),
    "SQLITE_CANTOPEN": ("cannot open", "choose another file with --store, or folder with --out"),
}


class Store:
    """An open store. Every method that writes does so in one transaction."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:  # SQLite rolls back by itself when the disk is full
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # ---- runs

    def begin(
        self,
        name: str,
        signature: str,
        names: Iterable[str],
        now: str,
        command: str = "",
        settings: Mapping[str, Any] | None = None,
    ) -> int:
        """Open the run `name` over the texts `names`; return its number.

        What it had done under the same signature stays done, what had failed is pending again.
        """
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO signature (text) VALUES (?)", (signature,))
            [mark] = self._one("SELECT id FROM signature WHERE text = ?", signature)
            [run] = self._one(
                "INSERT INTO run (name, signature, command, settings, started_at)"
                " VALUES (CAST(?1 AS TEXT), ?2, CAST(?3 AS TEXT), CAST(?4 AS TEXT), ?5)"
                " ON CONFLICT (name) DO UPDATE SET signature = ?2, command = CAST(?3 AS TEXT),"
                " settings = CAST(?4 AS TEXT), started_at = ?5, ended_at = NULL RETURNING id",
                *(_bytes(name), mark, _bytes(command), _bytes(_json(settings or {})), now),
            )
            self._db.execute("CREATE TEMP TABLE wanted (name TEXT PRIMARY KEY) WITHOUT ROWID")
            self._db.executemany(
                "INSERT OR IGNORE INTO wanted VALUES (CAST(? AS TEXT))",
                ((_bytes(one),) for one in names),
            )
            self._db.execute(
                "DELETE FROM item WHERE run = ? AND name NOT IN (SELECT name FROM wanted)", (run,)
            )
            self._db.execute(
                "UPDATE item SET article = NULL WHERE run = ?1 AND article NOT IN"
                " (SELECT row FROM article WHERE signature = ?2)",
                (run, mark),
            )
            self._db.execute(
                "UPDATE item SET message = NULL, hint = NULL WHERE run = ? AND message IS NOT NULL",
                (run,),
            )
            self._db.execute(
                "INSERT OR IGNORE INTO item (run, name) SELECT ?, name FROM wanted", (run,)
            )
            self._db.execute("DROP TABLE wanted")
        return int(run)

    def finished(self, signature: str, articles: Mapping[str, str]) -> dict[str, int]:
        """Find the texts that are done already under a signature: their names, and their rows.

        `articles` gives the article's id for each name; a text that has changed since has another.
        """
        found = {}
        for name, identity in articles.items():
            row = self._one(
                "SELECT row FROM article JOIN signature ON signature.id = article.signature"
                " WHERE article.id = ? AND signature.text = ?",
                *(identity, signature),
            )
            if row:
                found[name] = int(row[0])
        return found

    def mark(self, run: int, rows: Mapping[str, int | None]) -> None:
        """Mark texts of a run as done by these rows, or as pending again."""
        with self._transaction():
            self._db.executemany(
                "UPDATE item SET article = ?1 WHERE run = ?2 AND name = CAST(?3 AS TEXT)"
                " AND article IS NOT ?1",
                ((row, run, _bytes(name)) for name, row in rows.items()),
            )

    def save(
        self,
        run: int,
        done: Iterable[Bitext | Failure],
        now: str,
        engine: str = "",
        linker: str = "",
        translations: Mapping[str, Translation] | None = None,
    ) -> None:
        """Keep what a window gave: bitexts and failures, and translations to use again."""
        with self._transaction():
            for text, translation in (translations or {}).items():
                self._remember(engine, linker, text, translation)
            for one in done:
                if isinstance(one, Failure):
                    self._fail(run, one)
                else:
                    self._finish(run, one, now)

    def end(self, run: int, now: str) -> None:
        """Close a run, and drop articles that no run has any more."""
        with self._transaction():
            self._db.execute("UPDATE run SET ended_at = ? WHERE id = ?", (now, run))
            self._db.execute(
                "DELETE FROM article WHERE NOT EXISTS"
                " (SELECT 1 FROM item WHERE item.article = article.row)"
            )

    def runs(self, name: str = "") -> list[Run]:
        """List the runs, or the one named, the latest first."""
        rows = self._db.execute(
            "SELECT run.id, run.name, signature.text, command, settings, started_at, ended_at,"
            " (SELECT count(*) FROM item WHERE run = run.id),"
            " (SELECT count(article) FROM item WHERE run = run.id),"
            " (SELECT count(message) FROM item WHERE run = run.id),"
            " (SELECT count(*) FROM item JOIN pair USING (article) WHERE run = run.id)"
            " FROM run JOIN signature ON signature.id = run.signature"
            " WHERE ?1 = '' OR run.name = CAST(?2 AS TEXT) ORDER BY started_at DESC, run.id DESC",
            (name and "named", _bytes(name)),
        )
        names = [field.name for field in fields(Run)]
        found = (dict(zip(names, row, strict=True)) for row in rows)
        return [Run(**{**row, "settings": json.loads(row["settings"])}) for row in found]

    def failures(self, run: int) -> Iterator[tuple[str, str, str]]:
        """List the name, message and hint of each text that failed, by name."""
        yield from self._db.execute(
            "SELECT name, message, hint FROM item WHERE run = ? AND message IS NOT NULL"
            " ORDER BY name",
            (run,),
        )

    def texts(self, run: int) -> Iterator[tuple[str, str]]:
        """List the id and the name of each article that a run has done, by name."""
        yield from self._db.execute(
            "SELECT article.id, item.name FROM item JOIN article ON article.row = item.article"
            " WHERE item.run = ? ORDER BY item.name",
            (run,),
        )

    def bitexts(self, run: int) -> "Corpus":
        """Return what a run has done, ordered by name; read anew each time it is gone through."""
        return Corpus(self._db, run)

    # ---- translations to use again

    def recall(self, engine: str, linker: str, texts: Iterable[str]) -> dict[str, Translation]:
        """Find sentences that this engine has translated before.

        `links` is None where another linker, or none, has looked at them.
        """
        found = {}
        for text in texts:
            row = self._db.execute(
                "SELECT target, logprob, tokens, links, linker FROM memory WHERE key = ?",
                (_key(engine, text),),
            ).fetchone()
            if row:
                links = _links(row[3]) if linker and row[4] == linker else None
                found[text] = Translation(text=row[0], logprob=row[1], tokens=row[2], links=links)
        return found

    def learn(self, name: str, langs: str, units: Iterable[tuple[str, str, str]], now: str) -> int:
        """Import translation units (source, target, date of change); return how many there are.

        A file of the same name replaces what it gave these languages before. Of two units with one
        source, the one changed last counts, then the one that stands later in the file. Raises
        InputError where there is no unit; what was there stays.
        """
        total = hashlib.sha256()
        with self._transaction():
            self._db.execute(
                "DELETE FROM import WHERE name = CAST(? AS TEXT) AND langs = ?",
                (_bytes(name), langs),
            )
            [number] = self._one(
                "INSERT INTO import (name, langs, sha256, units, at)"
                " VALUES (CAST(? AS TEXT), ?, '', 0, ?) RETURNING id",
                *(_bytes(name), langs, now),
            )
            self._db.executemany(
                "INSERT INTO unit VALUES (?, ?, CAST(? AS TEXT), CAST(? AS TEXT), ?)"
                " ON CONFLICT DO UPDATE SET source = excluded.source, target = excluded.target,"
                " changed = excluded.changed WHERE excluded.changed >= changed",
                (
                    (_unit_key(langs, source), number, _bytes(source), _bytes(target), changed)
                    for source, target, changed in _summed(units, total)
                ),
            )
            [count] = self._one("SELECT count(*) FROM unit WHERE import = ?", number)
            if not count:
                raise InputError(
                    f"{name}: no unit of {langs} in it",
                    "name its languages: --source-lang, --target-lang",
                )
            self._db.execute(
                "UPDATE import SET units = ?, sha256 = ? WHERE id = ?",
                (count, total.hexdigest(), number),
            )
        return int(count)

    def forget(self, name: str) -> bool:
        """Drop what a file gave; return False if it gave nothing."""
        with self._transaction():
            gone = self._db.execute(
                "DELETE FROM import WHERE name = CAST(? AS TEXT)", (_bytes(name),)
            )
            return gone.rowcount > 0

    def imports(self) -> list[Import]:
        """List the files imported, in the order in which they were."""
        rows = self._db.execute("SELECT name, langs, units, at FROM import ORDER BY id")
        return [Import(name=row[0], langs=row[1], units=row[2], at=row[3]) for row in rows]

    def digest(self, langs: str) -> str:
        """Name what was imported for a pair of languages, as signatures do; empty if nothing."""
        rows = self._db.execute("SELECT sha256 FROM import WHERE langs = ? ORDER BY id", (langs,))
        listing = "\n".join(row[0] for row in rows)
        return hashlib.sha256(listing.encode()).hexdigest()[:8] if listing else ""

    def match(self, langs: str, text: str) -> str | None:
        """Return the imported translation of a sentence; of several files, the last one's."""
        row = self._db.execute(
            "SELECT target FROM unit WHERE key = ? ORDER BY import DESC LIMIT 1",
            (_unit_key(langs, text),),
        ).fetchone()
        return row[0] if row else None

    def units(self, langs: str) -> Iterator[tuple[str, str]]:
        """List the source and target of the units that count, by source."""
        # SQLite takes the other columns from the row that has the greatest import.
        rows = self._db.execute(
            "SELECT source, target, max(unit.import) FROM unit"
            " JOIN import ON import.id = unit.import"
            " WHERE langs = ? GROUP BY key ORDER BY source, target",
            (langs,),
        )
        yield from ((source, target) for source, target, _ in rows)

    def sizes(self) -> dict[str, int]:
        """Count what there is to use again."""
        tables = {"translations": "memory", "units": "unit"}
        return {
            what: self._one(f"SELECT count(*) FROM {table}")[0] for what, table in tables.items()
        }

    # ---- rows

    def _one(self, sql: str, *values: Any) -> Any:
        return self._db.execute(sql, values).fetchone()

    def _remember(self, engine: str, linker: str, text: str, known: Translation) -> None:
        links = "" if known.links is None else _json(known.links)
        self._db.execute(
            "INSERT INTO memory (key, source, target, logprob, tokens, linker, links)"
            " VALUES (?, CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET linker = excluded.linker, links = excluded.links"
            " WHERE excluded.links <> '' AND excluded.target = target",
            (
                *(_key(engine, text), _bytes(text), _bytes(known.text), known.logprob),
                *(known.tokens, linker if links else "", links),
            ),
        )

    def _fail(self, run: int, failure: Failure) -> None:
        error = failure.error
        self._db.execute(
            "UPDATE item SET article = NULL, message = CAST(? AS TEXT), hint = CAST(? AS TEXT)"
            " WHERE run = ? AND name = CAST(? AS TEXT)",
            (_bytes(error.message), _bytes(error.hint), run, _bytes(failure.name)),
        )

    def _finish(self, run: int, bitext: Bitext, now: str) -> None:
        article = bitext.article
        [mark] = self._one("SELECT id FROM signature WHERE text = ?", bitext.signature)
        self._db.execute("DELETE FROM article WHERE id = ? AND signature = ?", (article.id, mark))
        [row] = self._one(
            "INSERT INTO article (id, signature, name, title, text, lang, target_lang, meta,"
            " done_at) VALUES (?, ?, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), ?, ?,"
            " CAST(? AS TEXT), ?) RETURNING row",
            *(article.id, mark, *map(_bytes, (article.name, article.title, article.text))),
            *(article.lang, bitext.target_lang, _bytes(_json(dict(article.meta))), now),
        )
        self._db.executemany(
            "INSERT INTO pair VALUES (?, ?, CAST(? AS TEXT))",
            ((row, index, _record(pair)) for index, pair in enumerate(bitext.pairs)),
        )
        self._db.execute(
            "UPDATE item SET article = ?, message = NULL, hint = NULL"
            " WHERE run = ? AND name = CAST(? AS TEXT)",
            (row, run, _bytes(article.name)),
        )


class Corpus:
    """The bitexts of a run in the order of their names, one in memory at a time."""

    def __init__(self, database: sqlite3.Connection, run: int) -> None:
        self._db = database
        self._run = run

    def __iter__(self) -> Iterator[Bitext]:
        rows = self._db.execute(
            "SELECT article.row, article.id, article.name, article.title, article.text,"
            " article.lang, article.meta, article.target_lang, signature.text"
            " FROM item JOIN article ON article.row = item.article"
            " JOIN signature ON signature.id = article.signature"
            " WHERE item.run = ? ORDER BY item.name",
            (self._run,),
        )
        for row, identity, name, title, text, lang, meta, target_lang, signature in rows:
            article = Article(
                id=identity, name=name, title=title, text=text, lang=lang, meta=json.loads(meta)
            )
            records = self._db.execute(
                "SELECT record FROM pair WHERE article = ? ORDER BY idx", (row,)
            )
            pairs = tuple(_pair(record) for (record,) in records)
            yield Bitext(article=article, pairs=pairs, signature=signature, target_lang=target_lang)


_FIELDS = [field.name for field in fields(Pair)]
_SUGGESTION = [field.name for field in fields(Suggestion)]


def _record(pair: Pair) -> bytes:
    # As asdict() would, without its copies of every link.
    record = {name: getattr(pair, name) for name in _FIELDS}
    record["suggestions"] = [
        {name: getattr(one, name) for name in _SUGGESTION} for one in pair.suggestions
    ]
    return _bytes(_json(record))


def _pair(record: str) -> Pair:
    row = json.loads(record)
    row["bead"] = tuple(row["bead"])
    row["links"] = tuple(map(tuple, row["links"]))
    row["flags"] = tuple(row["flags"])
    row["suggestions"] = tuple(Suggestion(**one) for one in row["suggestions"])
    return Pair(**row)


def _summed(
    units: Iterable[tuple[str, str, str]], total: "hashlib._Hash"
) -> Iterator[tuple[str, str, str]]:
    """Let units through, summed up: the file may hold others, that were left out."""
    for unit in units:
        total.update(_bytes("\0".join([*unit, ""])))
        yield unit


def _links(text: str) -> Links:
    return tuple((source, target) for source, target in json.loads(text))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _key(engine: str, text: str) -> bytes:
    return hashlib.sha256(_bytes(f"{engine}\0{text}")).digest()[:16]


def _unit_key(langs: str, text: str) -> bytes:
    """Make the key under which a unit is found: what differs in white space only is the same."""
    return _key(langs, " ".join(normalize("NFC", text).split()))
