#include "plugin/core/compose.h"
#include "plugin/hub/trunk.h"

#define STORE_LINE_US 60000000U

enum fp_err command_apply(struct hub *h, struct command_ctx *x)
{
    static const struct {
        uint64_t kind;
        enum fp_err (*apply)(struct hub *h, struct command_ctx *x);
    } handlers[] = {
        {FP_K_MSG, msg_apply},          {FP_K_CONV_NEW, conv_new},           {FP_K_CONV_SET, conv_set},
        {FP_K_MEMBER_ADD, member_add},  {FP_K_MEMBER_REMOVE, member_remove}, {FP_K_MEMBER_ROLE, member_role},
        {FP_K_EDIT, change_edit},       {FP_K_DELETE, change_delete},        {FP_K_REACT, change_react},
        {FP_K_CONFIRM, change_confirm}, {FP_K_REDACT, redact_apply},
    };
    if (!x->canonical && compose_expired(x->cmd)) {
        x->why = "key 7 (ttl) has run out";
        return FP_EEXPIRED;
    }
    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (handlers[i].kind == x->cmd->kind) {
            return handlers[i].apply(h, x);
        }
    }
    x->why = "this release does not know this kind of command yet";
    return FP_EUNSUPPORTED;
}

static uint32_t rate_of(const struct hub *h, enum hub_class class)
{
    switch (class) {
    case HUB_DURABLE:
        return h->config.commands_per_s;
    case HUB_ASKED:
        return h->config.asks_per_s;
    case HUB_NOW:
    case HUB_CLASSES:
        break;
    }
    return h->config.now_per_s;
}

/*
 * Takes a token of the class. False if there is none: then the nack is told (*out_err), but of what travels on .../now, which nobody waits for. A
 * batch that is replayed has taken its tokens before.
 */
static bool within_rate(struct hub *h, struct command_ctx *x, enum hub_class class, enum fp_err *out_err)
{
    uint64_t wait_ms = 0;
    *out_err = FP_OK;
    if (h->replaying || throttle_take(&x->dev->throttle[class], rate_of(h, class), FP_RATE_BURST_S, h->mono, &wait_ms)) {
        return true;
    }
    if (class == HUB_NOW) {
        h->stats.shed++;
        return false;
    }
    uint8_t buf[16];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_uint(&e, wait_ms);
    x->current = fp_enc_bytes_of(&e);
    x->why = "too many commands a second; key 6 says how many ms to wait";
    *out_err = answer_retry(h, x, FP_ERATE);
    return false;
}

/* What it would overtake was sent back by this very site, and is to come again. What is of safety does not wait for that. */
static bool waits_for_turned_away(const struct command_ctx *x)
{
    return x->dev->turned_away == x->dev->d.next_n && x->cmd->priority != FP_PRIORITY_SAFETY;
}

/* Commands that find their message before anything of them happens. */
static bool looks_first(uint64_t kind)
{
    return kind == FP_K_EDIT || kind == FP_K_DELETE || kind == FP_K_REDACT || kind == FP_K_REACT || kind == FP_K_CONFIRM;
}

/* decoded: what the command's own decoding said. */
static enum fp_err apply_numbered(struct hub *h, struct command_ctx *x, enum fp_err decoded)
{
    enum fp_err err = FP_OK;

    switch (dedupe_judge(x->dev->d.next_n, x->cmd->n)) {
    case DEDUPE_REPEAT:
        return answer_repeat(h, x);
    case DEDUPE_GAP:
        if (site_is(h) && x->cmd->n - x->dev->d.next_n < SITE_SKIP_MAX &&
            !waits_for_turned_away(x)) { /* the others may have gone to the hub by another way */
            err = site_skip(h, x->dev, x->cmd->n);
            if (err) {
                return err;
            }
            break;
        }
        x->why = "an earlier command of this device is missing; key 7 says which";
        return answer_retry(h, x, FP_EGAP);
    case DEDUPE_NEXT:
        break;
    }
    if (!x->relayed && !within_rate(h, x, HUB_DURABLE, &err)) { /* a relay's credit bounds what it brings */
        return err;
    }
    if (site_is(h)) {
        return site_take(h, x, decoded);
    }
    err = decoded ? decoded : command_apply(h, x);
    if (err == FP_EAGAIN && x->relayed && looks_first(x->cmd->kind)) { /* else all that its site says next would wait for the archive */
        x->why = "this needs events that lie in the hub's archive, which is not attached now";
        err = FP_EUNKNOWN;
    }
    return fp_err_is_peer(err) && err != FP_EFULL && err != FP_EBUSY ? answer_refuse(h, x, err) : err;
}

/* A command without a number: it asks, or says something that need not last. */
static enum fp_err apply_plain(struct hub *h, struct command_ctx *x, enum fp_err decoded)
{
    enum fp_err err = FP_OK;
    enum hub_class class = x->item->topic == FP_TOPIC_DEVICE_NOW ? HUB_NOW : HUB_ASKED;
    bool bye = x->cmd->kind == FP_K_BYE && class == HUB_ASKED; /* who wants to go may go */
    if (!bye && !x->relayed && !within_rate(h, x, class, &err)) {
        return err;
    }
    err = decoded;
    if (!err && fp_kind_is_now(x->cmd->kind) != (x->item->topic == FP_TOPIC_DEVICE_NOW)) {
        x->why = "this kind of command does not travel on this topic";
        err = FP_EMALFORMED;
    }
    if (!err) {
        err = session_command(h, x);
    }
    if (!err && site_is(h)) {
        err = site_pass_on(h, x);
    }
    return fp_err_is_peer(err) && err != FP_EFULL && err != FP_EBUSY ? answer_refuse(h, x, err) : err;
}

static enum fp_err nack_plain(struct hub *h, const struct source_item *item, enum fp_err code, const char *why)
{
    const char *reason = why ? why : fp_err_name(code);
    struct fp_nack nack = {.code = code, .reason = fp_bytes_of(reason, strlen(reason)), .retry = code == FP_EBUSY};
    return answer_nack(h, &item->device, &nack);
}

enum fp_err command_own_device(struct hub *h, const struct source_item *item, struct hub_device **out)
{
    enum fp_err err = cache_device(h, &item->device, out);
    if (err || *out) {
        return err;
    }
    struct store_device d = {.id = item->device, .user = item->user, .next_n = 1};
    err = stage_begin(h);
    if (!err) {
        err = h->store.save_device(h->store.ctx, &d);
    }
    if (!err) {
        err = cache_new_device(h, &d, out);
    }
    return err ? err : tells_grant(h, TELL_GRANT_DEVICE, &item->device, &item->user, true, 0);
}

static enum fp_err apply_one(struct hub *h, const struct source_item *item, struct fp_bytes one)
{
    struct fp_command cmd;
    struct command_ctx x = {.item = item, .cmd = &cmd, .raw = one, .role = FP_ROLE_NONE};

    h->stats.commands++;
    enum fp_err decoded = fp_command_decode(one, h->config.command_bytes, &cmd, &x.why);
    if (decoded && cmd.n == 0) {
        return nack_plain(h, item, decoded, x.why);
    }
    enum fp_err err = command_own_device(h, item, &x.dev);
    if (err) {
        return err;
    }
    if (!fp_id_eq(&x.dev->d.user, &item->user)) {
        x.why = "this device belongs to another user";
        struct fp_nack nack = {.n = cmd.n, .code = FP_EIDENTITY, .reason = fp_bytes_of(x.why, strlen(x.why))};
        return answer_nack(h, &item->device, &nack);
    }
    if (cmd.n > 0 && item->topic == FP_TOPIC_DEVICE_NOW) {
        return nack_plain(h, item, FP_EMALFORMED, "a durable command travels on .../up");
    }
    return cmd.n > 0 ? apply_numbered(h, &x, decoded) : apply_plain(h, &x, decoded);
}

enum fp_err command_relayed(struct hub *h, struct command_ctx *x, enum fp_err decoded)
{
    h->stats.commands++;
    enum fp_err err = command_own_device(h, x->item, &x->dev);
    if (err) {
        return err;
    }
    if (!fp_id_eq(&x->dev->d.user, &x->item->user)) { /* its owner is not told: he has not sent it */
        x->why = "this device belongs to another user";
        return relays_refused(h, x, FP_EIDENTITY);
    }
    return x->cmd->n > 0 ? apply_numbered(h, x, decoded) : apply_plain(h, x, decoded);
}

static void log_store(struct hub *h, enum fp_err err)
{
    if (h->store_said.us > 0 && h->mono.us - h->store_said.us < STORE_LINE_US) {
        return;
    }
    h->store_said = h->mono;
    struct line l = {0};
    if (err == FP_EFULL) {
        line_text(&l, "the database is full: commands are refused (nack full) until there is room. Raise db_max_mb, or give the disk more");
    } else {
        line_text(&l, "the database could not take a command (");
        line_text(&l, fp_err_name(err));
        line_text(&l, "): it is refused (nack busy) and may be sent again");
    }
    tells_log(h, TELL_ERROR, &l);
}

static const char *why_not(enum fp_err err)
{
    if (err == FP_EAGAIN) {
        return "this needs events that lie in the hub's archive, which is not attached now; nothing was lost, try again later";
    }
    return err == FP_EFULL ? "the hub's storage is full; nothing was lost, try again later" : "the hub's storage failed; try again";
}

/* A command that the store could not take: nothing of it happened, and the device may send it again. */
static enum fp_err nack_for_store(struct hub *h, const struct source_item *item, struct fp_bytes one, enum fp_err err)
{
    struct fp_command cmd;
    const char *why = why_not(err);
    const char *ignored = NULL;

    (void)fp_command_decode(one, h->config.command_bytes, &cmd, &ignored);
    struct hub_device *dev = NULL;
    if (cmd.n > 0 && cache_device(h, &item->device, &dev) == FP_OK && dev && dev->d.next_n == cmd.n) {
        dev->turned_away = cmd.n;
    }
    h->stats.full += err == FP_EFULL;
    if (err != FP_EAGAIN) { /* the archive has said which file it misses */
        log_store(h, err);
    }
    struct fp_nack nack = {
        .n = cmd.n,
        .code = err == FP_EFULL ? FP_EFULL : FP_EBUSY,
        .reason = fp_bytes_of(why, strlen(why)),
        .retry = true,
    };
    return answer_nack(h, &item->device, &nack);
}

/* While a failed batch is replayed each command is a batch of its own (H2). */
static enum fp_err settle_one(struct hub *h, const struct source_item *item, struct fp_bytes one, enum fp_err err)
{
    if (!err) {
        err = batch_commit(h);
    }
    if (!err) {
        h->failures_in_a_row = 0;
        return FP_OK;
    }
    h->failures_in_a_row += err != FP_EFULL && err != FP_EAGAIN;
    batch_undo(h);
    err = nack_for_store(h, item, one, err);
    return err ? err : batch_commit(h);
}

static enum fp_err apply_uplink(struct hub *h, const struct source_item *item)
{
    struct fp_uplink uplink;
    struct fp_bytes one;
    const char *why = NULL;

    enum fp_err err = fp_uplink_open(&uplink, item->payload, h->config.batch_commands, &why);
    if (err) {
        return nack_plain(h, item, err, why);
    }
    while (!err && fp_uplink_next(&uplink, &one)) {
        err = apply_one(h, item, one);
        if (h->replaying) {
            err = settle_one(h, item, one, err);
        }
    }
    return err;
}

enum fp_err command_item(struct hub *h, const struct source_item *item)
{
    h->mono = item->mono;
    h->wall = item->wall;

    switch (item->kind) {
    case SOURCE_DISCONNECT:
        session_end(h, &item->device, item->conn, item->end == SOURCE_END_SILENT ? HUB_END_SILENT : HUB_END_LOST);
        relays_gone(h, item->conn);
        site_gone(h, item->conn);
        return FP_OK;
    case SOURCE_REFUSED:
        return nack_plain(h, item, item->refused, item->reason);
    case SOURCE_MESSAGE:
        break;
    }
    if (item->topic == FP_TOPIC_RELAY_UP) {
        return relays_frame(h, item);
    }
    if (item->topic == FP_TOPIC_RELAY_DOWN) {
        return site_frame(h, item);
    }
    if (item->topic == FP_TOPIC_DEVICE_BLOB) {
        return nack_plain(h, item, FP_EUNSUPPORTED, "this release takes no attachments yet");
    }
    return apply_uplink(h, item);
}
