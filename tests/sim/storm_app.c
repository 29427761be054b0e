#include <stdlib.h>

#include "tests/sim/storm.h"

/* ------------------------------------------------------------------ bodies that can be told apart */

size_t storm_cmd_of_body(const struct storm *st, struct fp_bytes body)
{
    struct fp_dec d;
    fp_dec_init(&d, body);
    for (size_t pairs = fp_dec_map(&d); pairs > 0 && !d.failed; pairs--) {
        if (fp_dec_key(&d) == STORM_TOKEN_KEY) {
            uint64_t token = fp_dec_uint(&d);
            return d.failed || token == 0 || token > st->cmd_count ? SIZE_MAX : (size_t)token - 1;
        }
        fp_dec_skip(&d);
    }
    return SIZE_MAX;
}

static struct storm_cmd *new_cmd(struct storm_device *d, size_t conv, uint64_t kind)
{
    struct storm *st = d->st;
    if (st->cmd_count == STORM_CMDS || st->convs[conv].head + 64 > STORM_EVENTS) {
        return NULL;
    }
    struct storm_cmd *cmd = &st->cmds[st->cmd_count++];
    const struct fp_conv *v = fp_client_conv(d->c, &st->convs[conv].id);
    *cmd = (struct storm_cmd){.device = d->index, .conv = conv, .kind = kind, .seen = v ? v->cursor : 0, .state = FP_SEND_QUEUED};
    return cmd;
}

/* What the storage failed on before is written over by what it accepts now. */
static void settle_earlier(struct storm_device *d, const struct storm_cmd *accepted)
{
    for (struct storm_cmd *cmd = d->st->cmds; cmd < accepted; cmd++) {
        if (cmd->device == d->index && cmd->fate == CMD_MAYBE && cmd->ticket == 0) {
            cmd->fate = CMD_VOID;
        }
    }
}

static void send_cmd(struct storm_device *d, struct storm_cmd *cmd, const struct fp_enc *e, uint64_t ttl_s)
{
    struct storm *st = d->st;
    struct fp_command command = {
        .kind = cmd->kind,
        .conv = st->convs[cmd->conv].id,
        .ttl_s = ttl_s,
        .has_ttl = ttl_s > 0,
        .priority = FP_PRIORITY_NORMAL,
        .body = fp_enc_bytes_of(e),
    };
    cmd->body_len = e->len;
    cmd->has_ttl = ttl_s > 0;
    cmd->lasts_us = sim_net_now(st->net).us + ttl_s * 1000000;
    enum fp_err err = e->failed ? FP_ENOMEM : fp_client_send(d->c, &command, sim_net_now(st->net), &cmd->ticket);
    cmd->fate = err == FP_OK ? CMD_ACCEPTED : err == FP_EIO ? CMD_MAYBE : CMD_VOID;
    if (err == FP_OK) {
        settle_earlier(d, cmd);
    }
    storm_log(st, "%s sends command %zu kind %llu to %s: %s, ticket %llu", d->name, (size_t)(cmd - st->cmds), (unsigned long long)cmd->kind,
              st->convs[cmd->conv].id.text, fp_err_name(err), (unsigned long long)cmd->ticket);
    if (err == FP_OK && cmd->ticket <= d->last_ticket) {
        storm_fail(st, "O2: %s gives ticket %llu after %llu", d->name, (unsigned long long)cmd->ticket, (unsigned long long)d->last_ticket);
    }
    bool may_fail = err == FP_OK || err == FP_EFULL || err == FP_ETOOLARGE || err == FP_EIO;
    if (!may_fail) {
        storm_fail(st, "%s refuses a good command: %s", d->name, fp_err_name(err));
    }
    d->last_ticket = err == FP_OK ? cmd->ticket : d->last_ticket;
}

static void put_text(struct fp_enc *e, const char *s)
{
    fp_enc_text(e, s, strlen(s));
}

static void put_token(struct storm *st, struct fp_enc *e)
{
    fp_enc_uint(e, STORM_TOKEN_KEY);
    fp_enc_uint(e, st->cmd_count);
}

void storm_say(struct storm_device *d, size_t conv, size_t text_len, uint64_t ttl_s)
{
    static char text[STORM_BODY];
    struct storm_cmd *cmd = new_cmd(d, conv, FP_K_MSG);
    if (!cmd) {
        return;
    }
    struct fp_enc e;
    memset(text, 'x', sizeof(text));
    fp_enc_init(&e, cmd->body, sizeof(cmd->body));
    fp_enc_map(&e, 2);
    fp_enc_uint(&e, FP_MSG_TEXT);
    fp_enc_text(&e, text, text_len);
    put_token(d->st, &e);
    send_cmd(d, cmd, &e, ttl_s);
}

void storm_conv_new(struct storm_device *d, size_t conv)
{
    struct storm *st = d->st;
    struct storm_cmd *cmd = new_cmd(d, conv, FP_K_CONV_NEW);
    if (!cmd) {
        return;
    }
    struct fp_enc e;
    fp_enc_init(&e, cmd->body, sizeof(cmd->body));
    fp_enc_map(&e, 3);
    fp_enc_uint(&e, FP_CONV_SCOPE);
    fp_enc_id(&e, &st->convs[conv].scope);
    fp_enc_uint(&e, FP_CONV_MEMBERS);
    fp_enc_map(&e, st->user_count - 1);
    static const size_t by_name_length[] = {1, 0, 2}; /* ben, anna, carl */
    for (size_t i = 0; i < STORM_USERS; i++) {
        size_t user = by_name_length[i];
        if (user < st->user_count && user != d->user) {
            put_text(&e, storm_user_name(user));
            fp_enc_uint(&e, 1 + sim_below(&st->random, 3));
        }
    }
    put_token(st, &e);
    send_cmd(d, cmd, &e, 0);
}

void storm_member(struct storm_device *d, size_t conv, uint64_t kind, size_t user)
{
    struct storm *st = d->st;
    bool with_role = kind != FP_K_MEMBER_REMOVE;
    bool with_from = kind == FP_K_MEMBER_ADD && sim_chance(&st->random, 500);
    struct storm_cmd *cmd = new_cmd(d, conv, kind);
    if (!cmd) {
        return;
    }
    struct fp_enc e;
    fp_enc_init(&e, cmd->body, sizeof(cmd->body));
    fp_enc_map(&e, 2U + with_role + with_from);
    fp_enc_uint(&e, FP_MEMBER_USER);
    put_text(&e, storm_user_name(user));
    if (with_role) {
        fp_enc_uint(&e, FP_MEMBER_ROLE);
        fp_enc_uint(&e, sim_below(&st->random, 4));
    }
    if (with_from) {
        fp_enc_uint(&e, FP_MEMBER_FROM);
        fp_enc_uint(&e, sim_below(&st->random, st->convs[conv].head + 1));
    }
    put_token(st, &e);
    send_cmd(d, cmd, &e, 0);
}

/* ------------------------------------------------------------------ what arrives */

void storm_store_all(struct storm_device *d, size_t conv)
{
    struct storm_shelf *s = &d->shelves[conv];
    if (!s->known || d->flash.off) {
        return;
    }
    for (uint64_t seq = s->base + 1; seq <= s->cursor; seq++) {
        s->have[seq] = s->have[seq] ? 2 : 0;
    }
    s->disk_known = true;
    s->disk_base = s->base;
    s->disk = s->disk > s->cursor ? s->disk : s->cursor;
    s->disk_last = s->cursor;
    fp_client_stored(d->c, &d->st->convs[conv].id, s->cursor);
}

/* The first that comes of a conversation: it begins at a floor of ours. */
static void begin_shelf(struct storm_device *d, size_t conv, uint64_t base)
{
    struct storm_shelf *s = &d->shelves[conv];
    if (s->known) {
        return;
    }
    if (!d->config.from_head && !storm_is_floor(d->st, conv, d->user, base)) {
        storm_fail(d->st, "L3: %s begins %s behind %llu, which is no floor of its user", d->name, d->st->convs[conv].id.text,
                   (unsigned long long)base);
    }
    s->known = true;
    s->base = base;
    s->cursor = base;
}

static void check_event(struct storm_device *d, size_t conv, const struct fp_notice *n)
{
    const struct storm_conv *c = &d->st->convs[conv];
    if (!storm_is_event(d->st, conv, n->seq, n->bytes)) {
        storm_fail(d->st, "P1: %s is told event %llu of %s, which is not in the store like that (head %llu)", d->name, (unsigned long long)n->seq,
                   c->id.text, (unsigned long long)c->head);
    }
    if (!storm_may_see(d->st, conv, d->user, n->seq)) {
        storm_fail(d->st, "P8: %s is told event %llu of %s, which its user may not see", d->name, (unsigned long long)n->seq, c->id.text);
    }
    if (!n->event || n->event->seq != n->seq || !fp_id_eq(&n->event->conv, &n->conv)) {
        storm_fail(d->st, "%s is told an event whose notice says otherwise", d->name);
    }
    size_t at = c->events[n->seq].cmd;
    if (n->ticket != 0 && (at == STORM_BY_HUB || d->st->cmds[at].device != d->index || d->st->cmds[at].ticket != n->ticket)) {
        storm_fail(d->st, "%s is told that event %llu of %s is its ticket %llu", d->name, (unsigned long long)n->seq, c->id.text,
                   (unsigned long long)n->ticket);
    }
}

static void on_event(struct storm_device *d, size_t conv, const struct fp_notice *n)
{
    struct storm_shelf *s = &d->shelves[conv];
    struct storm *st = d->st;

    check_event(d, conv, n);
    if (n->fetched) {
        st->stats.fetched++;
        return;
    }
    begin_shelf(d, conv, n->seq - 1);
    if (n->seq != s->cursor + 1) {
        storm_fail(st, "L3: %s is told %llu of %s behind %llu", d->name, (unsigned long long)n->seq, st->convs[conv].id.text,
                   (unsigned long long)s->cursor);
    }
    s->cursor = n->seq;
    s->have[n->seq] = s->have[n->seq] ? s->have[n->seq] : 1;
    st->stats.events++;
    if (!d->flash.off && sim_chance(&st->random, 300)) {
        storm_store_all(d, conv);
    }
    if (!st->calm && !d->flash.off && sim_chance(&st->random, 30)) {
        storm_say(d, conv, 3, 0);
    }
}

static void on_skipped(struct storm_device *d, size_t conv, const struct fp_notice *n)
{
    struct storm_shelf *s = &d->shelves[conv];
    const struct storm_conv *c = &d->st->convs[conv];
    if (n->fetched) {
        return;
    }
    if (!s->known && storm_is_floor(d->st, conv, d->user, n->upto)) { /* a snapshot that is too long */
        begin_shelf(d, conv, n->upto);
        return;
    }
    begin_shelf(d, conv, n->seq - 1);
    if (n->seq != s->cursor + 1 || n->upto < n->seq || n->upto > c->head) {
        storm_fail(d->st, "L3: %s skips %llu to %llu of %s behind %llu", d->name, (unsigned long long)n->seq, (unsigned long long)n->upto, c->id.text,
                   (unsigned long long)s->cursor);
    }
    for (uint64_t seq = n->seq; seq <= n->upto; seq++) {
        if (c->events[seq].len + 250 < d->config.rx_bytes) {
            storm_fail(d->st, "L3: %s skips %llu of %s, which has %zu bytes and fits", d->name, (unsigned long long)seq, c->id.text,
                       c->events[seq].len);
        }
        s->have[seq] = s->have[seq] ? s->have[seq] : 1;
        d->st->stats.skipped++;
    }
    s->cursor = n->upto;
}

static void on_snapshot(struct storm_device *d, size_t conv, const struct fp_notice *n)
{
    struct storm_shelf *s = &d->shelves[conv];
    if (n->fetched && storm_is_floor(d->st, conv, d->user, n->seq)) {
        return;
    }
    if (!storm_is_floor(d->st, conv, d->user, n->seq) || (s->known && n->seq < s->cursor)) {
        storm_fail(d->st, "L3: %s is told a snapshot of %s up to %llu behind %llu", d->name, d->st->convs[conv].id.text, (unsigned long long)n->seq,
                   (unsigned long long)s->cursor);
    }
    s->known = true;
    s->base = n->seq;
    s->cursor = n->seq;
    d->st->stats.snapshots++;
}

static void on_left(struct storm_device *d, size_t conv)
{
    if (d->st->convs[conv].spell_count[d->user] == 0 || d->st->convs[conv].spells[d->user][0].to == UINT64_MAX) {
        storm_fail(d->st, "P8: %s is told that it left %s, but its user never did", d->name, d->st->convs[conv].id.text);
    }
    d->shelves[conv].known = false;
    d->shelves[conv].disk_last = 0;
}

static void on_conv_notice(struct storm_device *d, const struct fp_notice *n)
{
    size_t conv = 0;
    if (!storm_conv_find(d->st, &n->conv, &conv)) {
        storm_fail(d->st, "%s is told of a conversation that there is not", d->name);
    }
    const struct storm_shelf *s = &d->shelves[conv];
    switch (n->kind) {
    case FP_NOTICE_EVENT:
        on_event(d, conv, n);
        break;
    case FP_NOTICE_SKIPPED:
        on_skipped(d, conv, n);
        break;
    case FP_NOTICE_SNAPSHOT:
        on_snapshot(d, conv, n);
        break;
    case FP_NOTICE_CAUGHT_UP:
        if (n->seq > d->st->convs[conv].head || (s->known && s->cursor < n->seq)) {
            storm_fail(d->st, "L3: %s has caught up with %s at %llu, but was told up to %llu", d->name, d->st->convs[conv].id.text,
                       (unsigned long long)n->seq, (unsigned long long)s->cursor);
        }
        break;
    case FP_NOTICE_LEFT:
        on_left(d, conv);
        break;
    default:
        break;
    }
}

/* ------------------------------------------------------------------ what becomes of what was sent */

static struct storm_cmd *find_ticket(struct storm_device *d, uint64_t ticket)
{
    struct storm *st = d->st;
    for (size_t i = st->cmd_count; i > 0; i--) {
        struct storm_cmd *cmd = &st->cmds[i - 1];
        if (cmd->device == d->index && cmd->fate == CMD_ACCEPTED && cmd->ticket == ticket) {
            return cmd;
        }
    }
    storm_fail(st, "P6: %s is told of ticket %llu, which it never gave out", d->name, (unsigned long long)ticket);
}

static bool may_fail_with(const struct storm_cmd *cmd, enum fp_err err)
{
    switch (err) {
    case FP_EUNKNOWN:
    case FP_EDENIED:
    case FP_EEXPIRED:
        return true;
    case FP_ECONFLICT:
    case FP_EMALFORMED: /* a first seq that is not there yet */
        return cmd->kind != FP_K_MSG;
    default:
        return false;
    }
}

static void on_sent(struct storm_device *d, struct storm_cmd *cmd, const struct fp_notice *n)
{
    struct storm *st = d->st;
    const struct storm_conv *c = &st->convs[cmd->conv];
    if (!fp_id_eq(&n->conv, &c->id) || n->seq == 0 || n->seq > c->head || cmd->store_seq != n->seq) {
        storm_fail(st, "P6: %s is told that ticket %llu is sent as %.*s %llu; the store has it at %llu", d->name, (unsigned long long)n->ticket,
                   n->conv.len, n->conv.text, (unsigned long long)n->seq, (unsigned long long)cmd->store_seq);
    }
    cmd->sent = true;
    cmd->answered = true;
    st->stats.sent++;
}

static void on_failed(struct storm_device *d, struct storm_cmd *cmd, const struct fp_notice *n)
{
    struct storm *st = d->st;
    if (cmd->sent || cmd->store_seq != 0 || (cmd->failed && n->err != cmd->err)) {
        storm_fail(st, "P6: %s is told that ticket %llu failed (%s), but it is in the store at %llu", d->name, (unsigned long long)n->ticket,
                   fp_err_name(n->err), (unsigned long long)cmd->store_seq);
    }
    if (n->err == FP_OK ? !cmd->cancelled : !may_fail_with(cmd, n->err)) {
        storm_fail(st, "P6: ticket %llu of %s (kind %llu) failed for no good reason: %s, %.*s", (unsigned long long)n->ticket, d->name,
                   (unsigned long long)cmd->kind, fp_err_name(n->err), (int)n->text.len, (const char *)n->text.p);
    }
    cmd->failed = true;
    cmd->err = n->err;
    cmd->answered = true;
    st->stats.failed++;
}

static void on_state(struct storm_device *d, const struct fp_notice *n)
{
    struct storm *st = d->st;
    struct storm_cmd *cmd = find_ticket(d, n->ticket);
    bool back = cmd->state == FP_SEND_FAILED || (n->state != FP_SEND_FAILED && n->state <= cmd->state) ||
                (n->state == FP_SEND_FAILED && cmd->state >= FP_SEND_SENT);
    if (back) {
        storm_fail(st, "P6: ticket %llu of %s goes from %s to %s", (unsigned long long)n->ticket, d->name, fp_send_state_name(cmd->state),
                   fp_send_state_name(n->state));
    }
    cmd->state = n->state;
    if (n->state == FP_SEND_FAILED) {
        on_failed(d, cmd, n);
    } else if (n->state == FP_SEND_SENT) {
        on_sent(d, cmd, n);
    }
}

static void hash_notice(struct storm *st, const struct storm_device *d, const struct fp_notice *n)
{
    const uint64_t facts[] = {d->index, n->kind, n->link, n->state, n->err, n->ticket, n->seq, n->upto, n->fetched, n->bytes.len};
    st->hash = fp_hash(st->hash, facts, sizeof(facts));
    st->hash = fp_hash(st->hash, n->conv.text, n->conv.len);
}

void storm_notify(void *ctx, const struct fp_notice *n)
{
    static const char *const names[] = {"LINK",    "EPOCH", "STATE",   "RETRY", "EVENT", "SKIPPED", "SNAPSHOT", "CONV",       "CAUGHT",
                                        "FETCHED", "LEFT",  "NO_ROOM", "LIVE",  "NACK",  "REPORT",  "STORAGE",  "PROVISIONAL"};
    struct storm_device *d = ctx;
    struct storm *st = d->st;

    hash_notice(st, d, n);
    storm_log(st, "%s: %s link %d state %d err %s ticket %llu conv %.*s seq %llu upto %llu%s %.*s", d->name, names[n->kind], (int)n->link,
              (int)n->state, fp_err_name(n->err), (unsigned long long)n->ticket, n->conv.len, n->conv.text, (unsigned long long)n->seq,
              (unsigned long long)n->upto, n->fetched ? " fetched" : "", (int)n->text.len, n->text.len ? (const char *)n->text.p : "");
    switch (n->kind) {
    case FP_NOTICE_STATE:
        on_state(d, n);
        return;
    case FP_NOTICE_EVENT:
    case FP_NOTICE_SKIPPED:
    case FP_NOTICE_SNAPSHOT:
    case FP_NOTICE_CONV:
    case FP_NOTICE_CAUGHT_UP:
    case FP_NOTICE_LEFT:
        on_conv_notice(d, n);
        return;
    case FP_NOTICE_EPOCH:
    case FP_NOTICE_NO_ROOM:
        storm_fail(st, "%s is told of a new epoch, or of no room; there is neither", d->name);
    case FP_NOTICE_PROVISIONAL:
        storm_fail(st, "%s is told of a provisional event; there is no site", d->name);
    case FP_NOTICE_RETRY:
        st->stats.retries++;
        return;
    case FP_NOTICE_LINK:
    case FP_NOTICE_FETCHED:
    case FP_NOTICE_LIVE:
    case FP_NOTICE_NACK:
    case FP_NOTICE_REPORT:
        return;
    case FP_NOTICE_STORAGE:
        d->failing = true;
        return;
    }
}
