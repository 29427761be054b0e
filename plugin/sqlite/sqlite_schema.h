/*
 * sqlite_schema.h: the tables, as numbered migrations.
 *
 * Shape       migration i takes user_version i to i + 1 in one transaction; released ones are never changed, only added to
 * Errors      FP_EVERSION: the file is newer than the list. FP_ECORRUPT: it is no database of ours. Either way nothing is written.
 */
#ifndef PLUGIN_SQLITE_SQLITE_SCHEMA_H
#define PLUGIN_SQLITE_SQLITE_SCHEMA_H

#include <sqlite3.h>

#include "fp/err.h"

#define SQLITE_SCHEMA_APPLICATION 0x46505354 /* "FPST" */

/*
 * Rows of event and answers are keyed by one integer, owner << 36 | first: an append is an append to a run of keys, and rows of up to
 * a page stay in their leaf (a WITHOUT ROWID table would move all above 1 KB to overflow pages and carry whole rows in its inner nodes).
 */
#define SQLITE_KEY_BITS 36
#define SQLITE_KEY_SEQ_MAX ((UINT64_C(1) << SQLITE_KEY_BITS) - 1)
#define SQLITE_LANE_BITS 60 /* of a record's key: lane << 60 | number */
#define SQLITE_LANE_NUMBER_MAX ((UINT64_C(1) << SQLITE_LANE_BITS) - 1)
#define SQLITE_KEY_OWNER_MAX ((UINT64_C(1) << (63 - SQLITE_KEY_BITS)) - 1)

struct sqlite_schema {
    const char *const *migrations;
    int count;
};

/* Ours. */
struct sqlite_schema sqlite_schema_current(void);

/* For a file that exists: is it ours, and not too new? */
enum fp_err sqlite_schema_check(sqlite3 *db, struct sqlite_schema schema);
/* Brings the file up to the last migration; an empty one becomes ours. */
enum fp_err sqlite_schema_migrate(sqlite3 *db, struct sqlite_schema schema);

#endif
