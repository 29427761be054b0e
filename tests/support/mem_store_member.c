#include "tests/support/mem_store_data.h"

#include "fp/command.h"

int mem_id_cmp(const struct fp_id *a, const struct fp_id *b)
{
    if (a->len != b->len) {
        return a->len < b->len ? -1 : 1;
    }
    return memcmp(a->text, b->text, a->len);
}

size_t mem_member_place(const struct mem_conv *c, const struct fp_id *user, bool *out_found)
{
    size_t low = 0;
    size_t high = c->member_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mem_id_cmp(&c->members[middle].user, user) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_found = low < c->member_count && fp_id_eq(&c->members[low].user, user);
    return low;
}

static struct store_member *member_of(const struct mem_conv *c, const struct fp_id *user)
{
    bool found = false;
    size_t i = mem_member_place(c, user, &found);

    return found ? &c->members[i] : NULL;
}

static enum fp_err load_member(void *ctx, uint64_t cid, const struct fp_id *user, struct store_member *out, bool *out_found)
{
    struct mem_store *m = ctx;
    struct mem_conv *c = mem_conv_at(m, cid);

    mem_enter(m);
    const struct store_member *row = c ? member_of(c, user) : NULL;
    *out_found = row != NULL;
    if (row) {
        *out = *row;
    }
    return FP_OK;
}

static enum fp_err save_member(void *ctx, const struct store_member *row)
{
    struct mem_store *m = ctx;
    struct mem_conv *c = mem_conv_at(m, row->cid);
    bool found = false;

    mem_enter(m);
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    if (!c) {
        return mem_refuse(m, FP_ECORRUPT);
    }
    size_t i = mem_member_place(c, &row->user, &found);
    if (found) {
        mem_push_undo(m, &(struct mem_undo){.kind = MEM_UNDO_MEMBER, .at = row->cid, .member = c->members[i]});
        c->members[i] = *row;
        return FP_OK;
    }
    mem_push_undo(m, &(struct mem_undo){.kind = MEM_UNDO_NEW_MEMBER, .at = row->cid, .member = *row});
    c->members = mem_grow(c->members, c->member_count, &c->member_cap, sizeof *c->members);
    memmove(&c->members[i + 1], &c->members[i], (c->member_count - i) * sizeof *c->members);
    c->members[i] = *row;
    c->member_count++;
    return FP_OK;
}

static enum fp_err save_read_msgs(void *ctx, uint64_t cid, const struct fp_id *user, uint64_t read_msgs)
{
    struct mem_store *m = ctx;
    struct mem_conv *c = mem_conv_at(m, cid);

    mem_enter(m);
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    struct store_member *row = c ? member_of(c, user) : NULL;
    if (!row) {
        return mem_refuse(m, FP_ECORRUPT);
    }
    mem_push_undo(m, &(struct mem_undo){.kind = MEM_UNDO_MEMBER, .at = cid, .member = *row});
    row->read_msgs = read_msgs;
    return FP_OK;
}

static enum fp_err each_member(void *ctx, uint64_t cid, store_member_fn fn, void *arg)
{
    struct mem_store *m = ctx;
    struct mem_conv *c = mem_conv_at(m, cid);
    bool go_on = true;

    mem_enter(m);
    m->in_callback = true;
    for (size_t i = 0; c && i < c->member_count && go_on; i++) {
        const struct store_member row = c->members[i];
        go_on = !row.active || fn(arg, &row);
    }
    m->in_callback = false;
    return FP_OK;
}

static enum fp_err each_conv_of(void *ctx, const struct fp_id *user, store_conv_member_fn fn, void *arg)
{
    struct mem_store *m = ctx;
    bool go_on = true;

    mem_enter(m);
    m->in_callback = true;
    for (size_t i = 0; i < m->conv_count && go_on; i++) {
        const struct store_member *found = member_of(m->convs[i], user);
        const struct store_conv conv = m->convs[i]->row;
        const struct store_member row = found ? *found : (struct store_member){0};
        go_on = !row.active || fn(arg, &conv, &row);
    }
    m->in_callback = false;
    return FP_OK;
}

static enum fp_err load_scope(void *ctx, const struct fp_id *scope, const struct fp_id *user, uint8_t *out_role, bool *out_exists)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    *out_role = FP_ROLE_NONE;
    *out_exists = false;
    for (size_t i = 0; i < m->conv_count; i++) {
        if (!fp_id_eq(&m->convs[i]->row.scope, scope)) {
            continue;
        }
        *out_exists = true;
        const struct store_member *row = member_of(m->convs[i], user);
        if (row && row->active && (*out_role == FP_ROLE_NONE || row->role > *out_role)) {
            *out_role = row->role;
        }
    }
    return FP_OK;
}

void mem_member_port(struct store_port *p)
{
    p->load_member = load_member;
    p->save_member = save_member;
    p->save_read_msgs = save_read_msgs;
    p->each_member = each_member;
    p->each_conv_of = each_conv_of;
    p->load_scope = load_scope;
}
