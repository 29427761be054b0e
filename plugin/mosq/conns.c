#include "plugin/mosq/conns.h"

#include <stdlib.h>

#define HASH_NONFATAL_OOM 1 /* the broker does not die for us */
#include <uthash.h>

struct conn {
    const void *client;
    struct conn_state state;
    UT_hash_handle hh;
};

void conns_init(struct conns *c)
{
    c->table = NULL;
}

void conns_fini(struct conns *c)
{
    struct conn *conn, *next;

    HASH_ITER (hh, c->table, conn, next) {
        HASH_DEL(c->table, conn);
        free(conn);
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
    HASH_ADD_PTR(c->table, client, conn);
    if (conn->hh.tbl == NULL) { /* uthash found no memory */
        free(conn);
        return NULL;
    }
    return &conn->state;
}

void conns_remove(struct conns *c, const void *client)
{
    struct conn *conn = find(c, client);
    if (conn != NULL) {
        HASH_DEL(c->table, conn);
        free(conn);
    }
}

enum source_end conns_end_of(const struct conn_state *conn, int keepalive_s, struct fp_mono now, bool in_check)
{
    uint64_t silent_us = now.us > conn->heard.us ? now.us - conn->heard.us : 0;

    if (in_check && keepalive_s > 0 && silent_us >= (uint64_t)keepalive_s * 1500000) {
        return SOURCE_END_SILENT;
    }
    return SOURCE_END_LOST;
}
