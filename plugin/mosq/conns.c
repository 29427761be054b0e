#include "plugin/mosq/conns.h"

#include <assert.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1 /* the broker does not die for us */
#include <uthash.h>

#define LOOK_EVERY_US 100000U

struct conn {
    const void *client;
    struct conn_state state;
    UT_hash_handle hh; /* by client */
    UT_hash_handle hh_number;
};

void conns_init(struct conns *c)
{
    *c = (struct conns){.look_us = UINT64_MAX};
}

static void drop(struct conns *c, struct conn *conn)
{
    assert(c->numbers != NULL); /* who is in one table is in both */
    HASH_DEL(c->table, conn);
    HASH_DELETE(hh_number, c->numbers, conn);
    free(conn);
}

void conns_fini(struct conns *c)
{
    struct conn *conn, *next;

    HASH_ITER (hh, c->table, conn, next) {
        drop(c, conn);
    }
}

static struct conn *find(const struct conns *c, const void *client)
{
    struct conn *conn = NULL;
    HASH_FIND_PTR(c->table, &client, conn);
    return conn;
}

struct conn_state *conns_find(const struct conns *c, const void *client)
{
    struct conn *conn = find(c, client);
    return conn ? &conn->state : NULL;
}

struct conn_state *conns_add(struct conns *c, const void *client)
{
    struct conn *conn = find(c, client);
    if (conn != NULL) {
        return &conn->state;
    }
    conn = calloc(1, sizeof *conn);
    if (conn == NULL) {
        return NULL;
    }
    conn->client = client;
    conn->state.number = ++c->last_number; /* K1 */
    HASH_ADD_PTR(c->table, client, conn);
    if (conn->hh.tbl == NULL) { /* uthash found no memory */
        free(conn);
        return NULL;
    }
    HASH_ADD(hh_number, c->numbers, state.number, sizeof conn->state.number, conn);
    if (conn->hh_number.tbl == NULL) {
        HASH_DEL(c->table, conn);
        free(conn);
        return NULL;
    }
    return &conn->state;
}

void conns_remove(struct conns *c, const void *client)
{
    struct conn *conn = find(c, client);
    if (conn != NULL) {
        drop(c, conn);
    }
}

/* ------------------------------------------------------------------ silence */

static uint64_t step_us(const struct conns *c, struct fp_mono now)
{
    uint64_t us = now.us > c->ticked.us ? now.us - c->ticked.us : 0;
    return us < CONNS_STEP_MAX_US ? us : CONNS_STEP_MAX_US;
}

void conns_tick(struct conns *c, struct fp_mono now)
{
    c->turned_us += step_us(c, now); /* K2 */
    c->ticked = now;
}

void conns_hear(const struct conns *c, struct conn_state *conn, struct fp_mono now)
{
    conn->heard = now;
    conn->heard_us = c->turned_us + step_us(c, now);
}

static uint64_t silent_at_us(const struct conn_state *conn)
{
    return conn->heard_us + (uint64_t)conn->alive_s * 1500000;
}

void conns_promise(struct conns *c, uint64_t number, uint32_t alive_s, struct fp_mono now)
{
    struct conn *conn = NULL;

    HASH_FIND(hh_number, c->numbers, &number, sizeof number, conn);
    if (conn == NULL) {
        return;
    }
    conn->state.alive_s = alive_s;
    conn->state.heard_us = c->turned_us + step_us(c, now);
    uint64_t at_us = silent_at_us(&conn->state);
    if (alive_s > 0 && at_us < c->look_us) {
        c->look_us = at_us;
    }
}

/* Who keeps his promise is due half of it later at the earliest, so all are looked at only now and then. */
size_t conns_silent(struct conns *c, const void **out_clients, size_t cap)
{
    struct conn *conn, *next;
    size_t count = 0;

    if (c->turned_us < c->look_us) {
        return 0;
    }
    c->look_us = UINT64_MAX;
    HASH_ITER (hh, c->table, conn, next) {
        uint64_t at_us = conn->state.alive_s > 0 ? silent_at_us(&conn->state) : UINT64_MAX;
        if (at_us <= c->turned_us && count < cap) {
            out_clients[count++] = conn->client;
            conn->state.silent = true;
            conn->state.alive_s = 0;
        } else if (at_us < c->look_us) {
            c->look_us = at_us;
        }
    }
    if (count < cap && c->look_us < c->turned_us + LOOK_EVERY_US) {
        c->look_us = c->turned_us + LOOK_EVERY_US; /* whatever they promise */
    }
    return count;
}

enum source_end conns_end_of(const struct conn_state *conn, int keepalive_s, struct fp_mono now, bool in_check)
{
    uint64_t silent_us = now.us > conn->heard.us ? now.us - conn->heard.us : 0;

    if (conn->silent) {
        return SOURCE_END_SILENT;
    }
    if (in_check && keepalive_s > 0 && silent_us >= (uint64_t)keepalive_s * 1500000) {
        return SOURCE_END_SILENT;
    }
    return SOURCE_END_LOST;
}
