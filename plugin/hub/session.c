#include <stdlib.h>

#include "plugin/hub/trunk.h"

#define HEAD_ROW_BYTES 114 /* one conv-head: two ids, four numbers */
#define SMALL_REPLY_BYTES 64

/* ------------------------------------------------------------------ sessions */

static struct hub_user *find_user(struct hub *h, const struct fp_id *id)
{
    struct hub_user *u = NULL;
    HASH_FIND(hh, h->users, id->text, id->len, u);
    return u;
}

static struct hub_user *get_user(struct hub *h, const struct fp_id *id)
{
    struct hub_user *u = find_user(h, id);
    if (u) {
        return u;
    }
    u = calloc(1, sizeof(*u));
    if (!u) {
        return NULL;
    }
    u->user = *id;
    HASH_ADD_KEYPTR(hh, h->users, u->user.text, u->user.len, u);
    if (!u->hh.tbl) {
        free(u);
        return NULL;
    }
    return u;
}

static void leave_user(struct hub *h, const struct fp_id *id)
{
    struct hub_user *u = find_user(h, id);
    if (u && --u->sessions == 0) {
        HASH_DEL(h->users, u);
        free(u->heads);
        free(u);
    }
}

static struct hub_session *find_session(struct hub *h, const struct fp_id *device)
{
    struct hub_session *s = NULL;
    HASH_FIND(hh, h->sessions, device->text, device->len, s);
    return s;
}

struct hub_session *session_of(struct hub *h, const struct source_item *item)
{
    struct hub_session *s = find_session(h, &item->device);
    return s && s->conn == item->conn ? s : NULL;
}

struct hub_session *session_need(struct hub *h, struct command_ctx *x)
{
    struct hub_session *s = session_of(h, x->item);
    x->why = s ? x->why : "there is no session: hello comes first";
    return s;
}

static struct hub_session *add_session(struct hub *h, const struct source_item *item)
{
    struct hub_session *s = calloc(1, sizeof(*s));
    struct hub_user *u = s ? get_user(h, &item->user) : NULL;
    if (!u) {
        free(s);
        return NULL;
    }
    *s = (struct hub_session){.device = item->device, .user = item->user};
    HASH_ADD_KEYPTR(hh, h->sessions, s->device.text, s->device.len, s);
    u->sessions++;
    if (!s->hh.tbl) {
        leave_user(h, &s->user);
        free(s);
        return NULL;
    }
    h->stats.sessions++;
    return s;
}

/* A second hello on the same connection goes on with the session there is. */
static struct hub_session *begin_session(struct hub *h, const struct source_item *item)
{
    struct hub_session *s = find_session(h, &item->device);
    if (!s) {
        s = add_session(h, item);
    }
    if (s && s->conn != item->conn) {
        idle_end(h, s); /* what an older connection of this device has left */
        nudge_gone(h, s);
        ops_event(h, &s->device, &s->user, s->conn > 0 ? "taken over" : "connected");
        s->conn = item->conn;
        /* Not one counter for all: it would tell a device how many others have come, hidden ones too (P10). */
        uint64_t number = (h->info.boot << 42) + h->mono.us / 1000;
        s->number = number > s->number ? number : s->number + 1;
        s->activity = FP_ACTIVITY_ACTIVE;
        s->promised = false;
        people_session(h, s);
    }
    return s;
}

static void drop_session(struct hub *h, struct hub_session *s)
{
    HASH_DEL(h->sessions, s);
    leave_user(h, &s->user);
    nudge_gone(h, s);
    h->stats.sessions--;
    free(s);
}

/* The end of an older connection than the session's says nothing about the session. */
void session_end(struct hub *h, const struct fp_id *device, uint64_t conn, enum hub_end why)
{
    struct hub_session *s = find_session(h, device);
    if (s && s->conn == conn) {
        ops_event(h, &s->device, &s->user, why == HUB_END_BYE ? "left" : why == HUB_END_LOST ? "lost" : "silent");
        people_session_end(h, s, why);
        typing_gone(h, device);
        idle_end(h, s);
        drop_session(h, s);
    }
    pages_forget(h, device, conn);
}

void session_fini(struct hub *h)
{
    while (h->sessions) {
        drop_session(h, h->sessions);
    }
}

/* ------------------------------------------------------------------ welcome */

struct welcome_row { /* in the arena */
    struct welcome_row *next;
    uint64_t cid;
    struct fp_conv_head head;
};

struct head_rows {
    struct hub *h;
    struct welcome_row *first, **end;
    struct fp_id user;
    size_t count;
    bool no_memory;
};

static const struct hub_member *known_member(const struct hub *h, uint64_t cid, const struct fp_id *user)
{
    struct hub_member *m = NULL;
    struct member_key key;
    memset(&key, 0, sizeof(key));
    key.cid = cid;
    key.user = *user;
    HASH_FIND(hh, h->members, &key, sizeof(key), m);
    return m;
}

/* What this batch has decided is in the caches and not yet in the store (M1). */
static bool add_head_row(void *arg, const struct store_conv *stored, const struct store_member *m)
{
    struct head_rows *rows = arg;
    struct hub_conv *cached = NULL;

    HASH_FIND(hh, rows->h->convs, stored->id.text, stored->id.len, cached);
    const struct store_conv *c = cached ? &cached->c : stored;
    const struct hub_member *member = known_member(rows->h, stored->cid, &m->user);
    uint64_t read_msgs = member ? member->m.read_msgs : m->read_msgs;

    struct welcome_row *row = arena_alloc(&rows->h->arena, sizeof(*row));
    if (!row) {
        rows->no_memory = true;
        return false;
    }
    *row = (struct welcome_row){
        .cid = stored->cid,
        .head = {.conv = c->id,
                 .scope = c->scope,
                 .head = c->head,
                 .floor = context_floor(c, m),
                 .unread = c->msgs > read_msgs ? c->msgs - read_msgs : 0},
    };
    *rows->end = row;
    rows->end = &row->next;
    rows->count++;
    return true;
}

/* His own read of each, which the iteration may not ask the store for. */
static enum fp_err add_own_reads(struct hub *h, const struct head_rows *rows)
{
    enum fp_err err = FP_OK;
    for (struct welcome_row *row = rows->first; row && !err; row = row->next) {
        const struct hub_member *member = known_member(h, row->cid, &rows->user);
        struct store_receipt r = {0};
        if (member && member->r_loaded) {
            r = member->r;
        } else {
            err = h->store.load_receipt(h->store.ctx, row->cid, &rows->user, &r);
        }
        row->head.read = r.read;
    }
    return err;
}

/* s NULL: it has not said hello. */
static enum fp_err tell_welcome(struct hub *h, struct command_ctx *x, const struct hub_session *s)
{
    struct head_rows rows = {.h = h, .user = x->item->user};
    rows.end = &rows.first;
    enum fp_err err = h->store.each_conv_of(h->store.ctx, &x->item->user, add_head_row, &rows);
    if (!err) {
        err = rows.no_memory ? FP_ENOMEM : add_own_reads(h, &rows);
    }
    if (err) {
        return err;
    }
    struct fp_welcome w = {
        .epoch = site_epoch(h),
        .session = s ? s->number : 0,
        .at = h->wall,
        .next_n = x->dev->d.next_n,
        .head_count = rows.count,
        .limits = {.command_bytes = h->config.command_bytes,
                   .batch_commands = h->config.batch_commands,
                   .commands_per_s = h->config.commands_per_s,
                   .page_bytes = h->config.page_bytes,
                   .alive_s = s ? s->alive_s : 0},
        .relay = h->config.relay,
    };
    size_t cap = rows.count * HEAD_ROW_BYTES + 128;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_welcome_begin(&e, &w);
    for (const struct welcome_row *row = rows.first; row; row = row->next) {
        fp_enc_conv_head(&e, &row->head);
    }
    fp_enc_welcome_end(&e, &w);
    if (e.failed) {
        return FP_ENOMEM;
    }
    err = answer_tell_acks(h, x->dev);
    return err ? err : tells_down(h, &x->item->device, fp_enc_bytes_of(&e));
}

/* ------------------------------------------------------------------ hello and pages */

static struct page_job job_of(const struct command_ctx *x, const struct fp_id *conv)
{
    return (struct page_job){.device = x->item->device, .user = x->item->user, .conn = x->item->conn, .conv = *conv};
}

/* Pages after each cursor that is behind, on one credit. What the user may not know of is passed over: welcome does not name it. */
static enum fp_err pages_after_cursors(struct hub *h, struct command_ctx *x, struct fp_hello *hello)
{
    struct fp_id conv;
    uint64_t seq = 0;
    enum fp_err err = FP_OK;
    struct page_credit *credit = pages_credit(FP_PAGE_CREDIT_BYTES);
    if (!credit) {
        return FP_ENOMEM;
    }
    while (!err && fp_hello_cursor(hello, &conv, &seq)) {
        struct fp_command asked = {.kind = FP_K_GET, .conv = conv};
        struct command_ctx y = {.item = x->item, .dev = x->dev, .cmd = &asked};
        err = context_conv(h, &y);
        if (!err && seq < y.conv->c.head) {
            struct page_job job = job_of(x, &conv);
            job.after = seq;
            job.upto = y.conv->c.head;
            job.zlib = hello->zlib;
            job.safety = seq < y.conv->safety;
            job.credit = credit;
            err = pages_ask(h, &job);
        }
        err = err == FP_EUNKNOWN ? FP_OK : err;
    }
    pages_drop_credit(credit);
    return err == FP_EBUSY ? FP_OK : err; /* too many under way: the device will ask for the hole */
}

/* How often it will be heard of. Told at each hello, for the batch of the last one may have failed. */
static enum fp_err keep_promise(struct hub *h, struct hub_session *s, uint32_t alive_s)
{
    s->alive_s = alive_s;
    s->promised = s->promised || alive_s > 0;
    return s->promised ? tells_alive(h, s) : FP_OK;
}

static enum fp_err on_hello(struct hub *h, struct command_ctx *x)
{
    struct fp_hello hello;
    enum fp_err err = fp_hello_decode(x->cmd->body, &hello, &x->why);
    if (err) {
        return err;
    }
    if (hello.protocol != FP_PROTOCOL) {
        x->why = "key 1 of the body: this hub speaks version 1";
        return FP_EUNSUPPORTED;
    }
    if (site_unmet(h)) {
        x->why = "this site has not met its hub yet";
        return answer_retry(h, x, FP_EBUSY);
    }
    struct hub_session *s = begin_session(h, x->item);
    if (!s) {
        return FP_ENOMEM;
    }
    err = keep_promise(h, s, (uint32_t)hello.alive_s);
    if (!err && site_is(h)) {
        err = site_next_n(h, x, hello.next_n);
    }
    if (!err) {
        err = tell_welcome(h, x, s);
    }
    if (!err && site_is(h)) {
        err = site_welcome_pages(h, x);
    }
    return err ? err : pages_after_cursors(h, x, &hello);
}

static enum fp_err on_heads(struct hub *h, struct command_ctx *x)
{
    if (site_unmet(h)) {
        x->why = "this site has not met its hub yet";
        return answer_retry(h, x, FP_EBUSY);
    }
    return tell_welcome(h, x, session_of(h, x->item));
}

static enum fp_err on_get(struct hub *h, struct command_ctx *x)
{
    struct fp_get get;
    enum fp_err err = context_conv(h, x);
    if (!err) {
        err = fp_get_decode(x->cmd->body, &get, &x->why);
    }
    if (err) {
        return err;
    }
    uint64_t head = x->conv->c.head;
    struct page_job job = job_of(x, &x->cmd->conv);
    job.after = get.after;
    job.upto = get.upto == 0 || get.upto > head ? head : get.upto;
    job.zlib = get.zlib;
    job.safety = job.after < x->conv->safety && x->conv->safety <= job.upto;
    job.credit = pages_credit(get.bytes == 0 || get.bytes > FP_PAGE_CREDIT_BYTES ? FP_PAGE_CREDIT_BYTES : (size_t)get.bytes);
    if (!job.credit) {
        return FP_ENOMEM;
    }
    err = pages_ask(h, &job);
    pages_drop_credit(job.credit);
    nudge_get(h, x);
    if (err == FP_EBUSY) {
        x->why = "too many pages are under way";
        return answer_retry(h, x, FP_EBUSY);
    }
    return err;
}

static enum fp_err on_bye(struct hub *h, struct command_ctx *x)
{
    session_end(h, &x->item->device, x->item->conn, HUB_END_BYE);
    return FP_OK;
}

static enum fp_err on_time(struct hub *h, struct command_ctx *x)
{
    struct fp_dec d;
    fp_dec_init(&d, x->cmd->body);
    uint64_t echo = fp_dec_uint(&d);
    if (!fp_dec_done(&d)) {
        x->why = "key 10 (body) must be the device's clock, an unsigned integer";
        return FP_EMALFORMED;
    }
    uint8_t *buf = arena_alloc(&h->arena, SMALL_REPLY_BYTES);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? SMALL_REPLY_BYTES : 0);
    fp_enc_time(&e, echo, x->item->wall, h->wall);
    return e.failed ? FP_ENOMEM : tells_down(h, &x->item->device, fp_enc_bytes_of(&e));
}

enum fp_err session_command(struct hub *h, struct command_ctx *x)
{
    static const struct {
        uint64_t kind;
        enum fp_err (*apply)(struct hub *h, struct command_ctx *x);
    } handlers[] = {
        {FP_K_HELLO, on_hello},       {FP_K_BYE, on_bye},           {FP_K_HEADS, on_heads},     {FP_K_GET, on_get},
        {FP_K_TIME, on_time},         {FP_K_IDLE, idle_set},        {FP_K_DIGEST, digest_ask},  {FP_K_RECEIPT, receipts_report},
        {FP_K_READERS, readers_ask},  {FP_K_TYPING, typing_report}, {FP_K_WATCH, people_watch}, {FP_K_ACTIVITY, people_activity},
        {FP_K_STATUS, people_status}, {FP_K_POLICY, people_policy},
    };
    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (handlers[i].kind == x->cmd->kind) {
            return handlers[i].apply(h, x);
        }
    }
    x->why = "this release does not know this kind of command yet";
    return FP_EUNSUPPORTED;
}
