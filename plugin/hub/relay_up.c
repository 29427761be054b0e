/* Records that a relay brings: who may bring what (R4), and what it hears of them. */
#include "plugin/hub/relay.h"

#define HOLD_US 1000000U /* the store failed: so long before the relay sends again */
#define PAST_CONVS 64    /* of a scope: looked into for one who is no longer in any of them */

/* ------------------------------------------------------------------ what a relay may do */

enum fp_err relay_speaks_for(struct hub *h, const struct relay *r, const struct fp_id *user, bool *out)
{
    enum fp_err err = FP_OK;
    *out = false;
    if (context_is_service(h, user)) {
        return FP_OK;
    }
    for (size_t i = 0; i < r->rights.user_count && !*out; i++) {
        *out = fp_id_eq(&r->rights.users[i], user);
    }
    for (size_t i = 0; i < r->rights.scope_count && r->rights.user_count == 0 && !err && !*out; i++) {
        uint8_t role = FP_ROLE_NONE;
        bool exists = false;
        err = h->store.load_scope(h->store.ctx, &r->rights.scopes[i], user, &role, &exists);
        *out = !err && role != FP_ROLE_NONE;
    }
    return err;
}

/* What does not exist is for the command's handler to refuse. */
static enum fp_err is_within(struct hub *h, const struct relay *r, const struct fp_id *conv, bool *out)
{
    struct hub_conv *c = NULL;
    enum fp_err err = cache_conv(h, conv, &c);
    *out = !err && (!c || relay_serves(r, &c->c.scope));
    return err;
}

enum fp_err relays_may_touch(struct hub *h, const struct fp_id *conv)
{
    bool own = false;
    enum fp_err err = is_within(h, h->relays->at.relay, conv, &own);
    return err || own ? err : FP_EDENIED;
}

/* Any of them: receipts_report() looks at each. */
static enum fp_err receipts_within(struct hub *h, const struct relay *r, const struct fp_command *cmd, bool *out)
{
    struct fp_receipt_body body;
    struct fp_receipt_row row;
    const char *ignored = NULL;
    enum fp_err err = FP_OK;

    *out = true;
    if (fp_receipt_body_decode(cmd->body, &body, &ignored)) {
        return FP_OK; /* refused for that */
    }
    *out = false;
    while (!err && !*out && fp_receipt_body_next(&body, &row)) {
        err = is_within(h, r, &row.conv, out);
    }
    return err;
}

/* Is all that the command touches in the relay's scopes? */
static enum fp_err touches_own(struct hub *h, const struct relay *r, const struct fp_command *cmd, bool *out)
{
    struct fp_conv_body body;
    const char *ignored = NULL;
    bool fresh = true;
    enum fp_err err = FP_OK;

    *out = true;
    if (cmd->kind == FP_K_RECEIPT) {
        return receipts_within(h, r, cmd, out);
    }
    if (!fp_id_is_none(&cmd->conv)) {
        err = is_within(h, r, &cmd->conv, out);
    }
    if (cmd->kind == FP_K_CONV_NEW && fp_conv_body_decode(cmd->body, h->config.title_bytes, &body, &ignored) == FP_OK) {
        fresh = fp_id_is_none(&body.scope) || relay_serves(r, &body.scope);
    }
    *out = *out && fresh;
    return err;
}

static enum fp_err was_in_conv(struct hub *h, const struct relay *r, const struct command_ctx *x, bool *out)
{
    struct hub_conv *c = NULL;
    struct hub_member *m = NULL;
    *out = false;
    enum fp_err err = fp_id_is_none(&x->cmd->conv) ? FP_OK : cache_conv(h, &x->cmd->conv, &c);
    if (err || !c || !relay_serves(r, &c->c.scope)) {
        return err;
    }
    err = cache_member(h, c->c.cid, &x->item->user, &m);
    *out = !err && m->m.role != FP_ROLE_NONE;
    return err;
}

struct cids {
    uint64_t cids[PAST_CONVS];
    size_t count;
};

static bool note_cid(void *arg, const struct store_conv *c)
{
    struct cids *k = arg;
    k->cids[k->count++] = c->cid;
    return k->count < PAST_CONVS;
}

static enum fp_err was_in_scope(struct hub *h, const struct fp_id *scope, const struct fp_id *user, bool *out)
{
    struct cids k = {0};
    struct store_member m;
    enum fp_err err = h->store.each_conv_in(h->store.ctx, scope, 0, PAST_CONVS, note_cid, &k);
    for (size_t i = 0; i < k.count && !err && !*out; i++) {
        err = h->store.load_member(h->store.ctx, k.cids[i], user, &m, out);
    }
    return err;
}

/*
 * Was he put out of all of them while his command was on the way? It is refused, and its n is used up by that: else all that follows waits for it.
 */
static enum fp_err has_spoken_for(struct hub *h, const struct relay *r, const struct command_ctx *x, bool *out)
{
    bool by_scope = r->rights.user_count == 0 && !context_is_service(h, &x->item->user);
    *out = false;
    if (!by_scope || x->cmd->n == 0) {
        return FP_OK;
    }
    enum fp_err err = was_in_conv(h, r, x, out);
    for (size_t i = 0; i < r->rights.scope_count && !err && !*out; i++) {
        err = was_in_scope(h, &r->rights.scopes[i], &x->item->user, out);
    }
    return err;
}

/* R4: is the relay one to say anything of this device at all? What it says is judged then, like anybody's. */
static enum fp_err may_speak(struct hub *h, const struct relay *r, const struct command_ctx *x, bool *out)
{
    *out = false;
    if (context_is_hub(&x->item->device)) {
        return FP_OK;
    }
    enum fp_err err = relay_speaks_for(h, r, &x->item->user, out);
    return err || *out ? err : has_spoken_for(h, r, x, out);
}

/* ------------------------------------------------------------------ one record */

void relays_branch(const struct hub *h, const struct command_ctx *x, struct fp_event *ev)
{
    if (x->relayed->has_custody) {
        ev->branch_relay = h->relays->at.relay->rights.relay;
        ev->branch_base = x->relayed->base;
        ev->branch_k = x->relayed->k;
    }
}

/* After the next hello it is told once more, for a frame may get lost. */
static enum fp_err keep_refusal(struct hub *h, struct relay *r, enum fp_err code)
{
    struct relay_staged_refusal *kept = arena_alloc(&h->arena, sizeof(*kept));
    if (!kept) {
        return FP_ENOMEM;
    }
    *kept = (struct relay_staged_refusal){.relay = r, .refusal = {.lane = h->relays->at.lane, .code = code, .number = h->relays->at.number}};
    *h->relays->refusals_end = kept;
    h->relays->refusals_end = &kept->next;
    h->relays->staged = true;
    return FP_OK;
}

static enum fp_err tell_refused(struct hub *h, const char *why, enum fp_err code, uint64_t next_n)
{
    struct relay *r = h->relays->at.relay;
    uint8_t buf[RELAY_FRAME_BYTES];
    struct fp_enc e;
    size_t len = strlen(why);
    r->stats.refused++;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_trunk_refuse(&e, h->relays->at.lane, h->relays->at.number, code, fp_bytes_of(why, len < FP_REASON_BYTES_MAX ? len : FP_REASON_BYTES_MAX),
                        next_n);
    return e.failed ? FP_ENOMEM : trunk_tell(h, FP_TOPIC_RELAY_DOWN, &r->rights.relay, fp_enc_bytes_of(&e));
}

enum fp_err relays_refused(struct hub *h, struct command_ctx *x, enum fp_err code)
{
    enum fp_err err = keep_refusal(h, h->relays->at.relay, code);
    uint64_t next_n = code == FP_EGAP && x->dev ? x->dev->d.next_n : 0;
    return err ? err : tell_refused(h, x->why ? x->why : fp_err_name(code), code, next_n);
}

/* Not the relay's to bring: its n stays free, and the device keeps the command. */
static enum fp_err refuse_the_relay(struct hub *h, const struct command_ctx *x, const char *why)
{
    enum fp_err err = x->cmd->n > 0 ? FP_OK : keep_refusal(h, h->relays->at.relay, FP_EDENIED);
    return err ? err : tell_refused(h, why, FP_EDENIED, x->cmd->n);
}

enum fp_err relays_known(struct hub *h, const struct fp_answer *a)
{
    struct relay *r = h->relays->at.relay;
    struct hub_conv *c = NULL;
    uint8_t buf[RELAY_FRAME_BYTES];
    struct fp_enc e;
    enum fp_err err = a->seq > 0 && !fp_id_is_none(&a->conv) ? cache_conv(h, &a->conv, &c) : FP_OK;
    if (err || !c || (relay_serves(r, &c->c.scope) && a->seq > c->c.floor)) {
        return err; /* there the event comes */
    }
    struct fp_trunk_known known = {.lane = h->relays->at.lane, .number = h->relays->at.number, .conv = a->conv, .seq = a->seq, .at = a->at};
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_trunk_known(&e, &known);
    return e.failed ? FP_ENOMEM : trunk_tell(h, FP_TOPIC_RELAY_DOWN, &r->rights.relay, fp_enc_bytes_of(&e));
}

/* In custody it grew older. */
static void add_age(struct fp_command *cmd, const struct fp_record_up *rec)
{
    if (!rec->has_custody) {
        return;
    }
    uint64_t age = cmd->has_age ? cmd->age_ms : 0;
    cmd->age_ms = age + rec->custody_ms < age ? UINT64_MAX : age + rec->custody_ms;
    cmd->has_age = true;
}

/* Is this a reason for which an n is used up? */
static bool is_for_good(enum fp_err code)
{
    return fp_err_is_peer(code) && code != FP_EGAP && code != FP_ERATE && code != FP_EFULL && code != FP_EBUSY;
}

static bool may_travel(const struct fp_command *cmd)
{
    return cmd->n > 0 || cmd->kind == FP_K_RECEIPT || cmd->kind == FP_K_STATUS || cmd->kind == FP_K_POLICY;
}

static bool makes_sense(const struct fp_record_up *rec, const struct fp_command *cmd, enum fp_err decoded)
{
    if (rec->refused) {
        return cmd->n > 0 && is_for_good(rec->refused);
    }
    return may_travel(cmd) && (cmd->n > 0 || !decoded);
}

static enum fp_err decide(struct hub *h, struct relay *r, struct command_ctx *x, struct fp_command *cmd, enum fp_err decoded)
{
    bool may = false;
    bool own = true;
    if (x->relayed->refused) {
        decoded = x->relayed->refused;
        cmd->hash = 0; /* of what it was we only know the number */
        x->why = "refused where it was sent";
    } else {
        add_age(cmd, x->relayed);
    }
    enum fp_err err = may_speak(h, r, x, &may);
    if (err || !may) {
        return err ? err : refuse_the_relay(h, x, "the relay does not speak for this user");
    }
    if (decoded == FP_OK || decoded == FP_EUNSUPPORTED) {
        err = touches_own(h, r, cmd, &own);
    }
    if (err || own) {
        return err ? err : command_relayed(h, x, decoded);
    }
    x->why = "this is in none of the relay's scopes"; /* its n is used up, unless another one has brought it: then that answer counts */
    return cmd->n > 0 ? command_relayed(h, x, FP_EDENIED) : relays_refused(h, x, FP_EDENIED);
}

static enum fp_err take_record(struct hub *h, struct relay *r, const struct source_item *frame, struct fp_bytes one)
{
    struct fp_record_up rec = {0};
    struct fp_command cmd = {0};
    struct source_item item = {.kind = SOURCE_MESSAGE, .topic = FP_TOPIC_DEVICE_UP, .mono = frame->mono, .wall = frame->wall};
    struct command_ctx x = {.item = &item, .cmd = &cmd, .role = FP_ROLE_NONE, .relayed = &rec};

    if (fp_record_up_decode(one, &rec)) {
        rec = (struct fp_record_up){0};
        x.why = "a record that cannot be read";
        return relays_refused(h, &x, FP_EMALFORMED);
    }
    item.user = rec.user;
    item.device = rec.device;
    enum fp_err decoded = fp_command_decode(rec.command, h->config.command_bytes, &cmd, &x.why);
    if (!makes_sense(&rec, &cmd, decoded)) {
        rec.refused = FP_OK;
        return relays_refused(h, &x, decoded ? decoded : FP_EMALFORMED);
    }
    return decide(h, r, &x, &cmd, decoded);
}

/* ------------------------------------------------------------------ a batch */

static bool has_count(struct fp_bytes records, uint64_t count)
{
    struct fp_bytes one;
    while (count > 0 && fp_run_next(&records, &one)) {
        count--;
    }
    return count == 0 && records.len == 0;
}

/* What was inflated lives in the arena, which a replay gives back after each record. */
static struct fp_bytes out_of_arena(struct hub *h, struct fp_bytes records)
{
    if (h->replaying) {
        memcpy(h->relays->records, records.p, records.len);
        records.p = h->relays->records;
    }
    return records;
}

static enum fp_err take_records(struct hub *h, struct relay *r, const struct source_item *item, unsigned lane, struct fp_bytes records, uint64_t skip)
{
    struct fp_bytes one;
    enum fp_err err = FP_OK;
    while (!err && fp_run_next(&records, &one)) {
        if (skip > 0) {
            skip--;
            continue;
        }
        h->relays->at.relay = r;
        h->relays->at.lane = (uint8_t)lane;
        h->relays->at.number = r->staged.have[lane] + 1;
        err = take_record(h, r, item, one);
        if (!err) {
            r->staged.have[lane]++;
            r->changed = true;
            r->ack_due[lane] = true;
            h->relays->staged = true;
        }
        err = relay_settle(h, err);
        r->stats.taken += !err;
    }
    return err;
}

enum fp_err relay_batch(struct hub *h, struct relay *r, const struct source_item *item, const struct fp_trunk_batch *b)
{
    unsigned lane = (unsigned)b->lane;
    uint64_t skip = 0;
    struct fp_bytes records;

    if (b->epoch != r->staged.epoch || b->first == 0 || b->count > UINT64_MAX - b->first || r->hold.us > 0) {
        r->stats.ignored++;
        return FP_OK;
    }
    enum link_verdict verdict = link_judge(r->staged.have[lane], b->first, b->count, &skip);
    h->relays->staged = true;
    r->stats.batches++;
    r->stats.known += verdict == LINK_KNOWN;
    r->stats.holes += verdict == LINK_HOLE;
    r->ack_due[lane] = r->ack_due[lane] || verdict == LINK_KNOWN;
    r->nack_due[lane] = verdict == LINK_HOLE;
    if (verdict != LINK_TAKE) {
        return FP_OK;
    }
    enum fp_err err = trunk_unpack(h, b, &records);
    if (err == FP_ENOMEM) {
        return err;
    }
    if (err || !has_count(records, b->count)) {
        r->stats.ignored++;
        return FP_OK;
    }
    err = take_records(h, r, item, lane, out_of_arena(h, records), skip);
    if (err == FP_EAGAIN) { /* what is committed is acked, the rest is held back for a while */
        r->hold.us = h->mono.us + HOLD_US;
        r->hold_lane = (uint8_t)lane;
        relay_tell_ack(h, r, lane, 0);
        return FP_OK;
    }
    return err;
}
