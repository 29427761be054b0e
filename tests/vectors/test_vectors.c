/*
 * Our half of the golden vectors: what cbor2 made is accepted, means what vectors.json says, and comes out of our encoders
 * as the same bytes. vectors.json has one vector a line; test_vectors.py describes and checks the notation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fp/body.h"
#include "fp/command.h"
#include "fp/event.h"
#include "fp/live.h"
#include "fp/reply.h"
#include "tests/vectors/trunk_again.h"

#define LINE_CAP 8192
#define BYTES_CAP 2048

struct vector {
    char line[LINE_CAP];
    const char *name;
    const char *rule;
    const char *meaning;
    uint8_t bytes[BYTES_CAP];
    size_t len;
};

/* Cuts out what stands between `before` and the next `after`, and puts an end mark there. */
static char *cut(char **at, const char *before, const char *after)
{
    assert_memory_equal(*at, before, strlen(before));
    char *from = *at + strlen(before);
    char *to = strstr(from, after);
    assert_non_null(to);
    *to = '\0';
    *at = to + strlen(after);
    return from;
}

static void parse_line(struct vector *v)
{
    char *at = v->line;
    v->name = cut(&at, "{\"name\":\"", "\",");
    v->rule = cut(&at, "\"rule\":\"", "\",");
    const char *hex = cut(&at, "\"hex\":\"", "\",\"meaning\":");
    v->meaning = at;
    at[strcspn(at, "\n")] = '\0';
    size_t end = strlen(at);
    end -= at[end - 1] == ',';
    assert_int_equal(at[end - 1], '}');
    at[end - 1] = '\0';

    assert_in_range(strlen(hex), 2, 2 * BYTES_CAP);
    for (v->len = 0; hex[2 * v->len] != '\0'; v->len++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * v->len, "%2x", &byte), 1);
        v->bytes[v->len] = (uint8_t)byte;
    }
}

/* Calls fn for each vector; returns how many there are. */
static size_t each_vector(void (*fn)(const struct vector *v))
{
    static struct vector v;
    FILE *f = fopen(FP_SOURCE_ROOT "/tests/vectors/vectors.json", "r");
    assert_non_null(f);
    size_t count = 0;
    while (fgets(v.line, sizeof v.line, f)) {
        if (v.line[0] == '{') {
            parse_line(&v);
            fn(&v);
            count++;
        }
    }
    assert_int_equal(fclose(f), 0);
    return count;
}

static struct fp_bytes bytes_of(const struct vector *v)
{
    return fp_bytes_of(v->bytes, v->len);
}

/* ------------------------------------------------------------------ meaning: the value as JSON, made with our reader */

struct text {
    char buf[LINE_CAP];
    size_t len;
};

static void put(struct text *t, const char *p, size_t len)
{
    assert_true(len < sizeof t->buf - t->len);
    memcpy(t->buf + t->len, p, len);
    t->len += len;
    t->buf[t->len] = '\0';
}

static void put_word(struct text *t, const char *word)
{
    put(t, word, strlen(word));
}

static void put_bytes(struct text *t, struct fp_bytes bytes)
{
    put_word(t, "{\"hex\":\"");
    for (size_t i = 0; i < bytes.len; i++) {
        char digits[3];
        (void)snprintf(digits, sizeof digits, "%02x", bytes.p[i]);
        put_word(t, digits);
    }
    put_word(t, "\"}");
}

static void put_number(struct text *t, struct fp_dec *d, enum fp_cbor_type type)
{
    char digits[32];
    if (type == FP_CBOR_UINT) {
        (void)snprintf(digits, sizeof digits, "%llu", (unsigned long long)fp_dec_uint(d));
    } else {
        (void)snprintf(digits, sizeof digits, "%.17g", fp_dec_number(d));
    }
    put_word(t, digits);
}

static void put_item(struct text *t, struct fp_dec *d);

static void put_key(struct text *t, struct fp_dec *d)
{
    if (fp_dec_peek(d) == FP_CBOR_TEXT) {
        struct fp_bytes key = fp_dec_text(d);
        put_word(t, "\"\\\"");
        put(t, (const char *)key.p, key.len);
        put_word(t, "\\\"\":");
        return;
    }
    put_word(t, "\"");
    put_item(t, d);
    put_word(t, "\":");
}

static void put_collection(struct text *t, struct fp_dec *d, bool map)
{
    put_word(t, map ? "{" : "[");
    size_t count = map ? fp_dec_map(d) : fp_dec_array(d);
    for (size_t i = 0; i < count; i++) {
        put_word(t, i > 0 ? "," : "");
        if (map) {
            put_key(t, d);
        }
        put_item(t, d);
    }
    put_word(t, map ? "}" : "]");
}

static void put_item(struct text *t, struct fp_dec *d)
{
    enum fp_cbor_type type = fp_dec_peek(d);
    struct fp_bytes bytes;
    switch (type) {
    case FP_CBOR_UINT:
    case FP_CBOR_NEGINT:
    case FP_CBOR_FLOAT:
        put_number(t, d, type);
        break;
    case FP_CBOR_BYTES:
        put_bytes(t, fp_dec_bytes(d));
        break;
    case FP_CBOR_TEXT:
        bytes = fp_dec_text(d);
        put_word(t, "\"");
        put(t, (const char *)bytes.p, bytes.len);
        put_word(t, "\"");
        break;
    case FP_CBOR_ARRAY:
    case FP_CBOR_MAP:
        put_collection(t, d, type == FP_CBOR_MAP);
        break;
    case FP_CBOR_BOOL:
        put_word(t, fp_dec_bool(d) ? "true" : "false");
        break;
    case FP_CBOR_NULL:
        fp_dec_null(d);
        put_word(t, "null");
        break;
    case FP_CBOR_END:
    case FP_CBOR_OTHER:
        fail_msg("an item that the check should have refused");
    }
}

static void check_meaning(const struct vector *v)
{
    static struct text t;
    const char *why = "";
    struct fp_dec d;
    if (fp_cbor_check(bytes_of(v), NULL, &why)) {
        fail_msg("%s: %s", v->name, why);
    }
    t.len = 0;
    fp_dec_init(&d, bytes_of(v));
    put_item(&t, &d);
    assert_true(fp_dec_done(&d));
    if (strcmp(t.buf, v->meaning) != 0) {
        fail_msg("%s: we read %s, it means %s", v->name, t.buf, v->meaning);
    }
}

static void each_is_accepted_and_means_what_it_should(void **state)
{
    (void)state;
    assert_in_range(each_vector(check_meaning), 70, 200);
}

/* ------------------------------------------------------------------ bodies */

static void check_body(const struct vector *v, const struct fp_command *c)
{
    const char *why = "";
    struct fp_hello hello;
    struct fp_get get;
    struct fp_conv_body conv;
    struct fp_member_body member;
    struct fp_msg msg;
    struct fp_watch watch;
    bool flag;
    uint8_t activity;
    enum fp_err err = FP_OK;
    switch (c->kind) {
    case FP_K_HELLO:
        err = fp_hello_decode(c->body, &hello, &why);
        break;
    case FP_K_GET:
        err = fp_get_decode(c->body, &get, &why);
        break;
    case FP_K_MSG:
    case FP_K_EDIT:
        err = fp_msg_decode(c->body, &msg, &why);
        break;
    case FP_K_CONV_NEW:
    case FP_K_CONV_SET:
        err = fp_conv_body_decode(c->body, FP_TITLE_BYTES_MAX, &conv, &why);
        break;
    case FP_K_MEMBER_ADD:
    case FP_K_MEMBER_REMOVE:
    case FP_K_MEMBER_ROLE:
        err = fp_member_body_decode(c->body, &member, &why);
        break;
    case FP_K_WATCH:
        err = fp_watch_decode(c->body, &watch, &why);
        break;
    case FP_K_IDLE:
    case FP_K_TYPING:
        err = fp_flag_decode(c->body, &flag, &why);
        break;
    case FP_K_ACTIVITY:
        err = fp_activity_decode(c->body, &activity, &why);
        break;
    default: /* read by body_again(), or its body has no decoder yet */
        break;
    }
    if (err) {
        fail_msg("%s: %s", v->name, why);
    }
}

static enum fp_err receipt_body_again(struct fp_bytes body, struct fp_enc *e, const char **why)
{
    struct fp_receipt_body b;
    struct fp_receipt_row row;
    enum fp_err err = fp_receipt_body_decode(body, &b, why);
    fp_body_receipt_begin(e, b.count);
    while (fp_receipt_body_next(&b, &row)) {
        fp_body_receipt(e, &row.conv, row.delivered, row.read, row.private_read);
    }
    return err;
}

static enum fp_err policy_body_again(struct fp_bytes body, struct fp_enc *e, const char **why)
{
    struct fp_policy p;
    struct fp_policy_rule rule;
    enum fp_err err = fp_policy_decode(body, &p, why);
    fp_body_policy_begin(e, p.count);
    while (fp_policy_next(&p, &rule)) {
        fp_body_policy_rule(e, &rule);
    }
    return err;
}

/* The bodies that we both read and write. */
static void body_again(const struct vector *v, const struct fp_command *c)
{
    uint8_t buf[BYTES_CAP];
    const char *why = "";
    struct fp_enc e;
    struct fp_react react;
    struct fp_status status;
    struct fp_bytes reason;
    uint64_t seq;
    enum fp_err err;
    fp_enc_init(&e, buf, sizeof buf);
    switch (c->kind) {
    case FP_K_RECEIPT:
        err = receipt_body_again(c->body, &e, &why);
        break;
    case FP_K_POLICY:
        err = policy_body_again(c->body, &e, &why);
        break;
    case FP_K_REACT:
        err = fp_react_decode(c->body, &react, &why);
        fp_body_react(&e, (const char *)react.with.p, react.with.len, react.back);
        break;
    case FP_K_REDACT:
        err = fp_redact_decode(c->body, &reason, &why);
        if (c->body.len > 0) {
            fp_body_redact(&e, (const char *)reason.p, reason.len);
        }
        break;
    case FP_K_STATUS:
        err = fp_status_decode(c->body, &status, &why);
        fp_body_status(&e, (const char *)status.text.p, status.text.len, status.until.ms);
        break;
    case FP_K_DIGEST:
        err = fp_digest_decode(c->body, &seq, &why);
        fp_body_digest(&e, seq);
        break;
    default:
        return;
    }
    if (err || !fp_bytes_eq(fp_enc_bytes_of(&e), c->body)) {
        fail_msg("%s: %s", v->name, err ? why : "we write another body");
    }
}

/* ------------------------------------------------------------------ there and back, each by its rule */

static bool command_again(const struct vector *v, struct fp_bytes in, struct fp_enc *e)
{
    struct fp_command c;
    const char *why = "";
    if (fp_command_decode(in, FP_COMMAND_BYTES_MAX, &c, &why)) {
        fail_msg("%s: %s", v->name, why);
    }
    check_body(v, &c);
    body_again(v, &c);
    return fp_command_encode(e, &c);
}

static bool uplink_again(const struct vector *v, struct fp_enc *e)
{
    struct fp_uplink u;
    struct fp_bytes one;
    const char *why = "";
    assert_int_equal(fp_uplink_open(&u, bytes_of(v), FP_BATCH_COMMANDS_MAX, &why), FP_OK);
    fp_enc_array(e, u.left);
    while (fp_uplink_next(&u, &one)) {
        assert_true(command_again(v, one, e));
    }
    return !e->failed;
}

static bool event_again(struct fp_bytes in, struct fp_enc *e)
{
    struct fp_event ev;
    assert_int_equal(fp_event_decode(in, &ev), FP_OK);
    assert_int_equal(fp_event_seq(in), ev.seq);
    return fp_event_encode(e, &ev);
}

static bool events_again(struct fp_bytes in, struct fp_enc *e)
{
    struct fp_dec d;
    struct fp_bytes one;
    fp_dec_init(&d, in);
    fp_enc_array(e, fp_dec_array(&d));
    struct fp_bytes run = fp_bytes_of(d.p + d.at, d.len - d.at);
    while (fp_run_next(&run, &one)) {
        assert_true(event_again(one, e));
    }
    return !e->failed;
}

static void ack_again(struct fp_reply *r, struct fp_enc *e)
{
    struct fp_answer a;
    if (!fp_id_is_none(&r->as.ack.relay)) { /* a relay's: the hub's encoder never writes one */
        fp_enc_map(e, 3);
        fp_enc_uint(e, FP_KEY_WHAT);
        fp_enc_uint(e, FP_REPLY_ACK);
        fp_enc_uint(e, FP_ACK_ROWS);
        fp_enc_array(e, r->as.ack.count);
    } else {
        fp_enc_ack_begin(e, r->as.ack.count);
    }
    while (fp_reply_answer(r, &a)) {
        fp_enc_answer(e, &a);
    }
    if (!fp_id_is_none(&r->as.ack.relay)) {
        fp_enc_uint(e, FP_ACK_RELAY);
        fp_enc_id(e, &r->as.ack.relay);
    }
}

static void welcome_again(struct fp_reply *r, struct fp_enc *e)
{
    struct fp_conv_head h;
    fp_enc_welcome_begin(e, &r->as.welcome.head);
    while (fp_reply_head(r, &h)) {
        fp_enc_conv_head(e, &h);
    }
    fp_enc_welcome_end(e, &r->as.welcome.head);
}

static void page_again(const struct fp_page *p, struct fp_enc *e)
{
    fp_enc_page_begin(e, &p->conv, p->from, p->to, p->more, p->zlib);
    if (p->zlib) {
        fp_enc_bytes(e, p->content.p, p->content.len);
    } else {
        assert_true(events_again(p->content, e));
    }
}

static void nudge_again(struct fp_reply *r, struct fp_enc *e)
{
    struct fp_id conv;
    uint64_t head;
    fp_enc_nudge(e, r->as.nudge.count);
    while (fp_reply_nudge(r, &conv, &head)) {
        fp_enc_nudge_row(e, &conv, head);
    }
}

/* False for a report on what has no conversation: that we only read. */
static bool report_again(const struct fp_reply *r, struct fp_enc *e)
{
    struct fp_bytes value = r->as.report.value;
    struct fp_readers readers;
    struct fp_reader row;
    struct fp_bytes chain;
    if (fp_id_is_none(&r->as.report.conv)) {
        return false;
    }
    fp_enc_report_begin(e, r->as.report.kind);
    if (r->as.report.kind == FP_K_READERS) {
        assert_int_equal(fp_readers_decode(value, &readers), FP_OK);
        fp_enc_readers(e, readers.count);
        while (fp_readers_next(&readers, &row)) {
            fp_enc_reader(e, &row);
        }
    } else {
        assert_int_equal(r->as.report.kind, FP_K_DIGEST);
        assert_int_equal(fp_digest_value(value, &chain), FP_OK);
        fp_enc_bytes(e, chain.p, chain.len);
    }
    fp_enc_report_end(e, &r->as.report.conv, r->as.report.seq);
    return !e->failed;
}

static bool reply_again(const struct vector *v, struct fp_enc *e)
{
    struct fp_reply r;
    assert_int_equal(fp_reply_decode(bytes_of(v), &r), FP_OK);
    switch (r.what) {
    case FP_REPLY_ACK:
        ack_again(&r, e);
        break;
    case FP_REPLY_NACK:
        fp_enc_nack(e, &r.as.nack);
        break;
    case FP_REPLY_WELCOME:
        welcome_again(&r, e);
        break;
    case FP_REPLY_PAGE:
        page_again(&r.as.page, e);
        break;
    case FP_REPLY_SNAPSHOT:
        fp_enc_snapshot(e, &r.as.snapshot.conv, r.as.snapshot.floor, r.as.snapshot.state);
        break;
    case FP_REPLY_TIME:
        fp_enc_time(e, r.as.time.echo, r.as.time.received, r.as.time.sent);
        break;
    case FP_REPLY_NUDGE:
        nudge_again(&r, e);
        break;
    case FP_REPLY_REPORT:
        return report_again(&r, e);
    default:
        fail_msg("%s: a reply that we cannot write", v->name);
    }
    return !e->failed;
}

static bool head_again(struct fp_bytes in, struct fp_enc *e)
{
    struct fp_head h;
    assert_int_equal(fp_head_decode(in, &h), FP_OK);
    fp_enc_head(e, &h);
    return !e->failed;
}

static bool about_again(struct fp_bytes in, struct fp_enc *e)
{
    struct fp_about a;
    struct fp_id user;
    uint64_t role;
    uint64_t joined;
    assert_int_equal(fp_about_decode(in, &a), FP_OK);
    fp_enc_about_begin(e, &a);
    while (fp_about_member(&a, &user, &role, &joined)) {
        fp_enc_about_member(e, &user, role, joined);
    }
    fp_enc_about_end(e, &a);
    return !e->failed;
}

static bool receipts_again(struct fp_bytes in, struct fp_enc *e)
{
    struct fp_receipts r;
    struct fp_horizon row;
    assert_int_equal(fp_receipts_decode(in, &r), FP_OK);
    fp_enc_receipts(e, r.count);
    while (fp_receipts_next(&r, &row)) {
        fp_enc_horizon(e, &row);
    }
    return !e->failed;
}

static bool typing_again(struct fp_bytes in, struct fp_enc *e)
{
    struct fp_typing t;
    struct fp_id names[FP_TYPING_NAMES_MAX];
    size_t count = 0;
    assert_int_equal(fp_typing_decode(in, &t), FP_OK);
    assert_in_range(t.name_count, 0, FP_TYPING_NAMES_MAX);
    while (fp_typing_next(&t, &names[count])) {
        count++;
    }
    fp_enc_typing(e, names, count, (size_t)t.count);
    return !e->failed;
}

static bool presence_again(struct fp_bytes in, struct fp_enc *e)
{
    struct fp_presence p;
    struct fp_person person;
    assert_int_equal(fp_presence_decode(in, &p), FP_OK);
    fp_enc_presence_begin(e, p.count, p.full);
    while (fp_presence_next(&p, &person)) {
        fp_enc_person(e, &person);
    }
    fp_enc_presence_end(e, p.full);
    return !e->failed;
}

static bool inbox_again(struct fp_bytes in, struct fp_enc *e)
{
    struct fp_inbox i;
    struct fp_inbox_head row;
    struct fp_horizon horizon;
    assert_int_equal(fp_inbox_decode(in, &i), FP_OK);
    switch (i.what) {
    case FP_INBOX_HEADS:
        fp_enc_inbox_heads(e, i.count);
        while (fp_inbox_next(&i, &row)) {
            fp_enc_inbox_head(e, &row);
        }
        return !e->failed;
    case FP_INBOX_JOINED:
        fp_enc_inbox_joined(e, &i.conv, &i.scope, i.role);
        return !e->failed;
    case FP_INBOX_REMOVED:
        fp_enc_inbox_removed(e, &i.conv, &i.scope);
        return !e->failed;
    case FP_INBOX_HORIZONS:
        fp_enc_inbox_horizons(e, i.count);
        while (fp_inbox_horizon(&i, &horizon)) {
            fp_enc_horizon(e, &horizon);
        }
        return !e->failed;
    case FP_INBOX_ALERT:
        fp_enc_inbox_alert(e, &i.conv, i.seq, i.priority, i.details);
        return !e->failed;
    default:
        return false;
    }
}

static size_t written_again;

static void check_again(const struct vector *v)
{
    uint8_t buf[BYTES_CAP];
    struct fp_enc e;
    bool written = false;
    fp_enc_init(&e, buf, sizeof buf);
    if (strcmp(v->rule, "command") == 0) {
        written = command_again(v, bytes_of(v), &e);
    } else if (strcmp(v->rule, "uplink") == 0) {
        written = uplink_again(v, &e);
    } else if (strcmp(v->rule, "event") == 0) {
        written = event_again(bytes_of(v), &e);
    } else if (strcmp(v->rule, "events") == 0) {
        written = events_again(bytes_of(v), &e);
    } else if (strcmp(v->rule, "reply") == 0) {
        written = reply_again(v, &e);
    } else if (strcmp(v->rule, "head") == 0) {
        written = head_again(bytes_of(v), &e);
    } else if (strcmp(v->rule, "about") == 0) {
        written = about_again(bytes_of(v), &e);
    } else if (strcmp(v->rule, "inbox") == 0) {
        written = inbox_again(bytes_of(v), &e);
    } else if (strcmp(v->rule, "receipts") == 0) {
        written = receipts_again(bytes_of(v), &e);
    } else if (strcmp(v->rule, "typing-now") == 0) {
        written = typing_again(bytes_of(v), &e);
    } else if (strcmp(v->rule, "presence") == 0) {
        written = presence_again(bytes_of(v), &e);
    } else if (strcmp(v->rule, "trunk") == 0) {
        assert_true(written = trunk_again(bytes_of(v), &e));
    } else if (strcmp(v->rule, "record-up") == 0) {
        assert_true(written = record_up_again(bytes_of(v), &e));
    } else if (strcmp(v->rule, "record-down") == 0) {
        assert_true(written = record_down_again(bytes_of(v), &e));
    } else {
        fail_msg("%s: an unknown rule, %s", v->name, v->rule);
    }
    if (written && !fp_bytes_eq(fp_enc_bytes_of(&e), bytes_of(v))) {
        fail_msg("%s: our encoder writes other bytes", v->name);
    }
    written_again += written;
}

static void what_our_decoders_read_our_encoders_write_as_the_same_bytes(void **state)
{
    (void)state;
    written_again = 0;
    size_t count = each_vector(check_again);
    /* all but the report on a blob's status, which has no encoder yet */
    assert_int_equal(written_again, count - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_accepted_and_means_what_it_should),
        cmocka_unit_test(what_our_decoders_read_our_encoders_write_as_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
