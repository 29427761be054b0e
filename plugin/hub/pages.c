#include <stdlib.h>
#include <utlist.h>
#include <zlib.h>

#include "plugin/core/access.h"
#include "plugin/hub/state.h"

#define JOBS_MAX 65536 /* requests under way, of all devices */
#define PAGES_A_TURN 4 /* then the next batch goes first: a big catch-up never starves live traffic */
#define PAGE_FRAME_BYTES 160
#define WORTH_DEFLATING 512 /* below, the stream's own overhead eats the gain */

enum fp_err pages_open(struct hub *h)
{
    z_stream *z = calloc(1, sizeof(*z));
    if (!z || deflateInit(z, Z_BEST_SPEED) != Z_OK) {
        free(z);
        return FP_ENOMEM;
    }
    h->deflater = z;
    return FP_OK;
}

struct page_credit *pages_credit(size_t bytes)
{
    struct page_credit *c = malloc(sizeof(*c));
    if (c) {
        *c = (struct page_credit){.left_bytes = bytes, .users = 1};
    }
    return c;
}

void pages_drop_credit(struct page_credit *c)
{
    if (--c->users == 0) {
        free(c);
    }
}

static void drop_job(struct hub *h, struct page_job **list, struct page_job *job)
{
    DL_DELETE(*list, job);
    pages_drop_credit(job->credit);
    free(job);
    h->job_count--;
}

static void drop_jobs_of(struct hub *h, struct page_job **list, const struct fp_id *device, uint64_t conn)
{
    struct page_job *job;
    struct page_job *next;
    DL_FOREACH_SAFE (*list, job, next) {
        if (!device || (job->conn == conn && fp_id_eq(&job->device, device))) {
            drop_job(h, list, job);
        }
    }
}

void pages_close(struct hub *h)
{
    drop_jobs_of(h, &h->new_jobs, NULL, 0);
    drop_jobs_of(h, &h->jobs, NULL, 0);
    drop_jobs_of(h, &h->safety_jobs, NULL, 0);
    if (h->deflater) {
        deflateEnd(h->deflater);
        free(h->deflater);
    }
}

void pages_forget(struct hub *h, const struct fp_id *device, uint64_t conn)
{
    drop_jobs_of(h, &h->new_jobs, device, conn);
    drop_jobs_of(h, &h->jobs, device, conn);
    drop_jobs_of(h, &h->safety_jobs, device, conn);
}

void pages_forget_new(struct hub *h)
{
    drop_jobs_of(h, &h->new_jobs, NULL, 0);
}

enum fp_err pages_ask(struct hub *h, const struct page_job *job)
{
    if (h->job_count >= JOBS_MAX) {
        return FP_EBUSY;
    }
    struct page_job *kept = malloc(sizeof(*kept));
    if (!kept) {
        return FP_ENOMEM;
    }
    *kept = *job;
    kept->credit->users++;
    DL_APPEND(h->new_jobs, kept);
    h->job_count++;
    return FP_OK;
}

void pages_accept(struct hub *h)
{
    struct page_job *job;
    struct page_job *next;
    DL_FOREACH_SAFE (h->new_jobs, job, next) {
        DL_DELETE(h->new_jobs, job);
        if (job->safety) {
            DL_APPEND(h->safety_jobs, job);
        } else {
            DL_APPEND(h->jobs, job);
        }
    }
}

/* ------------------------------------------------------------------ one page */

struct page_build {
    uint8_t *buf;
    size_t cap;   /* of buf: one event always fits */
    size_t limit; /* of the page */
    size_t len;
    size_t count;
    uint64_t upto;
    uint64_t last; /* seq of the last event in it */
    bool full;
};

static bool add_event(struct page_build *b, struct fp_bytes one)
{
    uint64_t seq = fp_event_seq(one);
    if (seq <= b->last) {
        return true;
    }
    bool fits = b->count == 0 ? one.len <= b->cap : b->len + one.len <= b->limit;
    if (!fits || seq > b->upto) {
        b->full = true;
        return false;
    }
    memcpy(b->buf + b->len, one.p, one.len);
    b->len += one.len;
    b->count++;
    b->last = seq;
    return true;
}

static bool add_run(void *arg, const struct store_run *run)
{
    struct page_build *b = arg;
    if (run->first == b->last + 1 && run->last <= b->upto && b->len + run->events.len <= b->limit) { /* whole, without a look inside */
        memcpy(b->buf + b->len, run->events.p, run->events.len);
        b->len += run->events.len;
        b->count += (size_t)(run->last - run->first + 1);
        b->last = run->last;
        return true;
    }
    struct fp_bytes rest = run->events;
    struct fp_bytes one;
    while (fp_run_next(&rest, &one)) {
        if (!add_event(b, one)) {
            return false;
        }
    }
    return true;
}

/* The array of the page's events, deflated if that is asked for and makes it smaller. */
static struct fp_bytes deflated(struct hub *h, struct fp_bytes array)
{
    z_stream *z = h->deflater;
    size_t cap = array.len; /* what does not get smaller goes plain */
    uint8_t *out = arena_alloc(&h->arena, cap);
    if (!out || deflateReset(z) != Z_OK) {
        return (struct fp_bytes){0};
    }
    z->next_in = (Bytef *)(uintptr_t)array.p; /* zlib reads only */
    z->avail_in = (uInt)array.len;
    z->next_out = out;
    z->avail_out = (uInt)cap;
    return deflate(z, Z_FINISH) == Z_STREAM_END ? fp_bytes_of(out, cap - z->avail_out) : (struct fp_bytes){0};
}

static enum fp_err tell_page(struct hub *h, const struct page_job *job, const struct page_build *b, bool more)
{
    size_t cap = b->len + PAGE_FRAME_BYTES;
    uint8_t *array_buf = arena_alloc(&h->arena, cap);
    uint8_t *buf = arena_alloc(&h->arena, cap);
    if (!array_buf || !buf) {
        return FP_ENOMEM;
    }
    struct fp_enc array;
    fp_enc_init(&array, array_buf, cap);
    fp_enc_array(&array, b->count);
    if (b->len > 0) {
        fp_enc_raw(&array, fp_bytes_of(b->buf, b->len));
    }
    struct fp_bytes plain = fp_enc_bytes_of(&array);
    struct fp_bytes stream = job->zlib && plain.len >= WORTH_DEFLATING ? deflated(h, plain) : (struct fp_bytes){0};

    struct fp_enc e;
    fp_enc_init(&e, buf, cap);
    fp_enc_page_begin(&e, &job->conv, job->after + 1, b->last, more, stream.len > 0);
    if (stream.len > 0) {
        fp_enc_bytes(&e, stream.p, stream.len);
    } else {
        fp_enc_raw(&e, plain);
    }
    if (e.failed) {
        return FP_ENOMEM;
    }
    struct fp_topic topic = {.kind = FP_TOPIC_DEVICE_DOWN, .a = job->device};
    tells_now(h, &topic, fp_enc_bytes_of(&e), 1, false);
    h->stats.pages++;
    h->stats.page_bytes += e.len;
    return FP_OK;
}

static enum fp_err tell_snapshot(struct hub *h, struct page_job *job, struct hub_conv *c, uint64_t floor)
{
    struct fp_bytes about;
    enum fp_err err = conv_about(h, c, &about);
    if (err) {
        return err;
    }
    size_t cap = about.len + PAGE_FRAME_BYTES;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_snapshot(&e, &job->conv, floor, about);
    if (e.failed) {
        return FP_ENOMEM;
    }
    struct fp_topic topic = {.kind = FP_TOPIC_DEVICE_DOWN, .a = job->device};
    tells_now(h, &topic, fp_enc_bytes_of(&e), 1, false);
    job->after = floor;
    return FP_OK;
}

/* Bodies that no longer stand leave the page. A short one is shorter than its hash: what no longer fits goes into the next page. */
static enum fp_err elide_page(struct hub *h, const struct page_job *job, const struct hub_conv *c, struct page_build *b)
{
    struct fp_bytes run = fp_bytes_of(b->buf, b->len);
    struct fp_bytes bare;
    struct fp_bytes one;

    if (b->count == 0) {
        return FP_OK;
    }
    enum fp_err err = elide_run(h, c->c.cid, job->after + 1, b->last, run, &bare);
    if (err || bare.p == run.p) {
        return err;
    }
    b->len = 0;
    b->count = 0;
    b->last = job->after;
    while (fp_run_next(&bare, &one) && add_event(b, one)) {
    }
    return FP_OK;
}

static enum fp_err build_page(struct hub *h, const struct page_job *job, const struct hub_conv *c, struct page_build *b)
{
    size_t limit = h->config.page_bytes;
    size_t one = h->config.command_bytes + FP_EVENT_OVERHEAD_MAX;

    *b = (struct page_build){.limit = job->credit->left_bytes < limit ? job->credit->left_bytes : limit, .last = job->after, .upto = job->upto};
    b->cap = one > FP_COMMAND_BYTES_MAX + FP_EVENT_OVERHEAD_MAX ? one : FP_COMMAND_BYTES_MAX + FP_EVENT_OVERHEAD_MAX;
    b->cap = b->cap > limit ? b->cap : limit;
    b->buf = arena_alloc(&h->arena, b->cap);
    if (!b->buf) {
        return FP_ENOMEM;
    }
    if (job->after >= job->upto) {
        return FP_OK;
    }
    enum fp_err err = h->store.each_run(h->store.ctx, c->c.cid, job->after + 1, job->upto, add_run, b);
    return err ? err : elide_page(h, job, c, b);
}

/* A part of it is away: it is answered as if the floor were behind that, for now. */
static enum fp_err skip_away(struct hub *h, struct page_job *job, struct hub_conv *c, struct page_build *b)
{
    struct store_away away;
    bool found = false;
    enum fp_err err = archive_last_away(h, c->c.cid, job->after + 1, &away, &found);

    if (err || !found) {
        return err ? err : FP_EAGAIN;
    }
    err = tell_snapshot(h, job, c, away.last);
    return err ? err : build_page(h, job, c, b);
}

/* Is the job's user (still) allowed to see the conversation, and from where on? */
static enum fp_err may_see(struct hub *h, const struct page_job *job, struct hub_conv **out_conv, uint64_t *out_floor)
{
    struct fp_command asked = {.kind = FP_K_GET, .conv = job->conv};
    struct source_item who = {.user = job->user, .device = job->device};
    struct command_ctx x = {.item = &who, .cmd = &asked};

    enum fp_err err = context_conv(h, &x);
    if (err) {
        return err;
    }
    *out_conv = x.conv;
    *out_floor = context_floor(&x.conv->c, &x.member->m);
    return FP_OK;
}

/* Tells the job's next page. *out_more is false when the job is done with. */
static enum fp_err next_page(struct hub *h, struct page_job *job, bool *out_more)
{
    struct hub_conv *c = NULL;
    struct page_build b;
    uint64_t floor = 0;

    *out_more = false;
    enum fp_err err = may_see(h, job, &c, &floor);
    if (err) {
        return err == FP_EUNKNOWN ? FP_OK : err; /* he has left meanwhile */
    }
    if (job->after < floor) {
        err = tell_snapshot(h, job, c, floor);
    }
    if (!err) {
        err = build_page(h, job, c, &b);
    }
    if (err == FP_EAGAIN) {
        err = skip_away(h, job, c, &b);
    }
    if (err) {
        return err;
    }
    struct page_credit *credit = job->credit;
    credit->left_bytes -= b.len < credit->left_bytes ? b.len : credit->left_bytes;
    *out_more = b.count > 0 && b.last < job->upto && credit->left_bytes > 0;
    err = tell_page(h, job, &b, *out_more);
    job->after = b.last;
    return err;
}

/*
 * Requests that a safety message is waiting in go first, but for the last page of a turn: nobody can keep the others waiting for ever. It is known of
 * conversations that have been in memory since that message; after a restart, or after a long time, its page takes its turn like any other.
 */
static struct page_job **next_list(struct hub *h, size_t page)
{
    bool others = h->jobs && (page == PAGES_A_TURN - 1 || !h->safety_jobs);
    return others ? &h->jobs : &h->safety_jobs;
}

enum fp_err pages_run(struct hub *h)
{
    enum fp_err err = FP_OK;
    for (size_t i = 0; !err && i < PAGES_A_TURN && (h->jobs || h->safety_jobs) && h->bus.has_room(h->bus.ctx); i++) {
        struct page_job **list = next_list(h, i);
        struct page_job *job = *list;
        bool more = false;
        err = next_page(h, job, &more);
        if (!more) {
            drop_job(h, list, job);
        } else { /* to the end of the line: everybody gets a first page before anybody gets a second one */
            DL_DELETE(*list, job);
            DL_APPEND(*list, job);
        }
        arena_reset(&h->arena);
    }
    return err;
}
