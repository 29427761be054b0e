/*
 * sqlite_sql.h: every statement that runs while the store is open, in one table, so that a test can ask SQLite for each one's plan.
 */
#ifndef PLUGIN_SQLITE_SQLITE_SQL_H
#define PLUGIN_SQLITE_SQLITE_SQL_H

#include "fp/err.h"
#include "plugin/sqlite/sqlite_db.h"

enum sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_FENCE,
    SQL_BOOT,
    SQL_EPOCH,
    SQL_CHANGE,
    SQL_CONV,
    SQL_CONV_EXISTS,
    SQL_CONV_FLOOR,
    SQL_CONV_INSERT,
    SQL_CONV_UPDATE,
    SQL_ABOUT,
    SQL_CONVS,
    SQL_CONVS_IN,
    SQL_HEAD,
    SQL_APPEND,
    SQL_RUNS,
    SQL_RUN_REWRITE,
    SQL_RUNS_FIRST,
    SQL_RUNS_DROP,
    SQL_SEGMENTS,
    SQL_SEGMENT_ADD,
    SQL_SEGMENT_DROP,
    SQL_SEGMENT_ANY,
    SQL_GONE_ADD,
    SQL_GONE_DROP,
    SQL_GONE_NEXT,
    SQL_ARCHIVE_NEXT,
    SQL_SCRUB_DUE,
    SQL_SCRUB_LATER,
    SQL_SCRUB_DONE,
    SQL_MEMBER,
    SQL_MEMBER_SAVE,
    SQL_MEMBER_READ,
    SQL_MEMBERS,
    SQL_CONVS_OF,
    SQL_RECEIPT,
    SQL_RECEIPT_SAVE,
    SQL_RECEIPTS,
    SQL_ADVANCE_BEFORE,
    SQL_ADVANCE_AFTER,
    SQL_ADVANCE_INSERT,
    SQL_ADVANCE_UPDATE,
    SQL_ADVANCE_NEXT,
    SQL_ADVANCE_DROP,
    SQL_TARGET,
    SQL_TARGET_SAVE,
    SQL_TARGETS,
    SQL_CONFIRM_SAVE,
    SQL_CONFIRMS,
    SQL_PERSON,
    SQL_PERSON_SAVE,
    SQL_TIMER_SAVE,
    SQL_TIMER_DROP,
    SQL_TIMERS,
    SQL_SCOPE_ROLE,
    SQL_SCOPE_EXISTS,
    SQL_DEVICE,
    SQL_DEVICE_EXISTS,
    SQL_DEVICE_INSERT,
    SQL_NEXT_N,
    SQL_ANSWERS_SAVE,
    SQL_ANSWERS,
    SQL_PRUNE_NEXT,
    SQL_PRUNE_ROWS,
    SQL_PRUNE_DELETE,
    SQL_RECORD_ADD,
    SQL_RECORD_OLDEST,
    SQL_RECORD_NEWEST,
    SQL_RECORDS,
    SQL_RECORDS_DROP,
    SQL_LANE,
    SQL_LANE_SAVE,
    SQL_BRANCH,
    SQL_BRANCH_FIND,
    SQL_BRANCH_SAVE,
    SQL_BRANCHES,
    SQL_BRANCH_COUNT,
    SQL_BRANCH_PRUNE,
    SQL_PEER,
    SQL_PEER_SAVE,
    SQL_HELD,
    SQL_HELD_SAVE,
    SQL_HELD_FORGET,
    SQL_STORE_COUNT /* statements of the store; what follows is the access reader's */
};

enum sql_access { SQL_ACCESS_CONV, SQL_ACCESS_SCOPE, SQL_ACCESS_NEXT_SCOPE, SQL_ACCESS_DEVICE, SQL_ACCESS_STATUS, SQL_ACCESS_COUNT };

extern const char *const sqlite_sql_store[SQL_STORE_COUNT];
extern const char *const sqlite_sql_access[SQL_ACCESS_COUNT];

/* Prepares all or fails; what has been prepared by then stays in stmts, for sqlite_finalize(). */
int sqlite_prepare(sqlite3 *db, const char *const *sql, sqlite3_stmt **stmts, size_t count);
void sqlite_finalize(sqlite3_stmt **stmts, size_t count);

#endif
