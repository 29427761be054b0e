#include "plugin/hub/hub.h"

#include <stdlib.h>

#include "plugin/hub/trunk.h"

#define BATCH_MAX 2048 /* items a commit: natural group commit fills it while the one before waits for the disk */
#define CLOCK_JUMP_S 60
#define CLOCK_DOUBT_S (24 * 3600)
#define CLOCK_DOUBT_US 3600000000U /* time to set it right */
#define FAILURES_TO_STOP 16        /* failures of the store in a row: the disk is gone, and only an operator can help */

void hub_config_init(struct hub_config *c)
{
    *c = (struct hub_config){
        .command_bytes = FP_COMMAND_BYTES_MAX,
        .batch_commands = FP_BATCH_COMMANDS_MAX,
        .page_bytes = FP_PAGE_BYTES_MAX,
        .title_bytes = FP_TITLE_BYTES_MAX,
        .members = FP_MEMBERS_MAX,
        .commands_per_s = FP_RATE_PER_S,
        .asks_per_s = FP_ASKS_PER_S,
        .now_per_s = FP_NOW_PER_S,
        .answers_days = 60,
        .archive_days = 90,
        .open_scopes = true,
        .cache_convs = 4096,
    };
}

static const struct {
    enum fp_err (*open)(struct hub *h);
    void (*close)(struct hub *h);
} modules[] = {
    {pages_open, pages_close},   {receipts_open, receipts_close}, {typing_open, typing_close}, {people_open, people_close},
    {timers_open, timers_close}, {relays_open, relays_close},     {site_open, site_close},
};

enum fp_err hub_open(struct hub **out, const struct hub_config *config, struct store_port store, struct bus_port bus, const struct store_info *info)
{
    struct hub *h = calloc(1, sizeof(*h));
    if (!h) {
        return FP_ENOMEM;
    }
    h->config = *config;
    h->store = store;
    h->bus = bus;
    h->info = *info;
    h->change_next = info->change + 1;
    stage_reset(h);
    enum fp_err err = FP_OK;
    for (size_t i = 0; !err && i < sizeof(modules) / sizeof(modules[0]); i++) {
        err = modules[i].open(h);
    }
    if (err) {
        hub_close(h);
        return err;
    }
    *out = h;
    return FP_OK;
}

void hub_close(struct hub *h)
{
    if (!h) {
        return;
    }
    for (size_t i = sizeof(modules) / sizeof(modules[0]); i > 0; i--) {
        modules[i - 1].close(h);
    }
    session_fini(h);
    due_fini(h);
    cache_drop(h);
    arena_fini(&h->arena);
    free(h);
}

void hub_reconfigure(struct hub *h, const struct hub_config *config)
{
    size_t cache_convs = h->config.cache_convs;
    h->config = *config;
    h->config.cache_convs = cache_convs;
    h->prune_due.us = 0;
    h->archive_due.us = 0;
    relays_reconfigure(h);
}

const struct hub_stats *hub_stats(const struct hub *h)
{
    return &h->stats;
}

/* ------------------------------------------------------------------ turns */

static enum fp_err run_items(struct hub *h, const struct source_item *items, size_t count)
{
    enum fp_err err = FP_OK;
    for (size_t i = 0; i < count && !err; i++) {
        err = command_item(h, &items[i]);
    }
    return err ? err : batch_commit(h);
}

/* Each command on its own, so that only those fail that have to (H2). */
static enum fp_err replay(struct hub *h, const struct source_item *items, size_t count)
{
    h->replaying = true;
    h->stats.replays++;
    enum fp_err err = run_items(h, items, count);
    h->replaying = false;
    return !err && h->failures_in_a_row >= FAILURES_TO_STOP ? FP_EIO : err;
}

static enum fp_err run_batch(struct hub *h, const struct source_item *items, size_t count)
{
    if (count == 0) {
        return FP_OK;
    }
    h->stats.batches++;
    enum fp_err err = run_items(h, items, count);
    if (!err) {
        h->failures_in_a_row = 0;
        return FP_OK;
    }
    batch_undo(h);
    return replay(h, items, count);
}

static void log_jump(struct hub *h, int64_t jump_s)
{
    struct line l = {0};
    line_text(&l, jump_s > 0 ? "the clock was set forward by " : "the clock was set back by ");
    line_number(&l, (uint64_t)(jump_s > 0 ? jump_s : -jump_s));
    line_text(&l, jump_s >= CLOCK_DOUBT_S ? " s: set it right within the hour, or what is too old by it is deleted" : " s");
    tells_log(h, TELL_WARNING, &l);
}

/* A clock that was set. What it does to events is bounded (their times never go back), but a person should know why they look odd. */
static void watch_clock(struct hub *h, struct fp_mono mono, struct fp_wall wall)
{
    int64_t passed_ms = (int64_t)((mono.us - h->seen_mono.us) / 1000);
    int64_t wall_ms = (int64_t)(wall.ms - h->seen_wall.ms);
    int64_t jump_s = (wall_ms - passed_ms) / 1000;
    if (h->seen_wall.ms > 0 && (jump_s >= CLOCK_JUMP_S || jump_s <= -CLOCK_JUMP_S)) {
        h->stats.clock_jumps++;
        log_jump(h, jump_s);
        h->doubt.us = jump_s >= CLOCK_DOUBT_S ? mono.us + CLOCK_DOUBT_US : jump_s <= -CLOCK_DOUBT_S ? 0 : h->doubt.us;
    }
    h->seen_mono = mono;
    h->seen_wall = wall;
}

enum fp_err hub_turn(struct hub *h, const struct source_item *items, size_t count, struct fp_mono mono, struct fp_wall wall)
{
    watch_clock(h, mono, wall);
    enum fp_err err = run_batch(h, items, count);
    h->bus.flush(h->bus.ctx); /* answers do not wait for what is merely due */
    ops_answered(h, items, count);
    h->mono = mono;
    h->wall = wall;
    if (!err) {
        err = due_run(h);
    }
    if (!err) {
        err = pages_run(h);
    }
    if (err) { /* what was due and not told is asked for again; a read may well work the next time */
        batch_undo(h);
        h->failures_in_a_row += err != FP_EFULL && err != FP_EAGAIN;
        err = h->failures_in_a_row >= FAILURES_TO_STOP ? err : FP_OK;
    }
    cache_trim(h);
    h->bus.flush(h->bus.ctx);
    return err;
}

uint64_t hub_wait_us(const struct hub *h, struct fp_mono now)
{
    bool room = h->bus.has_room(h->bus.ctx);
    if (h->jobs || h->safety_jobs || h->republish_after != UINT64_MAX) {
        return room ? 0 : 1000;
    }
    return due_wait_us(h, now);
}

enum fp_err hub_run(struct hub *h, struct source_port source)
{
    struct source_item *items = malloc(BATCH_MAX * sizeof(*items));
    struct fp_mono mono = {0};
    struct fp_wall wall = {0};
    enum fp_err err = items ? FP_OK : FP_ENOMEM;

    while (!err) {
        size_t count = 0;
        err = source.take(source.ctx, hub_wait_us(h, mono), items, BATCH_MAX, &count, &mono, &wall);
        if (!err) {
            err = hub_turn(h, items, count, mono, wall);
            source.done(source.ctx);
        }
    }
    free(items);
    return err == FP_ESHUTDOWN ? FP_OK : err;
}
