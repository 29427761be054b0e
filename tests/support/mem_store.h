/*
 * mem_store.h: the store port in memory: the fake for tests.
 *
 * Shape       real transactions: rollback undoes. What a load hands out is copied and freed at the next call, so that a caller who keeps
 *             a span too long is found by the address sanitizer; a callback that calls the store trips an assert.
 * Errors      as in the port. No memory ends the program.
 */
#ifndef TESTS_SUPPORT_MEM_STORE_H
#define TESTS_SUPPORT_MEM_STORE_H

#include "plugin/hub/store.h"

struct mem_store;

struct mem_store *mem_store_new(void);
void mem_store_free(struct mem_store *m); /* NULL is fine */
struct store_port mem_store_port(struct mem_store *m);

/* What sqlite_store_open() would say; boot begins at 1. */
struct store_info mem_store_info(const struct mem_store *m);
/* What percent_used() says from now on; 0 at first. */
void mem_store_set_used(struct mem_store *m, unsigned percent);
/* Of every conversation the runs that end at or before this seq are away from now on, in one part, but for its last; 0: none is. */
void mem_store_set_away(struct mem_store *m, uint64_t upto);
/* As after a crash: an open transaction is gone, what is committed stays, boot counts on. */
void mem_store_restart(struct mem_store *m);

/* Over all that the port can show, committed or not; two stores with the same content have the same hash. */
uint64_t mem_store_hash(const struct mem_store *m);

#endif
