#include "plugin/hub/hub.h"

#include <stdlib.h>

#include "plugin/hub/state.h"

#define BATCH_MAX 2048      /* items a commit: natural group commit fills it while the one before waits for the disk */
#define FAILURES_TO_STOP 16 /* failures of the store in a row: the disk is gone, and only an operator can help */

void hub_config_init(struct hub_config *c)
{
    *c = (struct hub_config){
        .command_bytes = FP_COMMAND_BYTES_MAX,
        .batch_commands = FP_BATCH_COMMANDS_MAX,
        .page_bytes = FP_PAGE_BYTES_MAX,
        .title_bytes = FP_TITLE_BYTES_MAX,
        .members = FP_MEMBERS_MAX,
        .commands_per_s = FP_RATE_PER_S,
        .answers_days = 60,
        .open_scopes = true,
        .cache_convs = 4096,
    };
}

static void reset_batch(struct hub *h)
{
    arena_reset(&h->arena);
    h->begun = false;
    h->staged_convs = NULL;
    h->staged_convs_end = &h->staged_convs;
    h->staged_members = NULL;
    h->staged_devices = NULL;
    h->staged_devices_end = &h->staged_devices;
    h->tells = NULL;
    h->tells_end = &h->tells;
}

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
    h->session_next = (info->boot << 32) | 1U; /* grows from start to start */
    h->change_next = info->change + 1;
    reset_batch(h);
    enum fp_err err = pages_open(h);
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
    pages_close(h);
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
}

const struct hub_stats *hub_stats(const struct hub *h)
{
    return &h->stats;
}

bool hub_is_service(const struct hub *h, const struct fp_id *user)
{
    for (size_t i = 0; i < h->config.service_count; i++) {
        if (fp_id_eq(&h->config.services[i], user)) {
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ the batch */

enum fp_err hub_begin(struct hub *h)
{
    if (h->begun) {
        return FP_OK;
    }
    enum fp_err err = h->store.begin(h->store.ctx);
    h->begun = err == FP_OK;
    return err;
}

void hub_stage_conv(struct hub *h, struct hub_conv *c)
{
    if (!c->staged) {
        c->staged = true;
        c->next_staged = NULL;
        *h->staged_convs_end = c;
        h->staged_convs_end = &c->next_staged;
    }
}

void hub_stage_device(struct hub *h, struct hub_device *d)
{
    if (!d->staged) {
        d->staged = true;
        d->next_staged = NULL;
        *h->staged_devices_end = d;
        h->staged_devices_end = &d->next_staged;
    }
}

static enum fp_err save_convs(struct hub *h)
{
    enum fp_err err = FP_OK;
    for (struct hub_conv *c = h->staged_convs; c && !err; c = c->next_staged) {
        err = event_flush(h, c);
        if (!err && c->about_changed) {
            err = conv_publish_about(h, c);
        }
    }
    return err;
}

static enum fp_err save_members(struct hub *h)
{
    enum fp_err err = FP_OK;
    for (struct hub_member *m = h->staged_members; m && !err; m = m->next_staged) {
        err = h->store.save_read_msgs(h->store.ctx, m->key.cid, &m->key.user, m->m.read_msgs);
    }
    return err;
}

static enum fp_err save_devices(struct hub *h)
{
    enum fp_err err = FP_OK;
    for (struct hub_device *d = h->staged_devices; d && !err; d = d->next_staged) {
        err = answer_save(h, d);
        if (!err) {
            err = answer_tell_acks(h, d);
        }
    }
    return err;
}

static void unstage(struct hub *h)
{
    for (struct hub_conv *c = h->staged_convs; c; c = c->next_staged) {
        c->staged = false;
        c->about_changed = false;
        c->run = (struct piece_list){0};
    }
    for (struct hub_member *m = h->staged_members; m; m = m->next_staged) {
        m->staged = false;
    }
    for (struct hub_device *d = h->staged_devices; d; d = d->next_staged) {
        d->staged = false;
        d->rows = (struct piece_list){0};
        d->acks = (struct piece_list){0};
    }
}

/* Heads go out after the commit, in due_run(); here they only queue up. */
static enum fp_err queue_heads(struct hub *h)
{
    enum fp_err err = FP_OK;
    for (struct hub_conv *c = h->staged_convs; c && !err; c = c->next_staged) {
        err = due_head(h, c);
    }
    return err;
}

enum fp_err hub_commit(struct hub *h)
{
    enum fp_err err = save_convs(h);
    if (!err) {
        err = save_members(h);
    }
    if (!err) {
        err = save_devices(h);
    }
    if (!err && h->begun) {
        err = h->store.commit(h->store.ctx);
        h->stats.commits++;
        h->stats.commit_failures += err != FP_OK;
    }
    if (err) {
        return err;
    }
    tells_release(h); /* H1 */
    pages_accept(h);
    err = queue_heads(h);
    unstage(h);
    reset_batch(h);
    return err;
}

void hub_undo(struct hub *h)
{
    if (h->begun) {
        h->store.rollback(h->store.ctx);
    }
    pages_forget_new(h);
    unstage(h);
    cache_drop(h); /* M1 */
    reset_batch(h);
}

static enum fp_err run_items(struct hub *h, const struct source_item *items, size_t count)
{
    enum fp_err err = FP_OK;
    for (size_t i = 0; i < count && !err; i++) {
        err = command_item(h, &items[i]);
    }
    return err ? err : hub_commit(h);
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
    hub_undo(h);
    return replay(h, items, count);
}

enum fp_err hub_turn(struct hub *h, const struct source_item *items, size_t count, struct fp_mono mono, struct fp_wall wall)
{
    enum fp_err err = run_batch(h, items, count);
    h->bus.flush(h->bus.ctx); /* answers do not wait for what is merely due */
    h->mono = mono;
    h->wall = wall;
    if (!err) {
        err = due_run(h);
    }
    if (!err) {
        err = pages_run(h);
    }
    if (err) { /* what was due and not told is asked for again; a read may well work the next time */
        hub_undo(h);
        h->failures_in_a_row++;
        err = h->failures_in_a_row >= FAILURES_TO_STOP ? err : FP_OK;
    }
    cache_trim(h);
    h->bus.flush(h->bus.ctx);
    return err;
}

uint64_t hub_wait_us(const struct hub *h, struct fp_mono now)
{
    bool room = h->bus.has_room(h->bus.ctx);
    if (h->jobs || h->republish_after != UINT64_MAX) {
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
