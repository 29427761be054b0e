/*
 * sqlite_db.h: what every statement of ours needs: binding, reading columns, and what SQLite's result codes mean to us.
 *
 * Shape       a query binds its parameters in order, keeps its first error and shows it at the step
 * Units       uint64_t is stored as the int64_t with the same bits; an id as its length byte and its text, which sorts ids by length
 *             first
 * Memory      what is bound is borrowed until query_end(); a column is good until the next step or query_end()
 */
#ifndef PLUGIN_SQLITE_SQLITE_DB_H
#define PLUGIN_SQLITE_SQLITE_DB_H

#include <sqlite3.h>

#include "fp/bytes.h"
#include "fp/err.h"

struct query {
    sqlite3_stmt *stmt;
    int next; /* parameter */
    int rc;
};

/* rc is an extended result code; db may be NULL. */
enum fp_err sqlite_err(sqlite3 *db, int rc);

struct query query_of(sqlite3_stmt *stmt);
void query_u64(struct query *q, uint64_t v);
void query_id(struct query *q, const struct fp_id *id);
void query_bytes(struct query *q, struct fp_bytes b);     /* never NULL in SQL */
void query_bytes_opt(struct query *q, struct fp_bytes b); /* NULL where b.p is */
/* SQLITE_ROW, SQLITE_DONE, or the first error. */
int query_step(struct query *q);
/* For a statement without rows: steps and ends. Returns SQLITE_OK or the error. */
int query_run(struct query *q);
void query_end(struct query *q);

uint64_t column_u64(sqlite3_stmt *stmt, int column);
struct fp_bytes column_bytes(sqlite3_stmt *stmt, int column);
/* False if it is no id of ours. */
bool column_id(sqlite3_stmt *stmt, int column, struct fp_id *out);

/* Hardening that every connection of ours gets before it reads a byte. */
int sqlite_harden(sqlite3 *db);
/* One number, such as a pragma's value. */
int sqlite_number(sqlite3 *db, const char *sql, int64_t *out);

#endif
