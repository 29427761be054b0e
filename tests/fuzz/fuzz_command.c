/* Uplinks, the commands in them and every body: no harm, refusals with a sentence, and a command that we write reads the same. */
#include "fuzz.h"

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
