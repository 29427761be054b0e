/* When old events go into the archive (store.h), and what its files have to say. */
#include "plugin/hub/trunk.h"

#define DAY_MS 86400000ULL
#define LOOK_EVERY_US 21600000000U /* six hours */
#define LOOK_AT_ONCE_US 1000000U   /* archive_days 0 */
#define STEP_EVERY_US 50000U       /* a step of twice the size took 17 ms: who waits for a commit meets few of them */
#define AGAIN_AFTER_US 600000000U  /* the archive's disk is full, or not there */

static void tell_lines(struct hub *h)
{
    const char *text = h->store.line(h->store.ctx);

    for (; text; text = h->store.line(h->store.ctx)) {
        struct line l = {0};
        line_text(&l, text);
        tells_log(h, TELL_WARNING, &l);
    }
}

static struct fp_wall days_ago(const struct hub *h, uint64_t days)
{
    uint64_t ms = days * DAY_MS;
    return (struct fp_wall){.ms = h->wall.ms > ms ? h->wall.ms - ms : 0};
}

static bool has_one(const struct hub *h)
{
    return h->config.archive && !site_is(h);
}

static uint64_t due_us(const struct hub *h)
{
    return h->archive_due.us > h->doubt.us ? h->archive_due.us : h->doubt.us;
}

/* A step that fails has moved nothing, and its line says why: the hub goes on without. */
enum fp_err archive_run(struct hub *h)
{
    bool more = false;

    tell_lines(h);
    if (!has_one(h) || due_us(h) > h->mono.us) {
        return FP_OK;
    }
    uint64_t days = h->config.archive_days;
    enum fp_err err = h->store.archive(h->store.ctx, days_ago(h, days), days_ago(h, 2 * days), &more);
    uint64_t look_us = days == 0 ? LOOK_AT_ONCE_US : LOOK_EVERY_US;
    h->archive_due.us = h->mono.us + (err ? AGAIN_AFTER_US : more ? STEP_EVERY_US : look_us);
    tell_lines(h);
    return FP_OK;
}

uint64_t archive_wait_us(const struct hub *h, struct fp_mono now)
{
    if (!has_one(h)) {
        return UINT64_MAX;
    }
    return due_us(h) > now.us ? due_us(h) - now.us : 0;
}

enum fp_err archive_last_away(struct hub *h, uint64_t cid, uint64_t from, struct store_away *out, bool *out_found)
{
    struct store_away one;
    bool found = true;
    enum fp_err err = FP_OK;

    *out_found = false;
    while (!err && found) {
        err = h->store.find_away(h->store.ctx, cid, from, &one, &found);
        if (!err && found) {
            *out = one;
            *out_found = true;
            from = one.last + 1;
        }
    }
    return err;
}
