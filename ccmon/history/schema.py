"""The tables of the index.

``files`` holds what was read of each transcript. All other rows follow from it under a scope, which
is a set of homes and a table of prices: ``accounted`` says from which version of which files.

``studies`` hold what a session has looked up: commands and searches by a seal alone, whose ``name``
stands in ``study_keys`` from the third session on that has it.
"""

SCHEMA_VERSION = 2
"""Of the tables and of what is packed in them; ``MIGRATIONS`` lead up to it from the versions
before. An index of a later one is left alone."""
QUARTER = 900
"""Seconds for which sums are kept. Every zone of today differs from UTC by whole quarters."""

_KEPT = """
CREATE TABLE homes (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);
CREATE TABLE files (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  home INTEGER NOT NULL,
  path BLOB NOT NULL,
  session TEXT NOT NULL,
  version INTEGER NOT NULL,
  gone INTEGER NOT NULL DEFAULT 0,
  device INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  malformed INTEGER NOT NULL,
  seen BLOB NOT NULL,
  UNIQUE (home, path)
);
CREATE INDEX files_of_session ON files (session, home);
"""
"""What nothing can bring back once a transcript is gone: a migration has to keep it."""

_DERIVED = """
CREATE TABLE scopes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key BLOB NOT NULL UNIQUE,
  rules TEXT NOT NULL,
  used REAL NOT NULL
);
CREATE TABLE accounted (
  scope INTEGER NOT NULL,
  file INTEGER NOT NULL,
  version INTEGER NOT NULL,
  session TEXT NOT NULL,
  PRIMARY KEY (scope, file)
) WITHOUT ROWID;
CREATE INDEX accounted_of_session ON accounted (scope, session);
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  scope INTEGER NOT NULL,
  session_id TEXT NOT NULL,
  cluster INTEGER NOT NULL,
  project TEXT NOT NULL,
  root TEXT NOT NULL,
  cwd TEXT,
  title TEXT,
  subagents INTEGER NOT NULL,
  UNIQUE (scope, session_id)
);
CREATE INDEX sessions_of_cluster ON sessions (scope, cluster);
CREATE TABLE requests (
  scope INTEGER NOT NULL,
  message_id TEXT NOT NULL,
  session INTEGER NOT NULL,
  request_id TEXT,
  thread TEXT NOT NULL,
  n INTEGER NOT NULL,
  at REAL,
  model TEXT,
  version TEXT,
  stop_reason TEXT,
  input INTEGER NOT NULL,
  written INTEGER NOT NULL,
  written_5m INTEGER NOT NULL,
  written_1h INTEGER NOT NULL,
  cached INTEGER NOT NULL,
  output INTEGER NOT NULL,
  context INTEGER NOT NULL,
  rewritten INTEGER NOT NULL,
  bust INTEGER NOT NULL,
  cost REAL,
  carry REAL,
  rewrite REAL,
  fresh REAL,
  answer REAL,
  avoidable REAL,
  lower_bound INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  on_disk INTEGER NOT NULL,
  PRIMARY KEY (scope, message_id)
);
CREATE INDEX requests_of_session ON requests (session);
CREATE TABLE sums (
  session INTEGER NOT NULL,
  model TEXT NOT NULL,
  quarter INTEGER,
  first_at REAL,
  last_at REAL,
  requests INTEGER NOT NULL,
  input INTEGER NOT NULL,
  written INTEGER NOT NULL,
  written_5m INTEGER NOT NULL,
  written_1h INTEGER NOT NULL,
  cached INTEGER NOT NULL,
  output INTEGER NOT NULL,
  cost REAL NOT NULL,
  carry REAL NOT NULL,
  rewrite REAL NOT NULL,
  fresh REAL NOT NULL,
  answer REAL NOT NULL,
  avoidable REAL NOT NULL,
  unpriced INTEGER NOT NULL,
  lower_bound INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  busts INTEGER NOT NULL,
  rewritten INTEGER NOT NULL,
  on_disk INTEGER NOT NULL
);
CREATE INDEX sums_of_session ON sums (session);
CREATE TABLE studies (
  scope INTEGER NOT NULL,
  session_id TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  at REAL NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (scope, session_id)
) WITHOUT ROWID;
CREATE TABLE study_keys (
  scope INTEGER NOT NULL,
  seal TEXT NOT NULL,
  session_id TEXT NOT NULL,
  name TEXT,
  PRIMARY KEY (scope, seal, session_id)
) WITHOUT ROWID;
CREATE INDEX study_keys_of_session ON study_keys (scope, session_id);
CREATE TRIGGER studies_of_scope AFTER DELETE ON scopes BEGIN
  DELETE FROM studies WHERE scope = OLD.id;
END;
CREATE TRIGGER keys_of_study AFTER DELETE ON studies BEGIN
  DELETE FROM study_keys WHERE scope = OLD.scope AND session_id = OLD.session_id;
END;
CREATE TRIGGER names_of_keys AFTER DELETE ON study_keys BEGIN
  UPDATE study_keys SET name = NULL WHERE scope = OLD.scope AND seal = OLD.seal
    AND (SELECT COUNT(*) FROM study_keys WHERE scope = OLD.scope AND seal = OLD.seal) < 3;
END;
"""

SCHEMA = _KEPT + _DERIVED

MIGRATIONS = {
    1: "".join(
        f"DROP TABLE IF EXISTS {table};"
        for table in ("scopes", "accounted", "sessions", "requests", "sums", "studies")
    )
    + _DERIVED
}
"""From each older version to the next: what follows from the files is made anew."""
