/* Uplinks, the commands in them and every body: no harm, refusals with a sentence, and a command that we write reads the same. */
#include "fuzz.h"

#include "fp/body.h"
#include "fp/command.h"

static void need_sentence(enum fp_err err, const char *why)
{
    FUZZ_NEED(err == FP_OK || err == FP_EMALFORMED || err == FP_ETOOLARGE || err == FP_EUNSUPPORTED);
    FUZZ_NEED(err == FP_OK || (why != NULL && strlen(why) > 0 && strlen(why) <= FP_REASON_BYTES_MAX));
}

static void try_hello(struct fp_bytes body)
{
    struct fp_hello h;
    struct fp_id conv;
    uint64_t seq;
    const char *why = NULL;
    enum fp_err err = fp_hello_decode(body, &h, &why);
    need_sentence(err, why);
    size_t want = h.cursor_count;
    size_t have = 0;
    while (!err && fp_hello_cursor(&h, &conv, &seq)) {
        FUZZ_NEED(!fp_id_is_none(&conv));
        have++;
    }
    FUZZ_NEED(err || have == want);
}

static void try_conv(struct fp_bytes body)
{
    struct fp_conv_body b;
    struct fp_id user;
    uint64_t role;
    const char *why = NULL;
    enum fp_err err = fp_conv_body_decode(body, FP_TITLE_BYTES_MAX, &b, &why);
    need_sentence(err, why);
    size_t want = b.member_count;
    size_t have = 0;
    while (!err && fp_conv_body_member(&b, &user, &role)) {
        FUZZ_NEED(!fp_id_is_none(&user) && role <= FP_ROLE_OWNER);
        have++;
    }
    FUZZ_NEED(err || (have == want && b.title.len <= FP_TITLE_BYTES_MAX && b.context.len <= FP_CONTEXT_BYTES_MAX));
    FUZZ_NEED(fuzz_is_within(b.title, body) && (err || fuzz_is_within(b.context, body)));
}

/* A body of rows that was taken is written again: never longer, and the same bytes if it is as long. */
static void check_written(const struct fp_enc *e, struct fp_bytes body)
{
    FUZZ_NEED(!e->failed && e->len <= body.len);
    FUZZ_NEED(e->len != body.len || fp_bytes_eq(fp_enc_bytes_of(e), body));
}

static void try_receipt(struct fp_bytes body)
{
    struct fp_receipt_body b;
    struct fp_receipt_row row;
    const char *why = NULL;
    enum fp_err err = fp_receipt_body_decode(body, &b, &why);
    need_sentence(err, why);
    size_t want = b.count;
    size_t have = 0;
    while (!err && fp_receipt_body_next(&b, &row)) {
        FUZZ_NEED(!fp_id_is_none(&row.conv) && (row.has_read || row.read == 0));
        have++;
    }
    FUZZ_NEED(err || (have == want && have > 0));
}

static void try_watch(struct fp_bytes body)
{
    struct fp_watch w;
    struct fp_id user;
    const char *why = NULL;
    enum fp_err err = fp_watch_decode(body, &w, &why);
    need_sentence(err, why);
    size_t want = w.count;
    size_t have = 0;
    while (!err && fp_watch_next(&w, &user)) {
        FUZZ_NEED(!fp_id_is_none(&user));
        have++;
    }
    FUZZ_NEED(err || (have == want && want <= FP_WATCH_USERS_MAX && w.ttl_s <= FP_WATCH_TTL_MAX));
}

static void try_policy(struct fp_bytes body)
{
    uint8_t buf[FP_POLICY_RULES_MAX * (FP_ID_MAX + 8)];
    struct fp_policy p;
    struct fp_policy_rule rule;
    struct fp_enc e;
    const char *why = NULL;
    enum fp_err err = fp_policy_decode(body, &p, &why);
    need_sentence(err, why);
    if (err) {
        return;
    }
    size_t want = p.count;
    size_t have = 0;
    FUZZ_NEED(want <= FP_POLICY_RULES_MAX);
    fp_enc_init(&e, buf, sizeof buf);
    fp_body_policy_begin(&e, want);
    while (fp_policy_next(&p, &rule)) {
        FUZZ_NEED(rule.viewer_kind < FP_VIEWER_RESERVED && rule.level <= FP_LEVEL_EXACT);
        FUZZ_NEED(fp_id_is_none(&rule.viewer) || rule.viewer_kind == 0);
        fp_body_policy_rule(&e, &rule);
        have++;
    }
    FUZZ_NEED(have == want);
    check_written(&e, body);
}

static void try_texts(struct fp_bytes body)
{
    struct fp_react react;
    struct fp_status status;
    struct fp_bytes reason;
    const char *why = NULL;
    enum fp_err err = fp_react_decode(body, &react, &why);
    need_sentence(err, why);
    FUZZ_NEED(fuzz_is_within(react.with, body) && (err || (react.with.len > 0 && react.with.len <= FP_REACT_BYTES_MAX)));
    err = fp_status_decode(body, &status, &why);
    need_sentence(err, why);
    FUZZ_NEED(fuzz_is_within(status.text, body) && (err || status.text.len <= FP_STATUS_BYTES_MAX));
    err = fp_redact_decode(body, &reason, &why);
    need_sentence(err, why);
    FUZZ_NEED(fuzz_is_within(reason, body) && (body.len > 0 || err == FP_OK));
}

static void try_numbers(struct fp_bytes body)
{
    bool flag;
    uint8_t activity;
    uint64_t seq;
    const char *why = NULL;
    enum fp_err err = fp_flag_decode(body, &flag, &why);
    need_sentence(err, why);
    FUZZ_NEED((err == FP_OK) == (body.len == 1 && body.p[0] == (flag ? 0xf5 : 0xf4)));
    err = fp_activity_decode(body, &activity, &why);
    need_sentence(err, why);
    FUZZ_NEED((err == FP_OK) == (body.len == 1 && body.p[0] <= FP_ACTIVITY_BUSY));
    FUZZ_NEED(err || activity == body.p[0]);
    err = fp_digest_decode(body, &seq, &why);
    need_sentence(err, why);
}

/* Every decoder on every body: what a body is for is only the kind's word. */
static void try_bodies(struct fp_bytes body)
{
    struct fp_get get;
    struct fp_member_body member;
    struct fp_msg msg;
    const char *why = NULL;
    try_hello(body);
    try_conv(body);
    enum fp_err err = fp_get_decode(body, &get, &why);
    need_sentence(err, why);
    err = fp_member_body_decode(body, &member, &why);
    need_sentence(err, why);
    FUZZ_NEED(err || (!fp_id_is_none(&member.user) && (member.role <= FP_ROLE_OWNER || member.role == FP_ROLE_NONE)));
    err = fp_msg_decode(body, &msg, &why);
    need_sentence(err, why);
    FUZZ_NEED(fuzz_is_within(msg.text, body));
    try_receipt(body);
    try_watch(body);
    try_policy(body);
    try_texts(body);
    try_numbers(body);
}

static void check_taken(struct fp_bytes one, const struct fp_command *c)
{
    uint8_t *buf = malloc(one.len);
    struct fp_command again;
    struct fp_enc e;
    const char *why = NULL;
    FUZZ_NEED(buf != NULL);
    FUZZ_NEED(fp_kind_is_known(c->kind) && fp_kind_is_durable(c->kind) == (c->n > 0));
    FUZZ_NEED(fuzz_is_within(c->body, one) && fuzz_is_within(c->trace, one));

    fp_enc_init(&e, buf, one.len); /* unknown keys and defaults are left out, so it is never longer */
    FUZZ_NEED(fp_command_encode(&e, c));
    FUZZ_NEED(fp_command_decode(fp_enc_bytes_of(&e), one.len, &again, &why) == FP_OK);
    FUZZ_NEED(again.kind == c->kind && again.n == c->n && fp_id_eq(&again.conv, &c->conv) && again.seen == c->seen);
    FUZZ_NEED(again.age_ms == c->age_ms && again.ttl_s == c->ttl_s && again.ref == c->ref && again.base == c->base);
    FUZZ_NEED(again.priority == c->priority && fp_bytes_eq(again.body, c->body) && fp_bytes_eq(again.trace, c->trace));
    FUZZ_NEED(e.len != one.len || (fp_bytes_eq(fp_enc_bytes_of(&e), one) && again.hash == c->hash));
    FUZZ_NEED(fp_command_decode(one, one.len - 1, &again, &why) == FP_ETOOLARGE);
    FUZZ_NEED(again.kind == c->kind && again.n == c->n && again.hash == c->hash);
    free(buf);
}

static void try_command(struct fp_bytes one, size_t bytes_max)
{
    struct fp_command c;
    const char *why = NULL;
    enum fp_err err = fp_command_decode(one, bytes_max, &c, &why);
    need_sentence(err, why);
    if (!err) {
        check_taken(one, &c);
        try_bodies(c.body);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fp_bytes in = fp_bytes_of(data, size);
    struct fp_uplink u;
    struct fp_bytes one;
    const char *why = NULL;
    enum fp_err err = fp_uplink_open(&u, in, FP_BATCH_COMMANDS_MAX, &why);
    need_sentence(err, why);
    size_t left = u.left;
    size_t count = 0;
    for (; fp_uplink_next(&u, &one); count++) {
        FUZZ_NEED(fuzz_is_within(one, in));
        try_command(one, FP_COMMAND_BYTES_MAX);
    }
    FUZZ_NEED(count == left && (!err || count == 0));

    /* Bytes that nobody has checked do no harm either. */
    struct fp_command c;
    (void)fp_command_decode(in, FP_COMMAND_BYTES_MAX, &c, &why);
    (void)fp_command_decode(in, 1, &c, &why);
    try_bodies(in);
    return 0;
}
