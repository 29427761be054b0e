/* Custody: what a device here has said is on disk here, told here, and on its way to the hub. */
#include "plugin/core/compose.h"
#include "plugin/hub/site.h"

#define LOOK_BACK 64 /* numbers of a device, for its open branches */
#define REFUSED_BYTES 32

/* ------------------------------------------------------------------ the log */

enum fp_err site_log(struct hub *h, uint8_t lane, const struct fp_record_up *r, uint64_t *out_number)
{
    size_t cap = r->command.len + 2 * (FP_ID_MAX + 2) + 48;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    if (!fp_enc_record_up(&e, r)) {
        return FP_ENOMEM;
    }
    struct store_record row = {.lane = lane, .at = h->wall, .boot = h->info.boot, .mono_ms = h->mono.us / 1000, .record = fp_enc_bytes_of(&e)};
    enum fp_err err = stage_begin(h);
    if (!err) {
        err = h->store.add_record(h->store.ctx, &row);
    }
    if (!err) {
        h->site->now.next[lane] = row.number + 1;
        *out_number = row.number;
    }
    return err;
}

struct copying {
    struct hub *h;
    struct store_record row;
    bool found;
};

static bool copy_record(void *arg, const struct store_record *r)
{
    struct copying *k = arg;
    k->row = *r;
    k->row.record = arena_copy(&k->h->arena, r->record);
    k->found = true;
    return false;
}

enum fp_err site_log_again(struct hub *h, struct store_branch *b, uint8_t lane, bool *out_gone)
{
    struct copying k = {.h = h};
    enum fp_err err = h->store.each_record(h->store.ctx, b->lane, b->number, 1, copy_record, &k);
    *out_gone = !err && (!k.found || k.row.number != b->number);
    if (err || *out_gone) {
        return err;
    }
    k.row.lane = lane;
    err = k.row.record.p ? stage_begin(h) : FP_ENOMEM;
    if (!err) {
        err = h->store.add_record(h->store.ctx, &k.row);
    }
    if (err) {
        return err;
    }
    h->site->now.next[lane] = k.row.number + 1;
    b->lane = lane;
    b->number = k.row.number;
    return h->store.save_branch(h->store.ctx, b);
}

enum fp_err site_keep(struct hub *h, struct store_branch *b)
{
    struct fp_bytes event = b->event;
    b->event = arena_copy(&h->arena, event);
    return b->event.p || event.len == 0 ? FP_OK : FP_ENOMEM;
}

/* The device's branches that are not settled, the newest first, at most cap of the latest LOOK_BACK. */
static enum fp_err find_open(struct hub *h, const struct command_ctx *x, struct store_branch *out, size_t cap, size_t *out_count)
{
    uint64_t n = x->cmd->n;
    enum fp_err err = FP_OK;
    *out_count = 0;
    for (unsigned i = 0; !err && i < LOOK_BACK && n > 1 && *out_count < cap; i++) {
        bool found = false;
        struct store_branch *b = &out[*out_count];
        err = h->store.load_branch(h->store.ctx, &x->item->device, --n, b, &found);
        if (!err && found && !b->settled) {
            err = site_keep(h, b);
            (*out_count)++;
        }
    }
    return err;
}

/* What the device has in other lanes goes first (K3); the copies that are on their way later are known to the hub by then. */
static enum fp_err take_along(struct hub *h, const struct command_ctx *x, size_t open, uint8_t *out_lane)
{
    struct store_branch *b = arena_alloc(&h->arena, open * sizeof(*b));
    size_t count = 0;
    enum fp_err err = b ? find_open(h, x, b, open, &count) : FP_ENOMEM;
    if (!err && count < open) { /* further back than is worth looking */
        *out_lane = SITE_LANE_BULK;
        return FP_OK;
    }
    for (size_t i = count; !err && i > 0; i--) {
        bool gone = false;
        bool there = b[i - 1].lane == SITE_LANE_URGENT || h->site->link.lanes[b[i - 1].lane].acked >= b[i - 1].number;
        err = there ? FP_OK : site_log_again(h, &b[i - 1], SITE_LANE_URGENT, &gone);
    }
    *out_lane = SITE_LANE_URGENT;
    return err;
}

static uint8_t lane_wanted(const struct command_ctx *x)
{
    bool ordered = x->conv && x->conv->c.head > 0; /* what begins a conversation must not be overtaken by what is said in it */
    switch (x->cmd->priority) {
    case FP_PRIORITY_SAFETY:
        return ordered || x->cmd->kind == FP_K_CONV_NEW ? SITE_LANE_URGENT : SITE_LANE_MESSAGES;
    case FP_PRIORITY_BULK:
        return x->cmd->kind == FP_K_MSG ? SITE_LANE_BULK : SITE_LANE_MESSAGES;
    default:
        return SITE_LANE_MESSAGES;
    }
}

enum fp_err site_lane_of(struct hub *h, struct command_ctx *x, uint8_t *out_lane)
{
    uint8_t wanted = lane_wanted(x);
    uint64_t open = 0;
    size_t count = 0;
    struct store_branch last;
    *out_lane = wanted;
    enum fp_err err = h->store.count_branches(h->store.ctx, &x->item->device, &open);
    if (err || open == 0) {
        return err;
    }
    if (wanted == SITE_LANE_URGENT && open <= SITE_OVERTAKE_MAX) {
        return take_along(h, x, (size_t)open, out_lane);
    }
    err = find_open(h, x, &last, 1, &count);
    uint8_t behind = count > 0 ? last.lane : SITE_LANE_BULK; /* those before it are there, or in an earlier lane */
    behind = behind == SITE_LANE_URGENT ? SITE_LANE_MESSAGES : behind;
    *out_lane = wanted == SITE_LANE_URGENT || behind > wanted ? behind : wanted;
    return err;
}

/* Ascending with every record, over all lanes and restarts. */
static uint64_t place(const struct site *s)
{
    uint64_t sum = 0;
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        sum += s->now.next[lane] - 1;
    }
    return sum + 1;
}

/* ------------------------------------------------------------------ the provisional event */

static enum fp_err tell_event(struct hub *h, const struct hub_conv *c, struct fp_bytes event)
{
    struct fp_topic topic = topic_of_conv(FP_TOPIC_CONV_EVENT, &c->c);
    return tells_publish(h, &topic, event, false);
}

static enum fp_err make_event(struct hub *h, struct command_ctx *x, const struct fp_record_up *r, struct fp_bytes *out)
{
    struct compose_place at = {.conv = x->conv->c.id, .head = x->conv->c.head, .at = x->conv->c.at};
    struct fp_event ev = compose_event(x->cmd, &at, &x->item->user, &x->item->device, h->wall);
    struct fp_msg msg = {0};
    const char *why = NULL;
    if (ev.kind == FP_K_MSG && fp_msg_decode(ev.body, &msg, &why) == FP_OK && msg.must_confirm) {
        ev.flags |= FP_FLAG_CONFIRM;
    }
    ev.flags |= FP_FLAG_PROVISIONAL;
    ev.seq = 0;
    ev.branch_relay = h->config.relay;
    ev.branch_base = r->base;
    ev.branch_k = r->k;
    size_t cap = ev.body.len + FP_EVENT_OVERHEAD_MAX;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    if (!fp_event_encode(&e, &ev)) {
        return FP_ENOMEM;
    }
    *out = fp_enc_bytes_of(&e);
    enum fp_err err = tell_event(h, x->conv, *out);
    if (!err) {
        typing_stop(h, &ev.conv, &ev.user);
        err = alerts_said(h, x, &ev);
    }
    return err;
}

/* It is usable here at once; the canonical event fills it in, or takes it away. */
static enum fp_err begin_conv(struct hub *h, struct command_ctx *x)
{
    struct fp_conv_body body;
    struct hub_conv *known = NULL;
    if (fp_id_is_none(&x->cmd->conv)) { /* the hub makes the id */
        return FP_OK;
    }
    enum fp_err err = fp_conv_body_decode(x->cmd->body, h->config.title_bytes, &body, &x->why);
    if (!err) {
        err = cache_conv(h, &x->cmd->conv, &known);
    }
    struct store_conv row = {.id = x->cmd->conv, .scope = body.scope, .retention_days = body.retention_days};
    row.cid = known ? known->c.cid : 0;
    x->conv = known;
    if (!err) {
        err = conv_save_new(h, x, &body, &row);
    }
    if (!err) {
        x->conv->about_changed = true;
        stage_conv(h, x->conv);
    }
    return err;
}

/*
 * What would be refused by what is known here may have been taken by the hub, to which the device has sent it another way, or may be by the time that
 * it gets there. So a final answer is the hub's alone; of what is in doubt nothing is told here but that it is relayed.
 */
static enum fp_err is_in_doubt(struct hub *h, struct command_ctx *x, enum fp_err decoded)
{
    if (decoded) {
        return decoded;
    }
    return compose_expired(x->cmd) ? FP_EEXPIRED : site_check(h, x);
}

static struct fp_bytes number_alone(const struct fp_command *cmd, uint8_t buf[REFUSED_BYTES])
{
    struct fp_enc e;
    fp_enc_init(&e, buf, REFUSED_BYTES);
    fp_enc_map(&e, 2);
    fp_enc_uint(&e, FP_KEY_KIND);
    fp_enc_uint(&e, cmd->kind);
    fp_enc_uint(&e, FP_KEY_N);
    fp_enc_uint(&e, cmd->n);
    return fp_enc_bytes_of(&e);
}

/* Into the log, and beside it the branch. shown: with the event that is told here. */
static enum fp_err keep(struct hub *h, struct command_ctx *x, struct fp_record_up *r, struct store_branch *b, bool shown)
{
    r->base = x->conv ? x->conv->c.head : 0;
    r->k = place(h->site);
    enum fp_err err = site_log(h, b->lane, r, &b->number);
    if (!err && shown && x->conv) {
        b->cid = x->conv->c.cid;
        err = make_event(h, x, r, &b->event);
    }
    return err ? err : h->store.save_branch(h->store.ctx, b);
}

enum fp_err site_take(struct hub *h, struct command_ctx *x, enum fp_err decoded)
{
    struct store_branch b = {.device = x->item->device, .n = x->cmd->n, .code = x->second ? FP_EGAP : 0, .at = h->wall};
    struct fp_record_up r = {.user = x->item->user, .device = x->item->device, .command = x->raw, .has_custody = true};
    uint8_t buf[REFUSED_BYTES];

    if (site_unmet(h)) {
        x->why = "this site has not met its hub yet";
        return answer_retry(h, x, FP_EBUSY);
    }
    x->why = site_disk_refuses(h, x);
    if (x->why) {
        h->site->counters.full++;
        return answer_retry(h, x, FP_EFULL);
    }
    enum fp_err doubt = is_in_doubt(h, x, decoded);
    if (doubt && !fp_err_is_peer(doubt)) {
        return doubt;
    }
    if (decoded && decoded != FP_EUNSUPPORTED) { /* not to be carried: too long, or no command at all */
        r.command = number_alone(x->cmd, buf);
        r.refused = decoded;
    }
    enum fp_err err = stage_begin(h);
    if (!err && !doubt && x->cmd->kind == FP_K_CONV_NEW) {
        err = begin_conv(h, x);
    }
    if (!err) {
        err = site_lane_of(h, x, &b.lane);
    }
    if (!err) {
        err = keep(h, x, &r, &b, !doubt);
    }
    if (err) {
        return err;
    }
    h->site->counters.taken++;
    h->site->counters.doubted += doubt != FP_OK;
    return answer_relayed(h, x, &x->cmd->conv, h->wall);
}

/* ------------------------------------------------------------------ what else goes up */

enum fp_err site_log_refused(struct hub *h, const struct command_ctx *x, enum fp_err code, uint8_t lane)
{
    uint8_t buf[REFUSED_BYTES];
    struct store_branch b = {.device = x->item->device, .n = x->cmd->n, .lane = lane, .settled = true, .code = (uint64_t)code, .at = h->wall};
    struct fp_record_up r = {.user = x->item->user,
                             .device = x->item->device,
                             .command = number_alone(x->cmd, buf),
                             .has_custody = true,
                             .k = place(h->site),
                             .refused = code};
    enum fp_err err = site_log(h, lane, &r, &b.number);
    return err ? err : h->store.save_branch(h->store.ctx, &b); /* by which it is found, should the hub miss what comes before it */
}

enum fp_err site_pass_on(struct hub *h, struct command_ctx *x)
{
    uint64_t kind = x->cmd->kind;
    if (site_unmet(h) || (kind != FP_K_RECEIPT && kind != FP_K_STATUS && kind != FP_K_POLICY)) {
        return FP_OK;
    }
    uint64_t number = 0;
    struct fp_record_up r = {.user = x->item->user, .device = x->item->device, .command = x->raw, .has_custody = true, .k = place(h->site)};
    return site_log(h, SITE_LANE_STATE, &r, &number);
}
