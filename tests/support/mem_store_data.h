/*
 * mem_store_data.h: what mem_store's own files share.
 */
#ifndef TESTS_SUPPORT_MEM_STORE_DATA_H
#define TESTS_SUPPORT_MEM_STORE_DATA_H

#include <uthash.h>

#include "fp/trunk.h"
#include "tests/support/mem_store.h"

struct mem_blob {
    uint8_t *p; /* never NULL once set, also for length 0 */
    size_t len;
};

/* Rows of one kind, in order of their keys. All the rows of a table are as large as its kind says, and begin with their key. */
struct mem_table_kind {
    size_t row_bytes;
    int (*cmp)(const void *a, const void *b); /* of their keys */
    void (*release)(void *row);               /* frees what the row owns; NULL: nothing */
};

struct mem_table {
    uint8_t *rows;
    size_t count, cap;
};

extern const struct mem_table_kind mem_receipts, mem_advances, mem_targets, mem_confirms, mem_people, mem_timers;
extern const struct mem_table_kind mem_records, mem_branches, mem_peers, mem_helds, mem_numbers;

struct mem_person {
    struct store_person row; /* without its spans */
    struct mem_blob status, policy;
};

struct mem_record {
    struct store_record row; /* without its span */
    struct mem_blob record;
};

struct mem_branch {
    struct store_branch row; /* without its span */
    uint64_t taken;          /* ascends in the order in which they were taken */
    struct mem_blob event;
};

enum mem_number_name { MEM_LANE_NEXT, MEM_EPOCH = FP_LANES }; /* of lane i: MEM_LANE_NEXT + i */

struct mem_number {
    uint64_t name;
    uint64_t value;
};

struct mem_run {
    uint64_t first, last, msgs;
    struct fp_wall at;
    struct mem_blob events;
    uint8_t chain[32];
};

struct mem_answers {
    uint64_t first, last;
    struct fp_wall at;
    struct mem_blob rows; /* empty: these were skipped */
};

struct mem_conv {
    struct store_conv row;
    struct mem_blob title, context;
    struct mem_run *runs;
    size_t run_count, run_cap;
    struct store_member *members; /* by length of the user's id, then bytes */
    size_t member_count, member_cap;
    struct mem_table receipts, advances, targets, confirms;
    UT_hash_handle hh;
};

struct mem_device {
    struct store_device row;
    struct mem_answers *answers;
    size_t answers_count, answers_cap;
    UT_hash_handle hh;
};

enum mem_undo_kind {
    MEM_UNDO_NEW_CONV,
    MEM_UNDO_CONV,
    MEM_UNDO_APPEND,
    MEM_UNDO_NEW_MEMBER,
    MEM_UNDO_MEMBER,
    MEM_UNDO_NEW_DEVICE,
    MEM_UNDO_ANSWERS,
    MEM_UNDO_REWRITE,
    MEM_UNDO_DROP_RUN,
    MEM_UNDO_ROW_NEW,
    MEM_UNDO_ROW_REPLACED,
    MEM_UNDO_ROW_REMOVED,
};

struct mem_undo {
    enum mem_undo_kind kind;
    uint64_t at; /* cid or did */
    struct store_conv conv;
    struct mem_blob title, context;
    struct store_member member;
    struct mem_run run; /* as it was; for MEM_UNDO_REWRITE */
    struct mem_table *table;
    const struct mem_table_kind *table_kind;
    uint8_t *row; /* as it was, or the new one's key */
};

struct mem_store {
    struct mem_conv **convs; /* cid - 1 */
    size_t conv_count, conv_cap;
    struct mem_conv *conv_by_id;
    struct mem_device **devices; /* did - 1 */
    size_t device_count, device_cap;
    struct mem_device *device_by_id;
    struct mem_table people, timers;
    struct mem_table records, branches, peers, helds, numbers;
    uint64_t taken; /* of the last branch */
    struct mem_undo *undo;
    size_t undo_count, undo_cap;
    struct mem_blob lent[2]; /* handed out by the last load */
    uint64_t boot;
    uint64_t away_upto;
    unsigned percent; /* of the room there is */
    bool in_tx;
    bool in_callback;
};

/* Every port function begins with this: ends the spans of the call before. */
void mem_enter(struct mem_store *m);
/* A save that has to be refused: the transaction is gone with it. T2 */
enum fp_err mem_refuse(struct mem_store *m, enum fp_err err);
void mem_push_undo(struct mem_store *m, const struct mem_undo *u);
void mem_undo_all(struct mem_store *m);
struct fp_bytes mem_lend(struct mem_store *m, int slot, const struct mem_blob *b);

void *mem_grow(void *items, size_t count, size_t *cap, size_t item_bytes);
struct mem_blob mem_blob_of(struct fp_bytes b);

struct mem_conv *mem_conv_at(const struct mem_store *m, uint64_t cid); /* NULL if there is none */
struct mem_device *mem_device_at(const struct mem_store *m, uint64_t did);
/* Where the user's row is, or belongs. */
size_t mem_member_place(const struct mem_conv *c, const struct fp_id *user, bool *out_found);
int mem_id_cmp(const struct fp_id *a, const struct fp_id *b); /* by length, then bytes */
int mem_u64_cmp(uint64_t a, uint64_t b);

/* What every save to a conversation begins with. */
enum fp_err mem_save(struct mem_store *m, uint64_t cid, struct mem_conv **out_c);

/* The row that the key is of, or where it belongs. */
size_t mem_table_place(const struct mem_table *t, const struct mem_table_kind *kind, const void *key, bool *out_found);
void *mem_table_at(const struct mem_table *t, const struct mem_table_kind *kind, size_t i);
void *mem_table_find(const struct mem_table *t, const struct mem_table_kind *kind, const void *key); /* NULL: none */
/* The row is copied; what it owns is the table's from now on. Both can be undone. */
void mem_table_put(struct mem_store *m, struct mem_table *t, const struct mem_table_kind *kind, const void *row);
void mem_table_remove(struct mem_store *m, struct mem_table *t, const struct mem_table_kind *kind, size_t i);
void mem_table_undo(const struct mem_undo *u);
void mem_table_forget(const struct mem_undo *u); /* committed: what the undo keeps is freed */
void mem_table_free(struct mem_table *t, const struct mem_table_kind *kind);

void mem_change_undo(struct mem_store *m, const struct mem_undo *u); /* MEM_UNDO_REWRITE, MEM_UNDO_DROP_RUN */

uint64_t mem_number(const struct mem_store *m, uint64_t name); /* 0: not set yet */
/* All of them, in the order in which they were taken; to be freed. */
const struct mem_branch **mem_branches_taken(const struct mem_store *m);
void mem_trunk_free(struct mem_store *m);

void mem_conv_port(struct store_port *p);
void mem_member_port(struct store_port *p);
void mem_device_port(struct store_port *p);
void mem_receipts_port(struct store_port *p);
void mem_change_port(struct store_port *p);
void mem_people_port(struct store_port *p);
void mem_trunk_port(struct store_port *p);

#endif
