#include "plugin/sqlite/sqlite_sql.h"

#define KEY_MAX "68719476735" /* 2^36 - 1, see sqlite_schema.h */

/* The order in which sqlite_conv.c reads a conversation; the last run comes along, so that nothing is stored twice. */
#define CONV_COLUMNS "c.cid, c.id, c.scope, c.floor, c.about_seq, c.retention_days, e.last, e.msgs, e.at"
#define LAST_RUN " LEFT JOIN event e ON e.key = (SELECT max(key) FROM event WHERE key BETWEEN (c.cid << 36) AND ((c.cid << 36) | " KEY_MAX "))"

/* The order in which sqlite_member.c reads a member. */
#define MEMBER_COLUMNS "m.cid, m.user, m.scope, m.role, m.active, m.joined, m.from_seq, m.read_msgs, m.change"

const char *const sqlite_sql_store[SQL_STORE_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_FENCE] = "UPDATE meta SET fence = fence + 1 WHERE one = 1",
    [SQL_BOOT] = "UPDATE meta SET boot = boot + 1 WHERE one = 1 RETURNING epoch, boot",
    [SQL_CHANGE] = "SELECT change FROM member ORDER BY change DESC LIMIT 1",

    [SQL_CONV] = "SELECT " CONV_COLUMNS " FROM conversation c" LAST_RUN " WHERE c.id = ?1",
    [SQL_CONV_EXISTS] = "SELECT 1 FROM conversation WHERE cid = ?1",
    [SQL_CONV_INSERT] = "INSERT INTO conversation (id, scope, floor, about_seq, retention_days, title, context) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [SQL_CONV_UPDATE] = "UPDATE conversation SET floor = ?2, about_seq = ?3, retention_days = ?4, title = ifnull(?5, title),"
                        " context = ifnull(?6, context) WHERE cid = ?1",
    [SQL_ABOUT] = "SELECT title, context FROM conversation WHERE cid = ?1",
    [SQL_CONVS] = "SELECT " CONV_COLUMNS " FROM conversation c" LAST_RUN " WHERE c.cid > ?1 ORDER BY c.cid LIMIT ?2",

    [SQL_HEAD] = "SELECT last FROM event WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1",
    [SQL_APPEND] = "INSERT INTO event (key, last, msgs, at, events) VALUES (?1, ?2, ?3, ?4, ?5)",
    /* ?1 the conversation's first possible key, ?2 that of `from`, ?3 that of `to` */
    [SQL_RUNS] = "SELECT key, last, msgs, at, events FROM event"
                 " WHERE key BETWEEN ifnull((SELECT max(key) FROM event WHERE key BETWEEN ?1 AND ?2), ?2) AND ?3 ORDER BY key",

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
};

const char *const sqlite_sql_access[SQL_ACCESS_COUNT] = {
    [SQL_ACCESS_CONV] = "SELECT m.active, m.change FROM conversation c CROSS JOIN member m ON m.cid = c.cid AND m.user = ?2 WHERE c.id = ?1",
    [SQL_ACCESS_SCOPE] = "SELECT change FROM member INDEXED BY member_scope WHERE user = ?1 AND scope = ?2 AND active = 1"
                         " ORDER BY change LIMIT 1",
    [SQL_ACCESS_NEXT_SCOPE] = "SELECT scope FROM member INDEXED BY member_scope WHERE user = ?1 AND scope > ?2 AND active = 1"
                              " ORDER BY scope LIMIT 1",
    [SQL_ACCESS_DEVICE] = "SELECT user FROM device WHERE id = ?1",
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
