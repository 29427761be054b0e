#include "plugin/mosq/background.h"

#include <stdlib.h>

#define HASH_NONFATAL_OOM 1 /* a failed HASH_ADD leaves hh.tbl NULL */
#include <uthash.h>

struct background_device {
    struct fp_id id;
    UT_hash_handle hh;
};

static struct background_device *find(const struct background *b, const struct fp_id *device)
{
    struct background_device *d = NULL;
    HASH_FIND(hh, b->table, device->text, device->len, d);
    return d;
}

static void drop(struct background *b, struct background_device *d)
{
    HASH_DEL(b->table, d);
    free(d);
}

static void add(struct background *b, const struct fp_id *device)
{
    struct background_device *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return;
    }
    d->id = *device;
    HASH_ADD_KEYPTR(hh, b->table, d->id.text, d->id.len, d);
    if (d->hh.tbl == NULL) {
        free(d);
    }
}

void background_fini(struct background *b)
{
    while (b->table != NULL) {
        drop(b, b->table);
    }
}

void background_put(struct background *b, const struct fp_id *device, bool in)
{
    struct background_device *d = find(b, device);
    if (in && d == NULL) {
        add(b, device);
    } else if (!in && d != NULL) {
        drop(b, d);
    }
}

bool background_has(const struct background *b, const struct fp_id *device)
{
    return find(b, device) != NULL;
}
