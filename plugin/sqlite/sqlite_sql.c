#include "plugin/sqlite/sqlite_sql.h"

#define KEY_MAX "68719476735" /* 2^36 - 1, see sqlite_schema.h */

/* The order in which sqlite_conv.c reads a conversation; the last run comes along, so that nothing is stored twice. */
#define CONV_COLUMNS "c.cid, c.id, c.scope, c.floor, c.about_seq, c.retention_days, e.last, e.msgs, e.at, e.chain, c.floor_chain"
#define LAST_RUN " LEFT JOIN event e ON e.key = (SELECT max(key) FROM event WHERE key BETWEEN (c.cid << 36) AND ((c.cid << 36) | " KEY_MAX "))"

/* The order in which sqlite_member.c reads a member. */
#define MEMBER_COLUMNS "m.cid, m.user, m.scope, m.role, m.active, m.joined, m.from_seq, m.read_msgs, m.change"

/* The order in which sqlite_receipts.c reads a receipt. */
#define RECEIPT_COLUMNS "r.cid, r.user, r.delivered, r.read, r.shown_delivered, r.shown_read"

/* The order in which sqlite_branch.c reads a branch. */
#define BRANCH_COLUMNS "device, n, cid, lane, number, settled, seq, code, at, event"

const char *const sqlite_sql_store[SQL_STORE_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_FENCE] = "UPDATE meta SET fence = fence + 1 WHERE one = 1",
    [SQL_BOOT] = "UPDATE meta SET boot = boot + 1 WHERE one = 1 RETURNING epoch, boot, scrub",
    [SQL_EPOCH] = "UPDATE meta SET epoch = ?1 WHERE one = 1",
    [SQL_CHANGE] = "SELECT change FROM member ORDER BY change DESC LIMIT 1",

    [SQL_CONV] = "SELECT " CONV_COLUMNS " FROM conversation c" LAST_RUN " WHERE c.id = ?1",
    [SQL_CONV_EXISTS] = "SELECT 1 FROM conversation WHERE cid = ?1",
    [SQL_CONV_FLOOR] = "SELECT floor FROM conversation WHERE cid = ?1",
    [SQL_CONV_INSERT] = "INSERT INTO conversation (id, scope, floor, about_seq, retention_days, title, context, floor_chain)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [SQL_CONV_UPDATE] = "UPDATE conversation SET floor = ?2, about_seq = ?3, retention_days = ?4, title = ifnull(?5, title),"
                        " context = ifnull(?6, context), floor_chain = ?7 WHERE cid = ?1",
    [SQL_ABOUT] = "SELECT title, context FROM conversation WHERE cid = ?1",
    [SQL_CONVS] = "SELECT " CONV_COLUMNS " FROM conversation c" LAST_RUN " WHERE c.cid > ?1 ORDER BY c.cid LIMIT ?2",
    [SQL_CONVS_IN] = "SELECT " CONV_COLUMNS " FROM conversation c INDEXED BY conversation_scope" LAST_RUN
                     " WHERE c.scope = ?1 AND c.cid > ?2 ORDER BY c.cid LIMIT ?3",

    [SQL_HEAD] = "SELECT last FROM event WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1",
    [SQL_APPEND] = "INSERT INTO event (key, last, msgs, at, events, chain) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    /* ?1 the conversation's first possible key, ?2 that of `from`, ?3 that of `to` */
    [SQL_RUNS] = "SELECT key, last, msgs, at, events, chain FROM event"
                 " WHERE key BETWEEN ifnull((SELECT max(key) FROM event WHERE key BETWEEN ?1 AND ?2), ?2) AND ?3 ORDER BY key",
    [SQL_RUN_REWRITE] = "UPDATE event SET events = ?2 WHERE key = ?1",
    [SQL_RUNS_FIRST] = "SELECT key, last FROM event WHERE key BETWEEN ?1 AND ?2 ORDER BY key LIMIT ?3",
    [SQL_RUNS_DROP] = "DELETE FROM event WHERE key BETWEEN ?1 AND ?2",
    [SQL_SEGMENTS] = "SELECT key, last, msgs, at, runs, bytes, sha256, chain, name FROM segment"
                     " WHERE key BETWEEN ifnull((SELECT max(key) FROM segment WHERE key BETWEEN ?1 AND ?2), ?2) AND ?3 ORDER BY key LIMIT 2",
    [SQL_SEGMENT_ADD] = "INSERT INTO segment (key, last, msgs, at, runs, bytes, sha256, chain, name) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [SQL_SEGMENT_DROP] = "DELETE FROM segment WHERE key = ?1",
    [SQL_SEGMENT_ANY] = "SELECT key FROM segment ORDER BY key LIMIT 1",
    [SQL_GONE_ADD] = "INSERT INTO segment_gone (name) VALUES (?1) ON CONFLICT (name) DO NOTHING",
    [SQL_GONE_DROP] = "DELETE FROM segment_gone WHERE name = ?1",
    [SQL_GONE_NEXT] = "SELECT name FROM segment_gone WHERE name > ?1 ORDER BY name LIMIT 1",
    [SQL_ARCHIVE_NEXT] = "SELECT cid, id, retention_days FROM conversation WHERE cid > ?1 ORDER BY cid LIMIT 1",
    [SQL_SCRUB_DUE] = "UPDATE meta SET scrub = 1 WHERE one = 1 AND scrub <> 1",
    [SQL_SCRUB_LATER] = "UPDATE meta SET scrub = 2 WHERE one = 1 AND scrub = 0",
    [SQL_SCRUB_DONE] = "UPDATE meta SET scrub = 0 WHERE one = 1",

    [SQL_MEMBER] = "SELECT " MEMBER_COLUMNS " FROM member m WHERE cid = ?1 AND user = ?2",
    [SQL_MEMBER_SAVE] = "INSERT INTO member (cid, user, scope, role, active, joined, from_seq, read_msgs, change)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
                        " ON CONFLICT (cid, user) DO UPDATE SET scope = excluded.scope, role = excluded.role, active = excluded.active,"
                        " joined = excluded.joined, from_seq = excluded.from_seq, read_msgs = excluded.read_msgs, change = excluded.change",
    [SQL_MEMBER_READ] = "UPDATE member SET read_msgs = ?3 WHERE cid = ?1 AND user = ?2",
    [SQL_MEMBERS] = "SELECT " MEMBER_COLUMNS " FROM member m WHERE cid = ?1 AND +active = 1 ORDER BY user",
    [SQL_CONVS_OF] =
        "SELECT " CONV_COLUMNS ", " MEMBER_COLUMNS " FROM member m INDEXED BY member_conv CROSS JOIN conversation c ON c.cid = m.cid" LAST_RUN
        " WHERE m.user = ?1 AND m.active = 1 ORDER BY m.cid",

    [SQL_RECEIPT] = "SELECT " RECEIPT_COLUMNS " FROM receipt r WHERE cid = ?1 AND user = ?2",
    [SQL_RECEIPT_SAVE] = "INSERT INTO receipt (cid, user, delivered, read, shown_delivered, shown_read) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                         " ON CONFLICT (cid, user) DO UPDATE SET delivered = excluded.delivered, read = excluded.read,"
                         " shown_delivered = excluded.shown_delivered, shown_read = excluded.shown_read",
    [SQL_RECEIPTS] = "SELECT " RECEIPT_COLUMNS " FROM receipt r CROSS JOIN member m ON m.cid = r.cid AND m.user = r.user"
                     " WHERE r.cid = ?1 AND +m.active = 1 ORDER BY r.user",
    [SQL_ADVANCE_BEFORE] = "SELECT first, at, pairs FROM advance WHERE cid = ?1 AND user = ?2 AND kind = ?3 AND first <= ?4"
                           " ORDER BY first DESC LIMIT 1",
    [SQL_ADVANCE_AFTER] = "SELECT first, at, pairs FROM advance WHERE cid = ?1 AND user = ?2 AND kind = ?3 AND first > ?4"
                          " ORDER BY first LIMIT 1",
    [SQL_ADVANCE_INSERT] = "INSERT INTO advance (cid, user, kind, first, at, pairs) VALUES (?1, ?2, ?3, ?4, ?5, x'')",
    [SQL_ADVANCE_UPDATE] = "UPDATE advance SET pairs = ?5 WHERE cid = ?1 AND user = ?2 AND kind = ?3 AND first = ?4",
    [SQL_ADVANCE_NEXT] = "SELECT first, at, pairs, user, kind FROM advance WHERE cid = ?1 AND (user, kind, first) > (?2, ?3, ?4)"
                         " ORDER BY user, kind, first LIMIT 1",
    [SQL_ADVANCE_DROP] = "DELETE FROM advance WHERE cid = ?1 AND user = ?2 AND kind = ?3 AND first = ?4",

    [SQL_TARGET] = "SELECT key, version, body_at, state FROM target WHERE key = ?1",
    [SQL_TARGET_SAVE] = "INSERT INTO target (key, version, body_at, state) VALUES (?1, ?2, ?3, ?4)"
                        " ON CONFLICT (key) DO UPDATE SET version = excluded.version, body_at = excluded.body_at, state = excluded.state",
    [SQL_TARGETS] = "SELECT key, version, body_at, state FROM target WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
    [SQL_CONFIRM_SAVE] = "INSERT INTO confirm (cid, seq, user, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (cid, seq, user) DO NOTHING",
    [SQL_CONFIRMS] = "SELECT user, at FROM confirm WHERE cid = ?1 AND seq = ?2 ORDER BY user",

    [SQL_PERSON] = "SELECT user, open, last_seen, status_until, version, status, policy FROM person WHERE user = ?1",
    [SQL_PERSON_SAVE] = "INSERT INTO person (user, open, last_seen, status_until, version, status, policy) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                        " ON CONFLICT (user) DO UPDATE SET open = excluded.open, last_seen = excluded.last_seen,"
                        " status_until = excluded.status_until, version = excluded.version, status = excluded.status, policy = excluded.policy",
    [SQL_TIMER_SAVE] = "INSERT INTO timer (kind, owner, seq, version, due) VALUES (?1, ?2, ?3, ?4, ?5)"
                       " ON CONFLICT (kind, owner, seq) DO UPDATE SET version = excluded.version, due = excluded.due",
    [SQL_TIMER_DROP] = "DELETE FROM timer WHERE kind = ?1 AND owner = ?2 AND seq = ?3",
    [SQL_TIMERS] = "SELECT kind, owner, seq, version, due FROM timer ORDER BY due, kind, owner, seq",

    [SQL_SCOPE_ROLE] = "SELECT max(role) FROM member INDEXED BY member_scope WHERE user = ?1 AND scope = ?2 AND active = 1",
    [SQL_SCOPE_EXISTS] = "SELECT 1 FROM conversation WHERE scope = ?1 LIMIT 1",

    [SQL_DEVICE] = "SELECT did, user FROM device WHERE id = ?1",
    [SQL_DEVICE_EXISTS] = "SELECT 1 FROM device WHERE did = ?1",
    [SQL_DEVICE_INSERT] = "INSERT INTO device (id, user) VALUES (?1, ?2)",
    [SQL_NEXT_N] = "SELECT last FROM answers WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1",
    [SQL_ANSWERS_SAVE] = "INSERT INTO answers (key, last, at, rows) VALUES (?1, ?2, ?3, ?4)",
    [SQL_ANSWERS] = "SELECT key, last, at, rows FROM answers WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1",

    [SQL_PRUNE_NEXT] = "SELECT key FROM answers WHERE key > ?1 ORDER BY key LIMIT 1",
    [SQL_PRUNE_ROWS] = "SELECT key, at FROM answers WHERE key BETWEEN ?1 AND ?2 ORDER BY key LIMIT ?3",
    [SQL_PRUNE_DELETE] = "DELETE FROM answers WHERE key BETWEEN ?1 AND ?2",

    [SQL_RECORD_ADD] = "INSERT INTO record (key, at, boot, mono_ms, record) VALUES (?1, ?2, ?3, ?4, ?5)",
    [SQL_RECORD_OLDEST] = "SELECT key FROM record WHERE key BETWEEN ?1 AND ?2 ORDER BY key LIMIT 1",
    [SQL_RECORD_NEWEST] = "SELECT key FROM record WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1",
    [SQL_RECORDS] = "SELECT key, at, boot, mono_ms, record FROM record WHERE key BETWEEN ?1 AND ?2 ORDER BY key LIMIT ?3",
    [SQL_RECORDS_DROP] = "DELETE FROM record WHERE key BETWEEN ?1 AND ?2",
    [SQL_LANE] = "SELECT dropped FROM lane WHERE lane = ?1",
    [SQL_LANE_SAVE] = "INSERT INTO lane (lane, dropped) VALUES (?1, ?2) ON CONFLICT (lane) DO UPDATE SET dropped = excluded.dropped",

    [SQL_BRANCH] = "SELECT " BRANCH_COLUMNS " FROM branch WHERE device = ?1 AND n = ?2",
    [SQL_BRANCH_FIND] = "SELECT " BRANCH_COLUMNS " FROM branch WHERE lane = ?1 AND number = ?2 ORDER BY id LIMIT 1",
    [SQL_BRANCH_SAVE] = "INSERT INTO branch (" BRANCH_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
                        " ON CONFLICT (device, n) DO UPDATE SET cid = excluded.cid, lane = excluded.lane, number = excluded.number,"
                        " settled = excluded.settled, seq = excluded.seq, code = excluded.code, at = excluded.at, event = excluded.event",
    [SQL_BRANCHES] = "SELECT " BRANCH_COLUMNS " FROM branch INDEXED BY branch_open_conv WHERE cid = ?1 AND settled = 0 ORDER BY id",
    [SQL_BRANCH_COUNT] = "SELECT 1 FROM branch INDEXED BY branch_open_device WHERE device = ?1 AND settled = 0 LIMIT ?2",
    [SQL_BRANCH_PRUNE] = "DELETE FROM branch WHERE id IN (SELECT id FROM branch INDEXED BY branch_settled"
                         " WHERE settled = 1 AND at < ?1 ORDER BY at LIMIT ?2)",

    [SQL_PEER] = "SELECT epoch, have, acked FROM peer WHERE relay = ?1",
    [SQL_PEER_SAVE] = "INSERT INTO peer (relay, epoch, have, acked) VALUES (?1, ?2, ?3, ?4)"
                      " ON CONFLICT (relay) DO UPDATE SET epoch = excluded.epoch, have = excluded.have, acked = excluded.acked",
    [SQL_HELD] = "SELECT seq, receipts, about FROM held WHERE relay = ?1 AND cid = ?2",
    [SQL_HELD_SAVE] = "INSERT INTO held (relay, cid, seq, receipts, about) VALUES (?1, ?2, ?3, ?4, ?5)"
                      " ON CONFLICT (relay, cid) DO UPDATE SET seq = excluded.seq, receipts = excluded.receipts, about = excluded.about",
    [SQL_HELD_FORGET] = "DELETE FROM held WHERE relay = ?1",
};

const char *const sqlite_sql_access[SQL_ACCESS_COUNT] = {
    [SQL_ACCESS_CONV] = "SELECT m.active, m.change FROM conversation c CROSS JOIN member m ON m.cid = c.cid AND m.user = ?2 WHERE c.id = ?1",
    [SQL_ACCESS_SCOPE] = "SELECT change FROM member INDEXED BY member_scope WHERE user = ?1 AND scope = ?2 AND active = 1"
                         " ORDER BY change LIMIT 1",
    [SQL_ACCESS_NEXT_SCOPE] = "SELECT scope FROM member INDEXED BY member_scope WHERE user = ?1 AND scope > ?2 AND active = 1"
                              " ORDER BY scope LIMIT 1",
    [SQL_ACCESS_DEVICE] = "SELECT user FROM device WHERE id = ?1",
    [SQL_ACCESS_STATUS] = "SELECT open FROM person WHERE user = ?1",
};

int sqlite_prepare(sqlite3 *db, const char *const *sql, sqlite3_stmt **stmts, size_t count)
{
    int rc = SQLITE_OK;

    for (size_t i = 0; i < count && rc == SQLITE_OK; i++) {
        rc = sqlite3_prepare_v3(db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &stmts[i], NULL);
    }
    return rc;
}

void sqlite_finalize(sqlite3_stmt **stmts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)sqlite3_finalize(stmts[i]); /* says again what its last step said */
        stmts[i] = NULL;
    }
}
