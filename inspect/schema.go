package inspect

// schemaVersion is the PRAGMA user_version of a store this program writes.
// migrations[i] takes a store from version i to i+1; they are only ever added to.
const schemaVersion = 4

var migrations = [schemaVersion]string{
	// Rows of deliveries are written once, but for what is known of their sender
	// (since version 2). What changes lives in attempts and pins; changes says
	// which delivery to look at again, in order.
	//
	// Bodies come last so that a list never reads them. A body, and a set of
	// headers, is TEXT where it is valid UTF-8 without NUL (LIKE matches no
	// BLOB), else BLOB: the bytes are the same either way.
	//
	// There is no index besides the keys: each would cost every capture a page
	// of its own in the commit.
	//
	// An attempt's key is its delivery's id and its number in one integer
	// (see attemptKey), so that it needs no second index.
	`
CREATE TABLE deliveries (
	id           INTEGER PRIMARY KEY, -- never used again, see totals.LastID
	received_at  INTEGER NOT NULL, -- microseconds since 1970, UTC
	method       TEXT NOT NULL,
	target       TEXT NOT NULL,
	path         TEXT NOT NULL,
	host         TEXT NOT NULL,
	proto        TEXT NOT NULL,
	remote_addr  TEXT NOT NULL,
	endpoint     TEXT NOT NULL,
	content_type TEXT NOT NULL,
	size         INTEGER NOT NULL,
	truncated    INTEGER NOT NULL,
	disposition  TEXT NOT NULL,
	reason       TEXT NOT NULL,
	header       ANY NOT NULL, -- "Name: value\n" for each line, names sorted; see encodeHeader
	trailer      ANY,
	body         ANY
) STRICT;

CREATE TABLE attempts (
	key         INTEGER PRIMARY KEY, -- delivery_id << 20 | number
	session     INTEGER NOT NULL,
	trigger     TEXT NOT NULL,
	state       TEXT NOT NULL,
	started_at  INTEGER NOT NULL, -- microseconds
	duration    INTEGER NOT NULL, -- nanoseconds
	url         TEXT NOT NULL,
	status      INTEGER NOT NULL, -- 0 without a response
	size        INTEGER NOT NULL, -- of the response's body
	error       TEXT NOT NULL,
	error_kind  TEXT NOT NULL,
	protocol    TEXT NOT NULL,
	sent        INTEGER NOT NULL, -- 1: the request differed from the delivery, see the sent_ columns
	sent_method TEXT,
	sent_host   TEXT,
	sent_header ANY,              -- NULL: as delivered
	sent_body   ANY,              -- NULL: as delivered
	proto       TEXT,
	header      ANY,
	trailer     ANY,
	truncated   INTEGER,
	body        ANY
) STRICT;

CREATE TABLE pins (delivery_id INTEGER PRIMARY KEY) STRICT;

-- The deliveries that changed, or are gone, in the order of commits. The last
-- row of each commit has the totals as they are then (JSON, see totals).
CREATE TABLE changes (
	rev         INTEGER PRIMARY KEY,
	delivery_id INTEGER NOT NULL,
	totals      TEXT
) STRICT;

-- A process that makes attempts. It holds a lock on sessions/<id>.lock while it
-- lives, and takes its row away when it ends in good order.
CREATE TABLE sessions (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	pid        INTEGER NOT NULL,
	started_at INTEGER NOT NULL
) STRICT;

-- Times at which an endpoint changed its state.
CREATE TABLE endpoint_events (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	session  INTEGER NOT NULL,
	at       INTEGER NOT NULL,
	provider TEXT NOT NULL,
	state    TEXT NOT NULL,
	url      TEXT NOT NULL,
	reason   TEXT NOT NULL
) STRICT;
`,

	// What is known of providers. The tables are made anew because a column that
	// is added stands last, behind the bodies, and reading it walks through them.
	//
	// facts is the whole of a delivery's [provider.Facts]; the columns before it
	// are for searches.
	`
CREATE TABLE deliveries_2 (
	id           INTEGER PRIMARY KEY, -- never used again, see totals.LastID
	received_at  INTEGER NOT NULL, -- microseconds since 1970, UTC
	method       TEXT NOT NULL,
	target       TEXT NOT NULL,
	path         TEXT NOT NULL,
	host         TEXT NOT NULL,
	proto        TEXT NOT NULL,
	remote_addr  TEXT NOT NULL,
	endpoint     TEXT NOT NULL,
	content_type TEXT NOT NULL,
	size         INTEGER NOT NULL,
	truncated    INTEGER NOT NULL,
	disposition  TEXT NOT NULL,
	reason       TEXT NOT NULL,
	provider     TEXT NOT NULL DEFAULT '',
	event_type   TEXT NOT NULL DEFAULT '',
	event_id     TEXT NOT NULL DEFAULT '',
	signature    TEXT NOT NULL DEFAULT '',
	facts        TEXT,                -- JSON, see encodeFacts; NULL: nothing is known
	header       ANY NOT NULL, -- "Name: value\n" for each line, names sorted; see encodeHeader
	trailer      ANY,
	body         ANY
) STRICT;
INSERT INTO deliveries_2(id, received_at, method, target, path, host, proto, remote_addr, endpoint, content_type, size, truncated,
	disposition, reason, header, trailer, body)
	SELECT id, received_at, method, target, path, host, proto, remote_addr, endpoint, content_type, size, truncated,
	disposition, reason, header, trailer, body FROM deliveries ORDER BY id;
DROP TABLE deliveries;
ALTER TABLE deliveries_2 RENAME TO deliveries;

CREATE TABLE attempts_2 (
	key         INTEGER PRIMARY KEY, -- delivery_id << 20 | number
	session     INTEGER NOT NULL,
	trigger     TEXT NOT NULL,
	state       TEXT NOT NULL,
	started_at  INTEGER NOT NULL, -- microseconds
	duration    INTEGER NOT NULL, -- nanoseconds
	url         TEXT NOT NULL,
	status      INTEGER NOT NULL, -- 0 without a response
	size        INTEGER NOT NULL, -- of the response's body
	error       TEXT NOT NULL,
	error_kind  TEXT NOT NULL,
	protocol    TEXT NOT NULL,
	outlook     TEXT,             -- JSON of a [provider.Outlook]; NULL without one
	sent        INTEGER NOT NULL, -- 1: the request differed from the delivery, see the sent_ columns
	sent_method TEXT,
	sent_host   TEXT,
	sent_signed TEXT,             -- how it was signed again; or "not: " and Attempt.NotSigned
	sent_header ANY,              -- NULL: as delivered
	sent_body   ANY,              -- NULL: as delivered
	proto       TEXT,
	header      ANY,
	trailer     ANY,
	truncated   INTEGER,
	body        ANY
) STRICT;
INSERT INTO attempts_2(key, session, trigger, state, started_at, duration, url, status, size, error, error_kind, protocol,
	sent, sent_method, sent_host, sent_header, sent_body, proto, header, trailer, truncated, body)
	SELECT key, session, trigger, state, started_at, duration, url, status, size, error, error_kind, protocol,
	sent, sent_method, sent_host, sent_header, sent_body, proto, header, trailer, truncated, body FROM attempts ORDER BY key;
DROP TABLE attempts;
ALTER TABLE attempts_2 RENAME TO attempts;
`,

	// Simulations. What most deliveries and attempts do not have stands in tables
	// of its own, so that capturing one costs no more than before.
	`
CREATE TABLE origins (
	delivery_id INTEGER PRIMARY KEY,
	source      TEXT NOT NULL -- see Source; a delivery that simply arrived is not here
) STRICT;

DROP TABLE IF EXISTS simulations; -- early stores have one that nothing wrote
CREATE TABLE simulations (
	id          INTEGER PRIMARY KEY AUTOINCREMENT,
	session     INTEGER NOT NULL,
	delivery_id INTEGER NOT NULL,
	kind        TEXT NOT NULL,
	state       TEXT NOT NULL,
	verdict     TEXT NOT NULL,
	started_at  INTEGER NOT NULL, -- microseconds
	body        TEXT NOT NULL     -- JSON of the whole Simulation
) STRICT;
CREATE INDEX simulations_of ON simulations(delivery_id);

CREATE TABLE simulation_attempts (
	key        INTEGER PRIMARY KEY, -- of the attempt
	simulation INTEGER NOT NULL
) STRICT;

-- What waits to be handed to the handler.
CREATE TABLE backlog (delivery_id INTEGER PRIMARY KEY) STRICT;
`,

	// Each delivery of a simulation is linked to it, not only the one that it is
	// listed under.
	`
CREATE TABLE simulation_links (
	delivery_id INTEGER NOT NULL,
	simulation  INTEGER NOT NULL,
	PRIMARY KEY (delivery_id, simulation)
) STRICT, WITHOUT ROWID;
CREATE INDEX simulation_links_of ON simulation_links(simulation);
INSERT INTO simulation_links SELECT delivery_id, id FROM simulations;
INSERT OR IGNORE INTO simulation_links
	SELECT d.value, s.id FROM simulations s, json_each(s.body, '$.deliveries') d WHERE d.value IN (SELECT id FROM deliveries);
`,
}

// attemptNumberBits is how much of an attempt's key holds its number.
const attemptNumberBits = 20

func attemptKey(delivery int64, number int) int64 {
	return delivery<<attemptNumberBits | int64(number)
}
