#include "firmware-client/core/client_impl.h"
#include "firmware-client/core/entry.h"

#define ACK_ROW_BYTES 66 /* n, conversation, seq, time */
#define TYPING_US (3 * FP_SECOND_US)
#define ROUNDS_MAX 4

/* ------------------------------------------------------------------ memory */

static void *carve(uint8_t *base, size_t *at, size_t bytes)
{
    void *p = base ? base + *at : NULL;
    *at += (bytes + 7) & ~(size_t)7;
    return p;
}

/* c NULL: only counts. */
static size_t lay_out(const struct fp_client_config *g, struct fp_client *c)
{
    struct fp_client none;
    size_t at = 0;
    uint8_t *base = c ? g->memory : NULL;
    c = c ? c : &none;
    (void)carve(base, &at, sizeof(*c));
    c->box.slots = carve(base, &at, g->entries * sizeof(struct fp_slot));
    c->lives = carve(base, &at, g->entries * sizeof(struct fp_life));
    c->box.cursors = carve(base, &at, g->convs * sizeof(struct fp_cursor));
    c->follows = carve(base, &at, g->convs * sizeof(struct fp_follow));
    c->tracked = carve(base, &at, g->tracked * sizeof(struct fp_tracked));
    c->reorder = carve(base, &at, g->reorder_bytes);
    c->rx = carve(base, &at, g->rx_bytes);
    c->tx.buf = carve(base, &at, g->tx_bytes);
    return at;
}

size_t fp_client_memory(const struct fp_client_config *config)
{
    return lay_out(config, NULL);
}

static const char *wrong_field(const struct fp_client_config *g)
{
    struct fp_id id;
    if (!g->user || !fp_id_parse(g->user, strlen(g->user), &id)) {
        return "user";
    }
    if (!g->device || !fp_id_parse(g->device, strlen(g->device), &id)) {
        return "device";
    }
    if (g->rx_bytes < 512) {
        return "rx_bytes";
    }
    if (g->tx_bytes < 512) {
        return "tx_bytes";
    }
    if (g->entries == 0) {
        return "entries";
    }
    if (!g->transport.open || !g->transport.read || !g->transport.write || !g->transport.close) {
        return "transport";
    }
    if (!g->storage.read || !g->storage.program || !g->storage.erase || !g->storage.sync) {
        return "storage";
    }
    if (!g->random.next) {
        return "random";
    }
    if (!g->notify) {
        return "notify";
    }
    if (!g->memory || ((uintptr_t)g->memory & 7) != 0 || g->memory_bytes < fp_client_memory(g)) {
        return "memory";
    }
    return NULL;
}

static void set_defaults(struct fp_client_config *g)
{
    g->keepalive_s = g->keepalive_s > 0 ? g->keepalive_s : 60;
    g->backoff_min_ms = g->backoff_min_ms > 0 ? g->backoff_min_ms : 200;
    g->backoff_max_ms = g->backoff_max_ms > 0 ? g->backoff_max_ms : 60000;
    g->window = g->window > 0 ? g->window : 256;
    uint32_t rows = (g->rx_bytes - 128) / ACK_ROW_BYTES; /* the answers to all that is under way may come in one ack, which must fit rx */
    g->window = rows < FP_ACKS_MAX && rows < g->window ? rows : g->window;
}

enum fp_err fp_client_open(const struct fp_client_config *config, struct fp_mono now, struct fp_client **out, const char **out_why)
{
    *out = NULL;
    *out_why = wrong_field(config);
    if (*out_why) {
        return FP_ECONFIG;
    }
    struct fp_client *c = config->memory;
    memset(c, 0, sizeof(*c));
    (void)lay_out(config, c);
    c->config = *config;
    set_defaults(&c->config);
    (void)fp_id_parse(config->user, strlen(config->user), &c->user);
    (void)fp_id_parse(config->device, strlen(config->device), &c->device);
    memset(c->tracked, 0, config->tracked * sizeof(*c->tracked));
    c->tx.cap = config->tx_bytes;
    c->now = c->run_us = now.us;
    c->limits.command_bytes = FP_COMMAND_BYTES_MAX;
    c->limits.batch_commands = FP_BATCH_COMMANDS_MAX;
    c->limits.commands_per_s = FP_RATE_PER_S;
    c->follow_due = c->save_due = c->receipts_due = c->subs_due = FP_NEVER;
    enum fp_err err = fp_outbox_open(&c->box, config->storage, c->box.slots, config->entries, c->box.cursors, config->convs);
    if (err) {
        *out_why = "storage";
        return err;
    }
    fp_follow_restore(c);
    fp_uplink_start(c);
    *out = c;
    return FP_OK;
}

void fp_client_close(struct fp_client *c)
{
    if (c) {
        fp_receipts_save(c);
        c->config.transport.close(c->config.transport.ctx);
        c->step = FP_STEP_CLOSED;
    }
}

/* ------------------------------------------------------------------ link */

void fp_client_connect(struct fp_client *c)
{
    c->wanted = true;
}

void fp_client_disconnect(struct fp_client *c)
{
    c->wanted = false;
    c->leave = true;
}

void fp_client_wake(struct fp_client *c)
{
    if (c->step == FP_STEP_CLOSED) {
        c->retry_at = fp_min_u64(c->retry_at, c->attempt_at + FP_SECOND_US);
    }
}

enum fp_link fp_client_link(const struct fp_client *c)
{
    return c->link;
}

bool fp_client_wants_write(const struct fp_client *c)
{
    return c->tx.len > 0 || c->step == FP_STEP_OPENING;
}

struct fp_mono fp_client_poll(struct fp_client *c, struct fp_mono now)
{
    c->now = fp_max_u64(c->now, now.us);
    c->due = FP_NEVER;
    c->blocked = true;
    for (int i = 0; i < ROUNDS_MAX && (c->blocked || c->due <= c->now); i++) {
        c->blocked = false;
        c->due = FP_NEVER;
        fp_uplink_expire(c);
        if (c->now >= c->save_due) {
            fp_receipts_save(c);
        }
        fp_session_work(c);
        fp_session_flush(c);
        fp_due(c, c->save_due);
        if (c->tx.len > 0) { /* it goes on when the transport takes more */
            return (struct fp_mono){fp_max_u64(c->due, c->now)};
        }
    }
    if (c->blocked) { /* what did not fit does now */
        fp_due(c, c->now);
    }
    return (struct fp_mono){fp_max_u64(c->due, c->now)};
}

/* ------------------------------------------------------------------ sending */

static enum fp_err check(const struct fp_command *cmd)
{
    struct fp_dec d;
    const char *why = NULL;
    if (!fp_kind_is_durable(cmd->kind) || cmd->priority > FP_PRIORITY_BULK || (cmd->trace.len > 0 && cmd->trace.len != 16)) {
        return FP_EMALFORMED;
    }
    if (cmd->body.len > 0) {
        fp_dec_init(&d, cmd->body);
        (void)fp_dec_raw_within(&d, FP_BODY_DEPTH_MAX);
        if (!fp_dec_done(&d) || fp_cbor_check(cmd->body, NULL, &why)) {
            return FP_EMALFORMED;
        }
    }
    return FP_OK;
}

/* Alone in a publish, and with what the attempt adds. */
static bool fits(const struct fp_client *c, size_t stored_len)
{
    return stored_len + FP_ENTRY_SLACK <= c->tx.cap - FP_PUBLISH_BYTES && stored_len + FP_ENTRY_SLACK / 2 <= c->limits.command_bytes;
}

enum fp_err fp_client_send(struct fp_client *c, const struct fp_command *cmd, struct fp_mono now, uint64_t *out_ticket)
{
    uint8_t head[FP_ENTRY_HEAD_MAX];
    struct fp_composed composed = {0};
    uint64_t error_ms = 0;
    uint64_t ticket = 0;
    const struct fp_follow *f = fp_id_is_none(&cmd->conv) ? NULL : fp_follow_find(c, &cmd->conv);
    enum fp_err err = check(cmd);
    if (err) {
        return err;
    }
    c->now = fp_max_u64(c->now, now.us);
    if (fp_client_time(c, now, &composed.at, &error_ms)) {
        composed.error_ms = (uint32_t)fp_min_u64(error_ms, UINT32_MAX);
    }
    size_t len = fp_entry_head(cmd, f ? f->pub.cursor : 0, head);
    if (!fits(c, len + cmd->body.len)) {
        return FP_ETOOLARGE;
    }
    err = fp_outbox_append(&c->box, composed, fp_bytes_of(head, len), cmd->body, &ticket);
    if (err) {
        return err;
    }
    struct fp_life *life = &c->lives[ticket % c->box.slot_cap];
    life->born_ms = (uint32_t)fp_ms_of(c->now - c->run_us);
    life->ttl_s = cmd->has_ttl ? (uint32_t)fp_min_u64(cmd->ttl_s, UINT32_MAX - 1) : UINT32_MAX;
    if (cmd->has_ttl) {
        c->has_ttl = true;
        c->ttl_due = c->now;
    }
    if (cmd->priority == FP_PRIORITY_SAFETY) {
        fp_client_wake(c);
    }
    if (out_ticket) {
        *out_ticket = ticket;
    }
    fp_due(c, c->now);
    return FP_OK;
}

enum fp_err fp_client_cancel(struct fp_client *c, uint64_t ticket)
{
    const struct fp_slot *slot = fp_outbox_slot(&c->box, ticket);
    if (!slot || (slot->marks & FP_SLOT_ANSWERED) != 0) {
        return FP_EUNKNOWN;
    }
    if ((slot->marks & (c->box.epoch == 0 ? FP_SLOT_SENT : FP_SLOT_SENT | FP_SLOT_OLD)) != 0) {
        return FP_EBUSY;
    }
    enum fp_err err = fp_outbox_cancel(&c->box, ticket);
    if (err) {
        return err;
    }
    struct fp_notice n = {.kind = FP_NOTICE_STATE, .ticket = ticket, .state = FP_SEND_FAILED};
    fp_tell(c, &n);
    return FP_OK;
}

uint32_t fp_client_pending(const struct fp_client *c)
{
    uint32_t count = 0;
    for (uint64_t t = c->box.first; t < c->box.next; t++) {
        const struct fp_slot *slot = fp_outbox_slot(&c->box, t);
        count += slot && (slot->marks & FP_SLOT_ANSWERED) == 0;
    }
    return count;
}

/* ------------------------------------------------------------------ what need not last */

static bool pass(struct fp_client *c, const struct fp_command *cmd)
{
    struct fp_message m;
    struct fp_enc e;
    uint64_t at = 0;
    return fp_is_online(c) && fp_rate_take(c, &at) && fp_out_begin(c, &m, fp_kind_is_now(cmd->kind) ? FP_TOPIC_DEVICE_NOW : FP_TOPIC_DEVICE_UP, &e) &&
           fp_command_encode(&e, cmd) && fp_out_end(c, &m, &e);
}

enum fp_err fp_client_pass(struct fp_client *c, const struct fp_command *cmd)
{
    const char *why = NULL;
    if (fp_kind_is_durable(cmd->kind) || !fp_kind_is_known(cmd->kind) || (cmd->body.len > 0 && fp_cbor_check(cmd->body, NULL, &why))) {
        return FP_EMALFORMED;
    }
    return pass(c, cmd) ? FP_OK : FP_EAGAIN;
}

void fp_client_typing(struct fp_client *c, const struct fp_id *conv, bool typing, struct fp_mono now)
{
    uint8_t body = typing ? 0xf5 : 0xf4;
    struct fp_command cmd = {.kind = FP_K_TYPING, .conv = *conv, .priority = FP_PRIORITY_NORMAL, .body = {&body, 1}};
    bool same = fp_id_eq(conv, &c->typing_conv);
    c->now = fp_max_u64(c->now, now.us);
    if (typing ? same && c->now < c->typing_until : !same) {
        return; /* told already */
    }
    if (pass(c, &cmd)) {
        c->typing_conv = *conv;
        c->typing_conv.len = typing ? conv->len : 0;
        c->typing_until = c->now + TYPING_US;
        fp_due(c, c->now);
    }
}

/* ------------------------------------------------------------------ conversations */

const struct fp_conv *fp_client_conv_at(const struct fp_client *c, size_t index)
{
    return index < c->follow_count ? &c->follows[index].pub : NULL;
}

const struct fp_conv *fp_client_conv(const struct fp_client *c, const struct fp_id *conv)
{
    const struct fp_follow *f = fp_follow_find(c, conv);
    return f ? &f->pub : NULL;
}

uint64_t fp_client_epoch(const struct fp_client *c)
{
    return c->box.epoch;
}
