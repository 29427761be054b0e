/*
 * archive_kit.h: a conversation whose old runs go into an archive beside the database, for the tests of it.
 */
#ifndef TESTS_UNIT_SQLITE_ARCHIVE_KIT_H
#define TESTS_UNIT_SQLITE_ARCHIVE_KIT_H

#include "tests/unit/sqlite/store_fixture.h"

#define RUNS 40

struct seen {
    uint64_t next;
    size_t count, secrets; /* runs as they were written */
    bool good;
};

enum fp_err open_with(struct fixture *f); /* with an archive, in the database's folder */
uint64_t fill(struct fixture *f);         /* a conversation of RUNS runs of one event; returns its cid */
enum fp_err archive_upto(struct fixture *f, struct fp_wall before);
enum fp_err read_from(struct fixture *f, uint64_t cid, uint64_t from, struct seen *s);
void check_all(struct fixture *f, uint64_t cid, size_t secrets);
void file_name(const struct fixture *f, size_t index, char out[TEMP_PATH_MAX]); /* of the index-th file of the archive, in no order */
void move(const struct fixture *f, const char *from, const char *to);
bool says(struct fixture *f, const char *what);
enum fp_err scrub(struct fixture *f);
void redact(struct fixture *f, uint64_t cid, uint64_t seq, enum fp_err want);

#endif
