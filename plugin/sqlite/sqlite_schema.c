#include "plugin/sqlite/sqlite_schema.h"

#include <stdio.h>

#include "plugin/sqlite/sqlite_db.h"

static const char first_schema[] = "CREATE TABLE meta ("
                                   " one INTEGER PRIMARY KEY CHECK (one = 1),"
                                   " epoch INTEGER NOT NULL,"
                                   " boot INTEGER NOT NULL,"
                                   " fence INTEGER NOT NULL) STRICT;"

                                   "CREATE TABLE conversation ("
                                   " cid INTEGER PRIMARY KEY,"
                                   " id BLOB NOT NULL UNIQUE,"
                                   " scope BLOB NOT NULL,"
                                   " floor INTEGER NOT NULL,"
                                   " about_seq INTEGER NOT NULL,"
                                   " retention_days INTEGER NOT NULL,"
                                   " title BLOB NOT NULL,"
                                   " context BLOB NOT NULL) STRICT;" /* last: a row is read up to what is asked for */
                                   "CREATE INDEX conversation_scope ON conversation (scope);"

                                   "CREATE TABLE event ("
                                   " key INTEGER PRIMARY KEY," /* cid << 36 | first */
                                   " last INTEGER NOT NULL,"
                                   " msgs INTEGER NOT NULL,"
                                   " at INTEGER NOT NULL,"
                                   " events BLOB NOT NULL) STRICT;"

                                   "CREATE TABLE member ("
                                   " cid INTEGER NOT NULL,"
                                   " user BLOB NOT NULL,"
                                   " scope BLOB NOT NULL,"
                                   " role INTEGER NOT NULL,"
                                   " active INTEGER NOT NULL,"
                                   " joined INTEGER NOT NULL,"
                                   " from_seq INTEGER NOT NULL,"
                                   " read_msgs INTEGER NOT NULL,"
                                   " change INTEGER NOT NULL,"
                                   " PRIMARY KEY (cid, user)) STRICT, WITHOUT ROWID;"
                                   /* None of these holds read_msgs, so that the one hot update of this table stays in its own leaf. */
                                   "CREATE INDEX member_conv ON member (user, cid) WHERE active = 1;"
                                   "CREATE INDEX member_scope ON member (user, scope, change, role) WHERE active = 1;"
                                   "CREATE INDEX member_change ON member (change);"

                                   "CREATE TABLE device ("
                                   " did INTEGER PRIMARY KEY,"
                                   " id BLOB NOT NULL UNIQUE,"
                                   " user BLOB NOT NULL) STRICT;"

                                   "CREATE TABLE answers ("
                                   " key INTEGER PRIMARY KEY," /* did << 36 | first */
                                   " last INTEGER NOT NULL,"
                                   " at INTEGER NOT NULL,"
                                   " rows BLOB NOT NULL) STRICT;";

/*
 * Changing, receipts, people, timers. A column can only be added at the end, and only that leaves a database of any size as it is: so the
 * chain stands after the events, and that at the floor after the context. A run of before has none and loads as zeros; the chain of its
 * conversation begins at zero after it.
 */
static const char second_schema[] = "ALTER TABLE event ADD COLUMN chain BLOB NOT NULL DEFAULT x'';"
                                    "ALTER TABLE conversation ADD COLUMN floor_chain BLOB NOT NULL DEFAULT x'';"
                                    /* bytes that are gone may still lie in the file: 1 of runs, 2 of the trunk alone (sqlite_scrub.c) */
                                    "ALTER TABLE meta ADD COLUMN scrub INTEGER NOT NULL DEFAULT 0;"

                                    "CREATE TABLE receipt ("
                                    " cid INTEGER NOT NULL,"
                                    " user BLOB NOT NULL,"
                                    " delivered INTEGER NOT NULL,"
                                    " read INTEGER NOT NULL,"
                                    " shown_delivered INTEGER NOT NULL,"
                                    " shown_read INTEGER NOT NULL,"
                                    " PRIMARY KEY (cid, user)) STRICT, WITHOUT ROWID;"

                                    /* first and at are of the first advance of the row, pairs tell of those that follow (sqlite_advance.c) */
                                    "CREATE TABLE advance ("
                                    " cid INTEGER NOT NULL,"
                                    " user BLOB NOT NULL,"
                                    " kind INTEGER NOT NULL,"
                                    " first INTEGER NOT NULL,"
                                    " at INTEGER NOT NULL,"
                                    " pairs BLOB NOT NULL,"
                                    " PRIMARY KEY (cid, user, kind, first)) STRICT, WITHOUT ROWID;"

                                    "CREATE TABLE target ("
                                    " key INTEGER PRIMARY KEY," /* cid << 36 | seq */
                                    " version INTEGER NOT NULL,"
                                    " body_at INTEGER NOT NULL,"
                                    " state INTEGER NOT NULL) STRICT;"

                                    "CREATE TABLE confirm ("
                                    " cid INTEGER NOT NULL,"
                                    " seq INTEGER NOT NULL,"
                                    " user BLOB NOT NULL,"
                                    " at INTEGER NOT NULL,"
                                    " PRIMARY KEY (cid, seq, user)) STRICT, WITHOUT ROWID;"

                                    "CREATE TABLE person ("
                                    " user BLOB NOT NULL PRIMARY KEY,"
                                    " open INTEGER NOT NULL," /* first: what the broker's thread asks for */
                                    " last_seen INTEGER NOT NULL,"
                                    " status_until INTEGER NOT NULL,"
                                    " version INTEGER NOT NULL,"
                                    " status BLOB NOT NULL,"
                                    " policy BLOB NOT NULL) STRICT, WITHOUT ROWID;"

                                    "CREATE TABLE timer ("
                                    " kind INTEGER NOT NULL,"
                                    " owner BLOB NOT NULL,"
                                    " seq INTEGER NOT NULL,"
                                    " version INTEGER NOT NULL,"
                                    " due INTEGER NOT NULL,"
                                    " PRIMARY KEY (kind, owner, seq)) STRICT, WITHOUT ROWID;"
                                    "CREATE INDEX timer_due ON timer (due, kind, owner, seq);";

/*
 * The trunk. A record's key is lane << 60 | number: what is taken is put at the end of its lane, what has been dropped is a range at its
 * beginning. lane.dropped is what makes the next number known when nothing is left. A branch keeps its id when it is saved again: ids
 * ascend in the order in which branches were taken. The indexes of open ones are as long as what waits, not as what ever was.
 */
static const char third_schema[] = "CREATE TABLE record ("
                                   " key INTEGER PRIMARY KEY,"
                                   " at INTEGER NOT NULL,"
                                   " boot INTEGER NOT NULL,"
                                   " mono_ms INTEGER NOT NULL,"
                                   " record BLOB NOT NULL) STRICT;"

                                   "CREATE TABLE lane ("
                                   " lane INTEGER PRIMARY KEY,"
                                   " dropped INTEGER NOT NULL) STRICT;" /* the highest number that has been */

                                   "CREATE TABLE branch ("
                                   " id INTEGER PRIMARY KEY,"
                                   " device BLOB NOT NULL,"
                                   " n INTEGER NOT NULL,"
                                   " cid INTEGER NOT NULL,"
                                   " lane INTEGER NOT NULL,"
                                   " number INTEGER NOT NULL,"
                                   " settled INTEGER NOT NULL,"
                                   " seq INTEGER NOT NULL,"
                                   " code INTEGER NOT NULL,"
                                   " at INTEGER NOT NULL,"
                                   " event BLOB NOT NULL,"
                                   " UNIQUE (device, n)) STRICT;"
                                   "CREATE INDEX branch_record ON branch (lane, number);"
                                   "CREATE INDEX branch_open_conv ON branch (cid) WHERE settled = 0;"
                                   "CREATE INDEX branch_open_device ON branch (device) WHERE settled = 0;"
                                   "CREATE INDEX branch_settled ON branch (at) WHERE settled = 1;"

                                   "CREATE TABLE peer ("
                                   " relay BLOB NOT NULL PRIMARY KEY,"
                                   " epoch INTEGER NOT NULL,"
                                   " have BLOB NOT NULL," /* of lanes 0 to 3, 8 bytes each, most significant first */
                                   " acked BLOB NOT NULL) STRICT, WITHOUT ROWID;"

                                   "CREATE TABLE held ("
                                   " relay BLOB NOT NULL,"
                                   " cid INTEGER NOT NULL,"
                                   " seq INTEGER NOT NULL,"
                                   " receipts INTEGER NOT NULL,"
                                   " about INTEGER NOT NULL,"
                                   " PRIMARY KEY (relay, cid)) STRICT, WITHOUT ROWID;";

/*
 * The archive: the runs of a segment are not in event but in the file of this name. Names in segment_gone are of files that no segment needs: not
 * finished yet, or no longer wanted; what is found of them is erased.
 */
static const char fourth_schema[] = "CREATE TABLE segment ("
                                    " key INTEGER PRIMARY KEY," /* cid << 36 | first */
                                    " last INTEGER NOT NULL,"
                                    " msgs INTEGER NOT NULL,"
                                    " at INTEGER NOT NULL,"
                                    " runs INTEGER NOT NULL,"
                                    " bytes INTEGER NOT NULL,"
                                    " sha256 BLOB NOT NULL,"
                                    " chain BLOB NOT NULL,"
                                    " name BLOB NOT NULL) STRICT;"

                                    "CREATE TABLE segment_gone (name BLOB NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;";

static const char *const migrations[] = {
    first_schema,
    second_schema,
    third_schema,
    fourth_schema,
};

struct sqlite_schema sqlite_schema_current(void)
{
    return (struct sqlite_schema){.migrations = migrations, .count = (int)(sizeof migrations / sizeof migrations[0])};
}

enum fp_err sqlite_schema_check(sqlite3 *db, struct sqlite_schema schema)
{
    int64_t application = 0;
    int64_t version = 0;

    int rc = sqlite_number(db, "PRAGMA application_id", &application);
    if (rc == SQLITE_OK) {
        rc = sqlite_number(db, "PRAGMA user_version", &version);
    }
    if (rc != SQLITE_OK) {
        return sqlite_err(db, rc);
    }
    if (application != SQLITE_SCHEMA_APPLICATION || version < 1) {
        return FP_ECORRUPT;
    }
    return version > schema.count ? FP_EVERSION : FP_OK;
}

static int migrate_one(sqlite3 *db, const char *sql, int version)
{
    char stamp[96];

    (void)snprintf(stamp, sizeof stamp, "PRAGMA application_id=%d; PRAGMA user_version=%d", SQLITE_SCHEMA_APPLICATION, version);
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(db, stamp, NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    }
    if (rc != SQLITE_OK && !sqlite3_get_autocommit(db)) {
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL); /* the first error is the one to tell */
    }
    return rc;
}

enum fp_err sqlite_schema_migrate(sqlite3 *db, struct sqlite_schema schema)
{
    int64_t version = 0;
    int rc = sqlite_number(db, "PRAGMA user_version", &version);

    for (int i = (int)version; rc == SQLITE_OK && i < schema.count; i++) {
        rc = migrate_one(db, schema.migrations[i], i + 1);
    }
    return sqlite_err(db, rc);
}
