/* A client reads whatever a hub might send: no harm, and every row that was counted comes out. */
#include "fuzz.h"

#include "fp/reply.h"

static void check_rows(struct fp_reply *r)
{
    struct fp_answer a;
    struct fp_conv_head h;
    struct fp_id conv;
    uint64_t head;
    size_t want = 0;
    size_t have = 0;
    if (r->what == FP_REPLY_ACK) {
        want = r->as.ack.count;
        while (fp_reply_answer(r, &a)) {
            have++;
        }
    } else if (r->what == FP_REPLY_WELCOME) {
        want = r->as.welcome.head.head_count;
        while (fp_reply_head(r, &h)) {
            FUZZ_NEED(!fp_id_is_none(&h.conv) && !fp_id_is_none(&h.scope));
            have++;
        }
    } else if (r->what == FP_REPLY_NUDGE) {
        want = r->as.nudge.count;
        while (fp_reply_nudge(r, &conv, &head)) {
            have++;
        }
    }
    FUZZ_NEED(have == want);
}

static void check_spans(const struct fp_reply *r, struct fp_bytes in)
{
    if (r->what == FP_REPLY_NACK) {
        FUZZ_NEED(fp_err_is_peer(r->as.nack.code));
        FUZZ_NEED(fuzz_is_within(r->as.nack.reason, in) && fuzz_is_within(r->as.nack.current, in));
    } else if (r->what == FP_REPLY_PAGE) {
        FUZZ_NEED(fuzz_is_within(r->as.page.content, in) && !fp_id_is_none(&r->as.page.conv));
    } else if (r->what == FP_REPLY_SNAPSHOT) {
        FUZZ_NEED(fuzz_is_within(r->as.snapshot.state, in) && r->as.snapshot.state.len > 0);
    } else if (r->what == FP_REPLY_REPORT) {
        FUZZ_NEED(fuzz_is_within(r->as.report.value, in) && r->as.report.value.len > 0);
    }
}

/* The values of reports, on any bytes: what a kind's value is, is only the report's word. Readers have but one form, but for a time of 0. */
static void try_values(struct fp_bytes value)
{
    struct fp_readers readers;
    struct fp_reader row;
    struct fp_bytes chain;
    enum fp_err err = fp_digest_value(value, &chain);
    FUZZ_NEED(err == FP_OK || err == FP_EMALFORMED);
    FUZZ_NEED(err || (chain.len == 32 && fuzz_is_within(chain, value) && value.len == 34));
    err = fp_readers_decode(value, &readers);
    FUZZ_NEED(err == FP_OK || err == FP_EMALFORMED);
    if (err) {
        return;
    }
    uint8_t *buf = malloc(value.len);
    struct fp_enc e;
    size_t want = readers.count;
    size_t have = 0;
    FUZZ_NEED(buf != NULL);
    fp_enc_init(&e, buf, value.len);
    fp_enc_readers(&e, want);
    while (fp_readers_next(&readers, &row)) {
        FUZZ_NEED(!fp_id_is_none(&row.user));
        fp_enc_reader(&e, &row);
        have++;
    }
    FUZZ_NEED(have == want && !e.failed && e.len == value.len);
    FUZZ_NEED(fp_readers_decode(fp_enc_bytes_of(&e), &readers) == FP_OK && readers.count == want);
    free(buf);
}

static void check_report(const struct fp_reply *r, size_t len)
{
    uint8_t *buf = malloc(len);
    struct fp_reply again;
    struct fp_enc e;
    FUZZ_NEED(buf != NULL);
    try_values(r->as.report.value);
    fp_enc_init(&e, buf, len);
    if (!fp_id_is_none(&r->as.report.conv) && r->as.report.seq > 0) {
        fp_enc_report_begin(&e, r->as.report.kind);
        fp_enc_raw(&e, r->as.report.value);
        fp_enc_report_end(&e, &r->as.report.conv, r->as.report.seq);
        FUZZ_NEED(!e.failed && fp_reply_decode(fp_enc_bytes_of(&e), &again) == FP_OK && again.what == FP_REPLY_REPORT);
        FUZZ_NEED(fp_id_eq(&again.as.report.conv, &r->as.report.conv) && again.as.report.seq == r->as.report.seq);
        FUZZ_NEED(again.as.report.kind == r->as.report.kind && fp_bytes_eq(again.as.report.value, r->as.report.value));
    }
    free(buf);
}

/* A nack is the one reply with much that is optional: there and back. */
static void check_nack(const struct fp_nack *nack, size_t len)
{
    uint8_t *buf = malloc(len);
    struct fp_reply again;
    struct fp_enc e;
    FUZZ_NEED(buf != NULL);
    fp_enc_init(&e, buf, len);
    fp_enc_nack(&e, nack);
    FUZZ_NEED(!e.failed && fp_reply_decode(fp_enc_bytes_of(&e), &again) == FP_OK && again.what == FP_REPLY_NACK);
    FUZZ_NEED(again.as.nack.n == nack->n && again.as.nack.code == nack->code && again.as.nack.retry == nack->retry);
    FUZZ_NEED(fp_bytes_eq(again.as.nack.reason, nack->reason) && fp_bytes_eq(again.as.nack.current, nack->current));
    FUZZ_NEED(again.as.nack.next_n == nack->next_n);
    free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fp_bytes in = fp_bytes_of(data, size);
    struct fp_reply r;
    try_values(in);
    enum fp_err err = fp_reply_decode(in, &r);
    FUZZ_NEED(err == FP_OK || err == FP_EMALFORMED || (err == FP_EUNSUPPORTED && r.what > FP_REPLY_REPORT));
    if (!err) {
        FUZZ_NEED(r.what >= FP_REPLY_ACK && r.what <= FP_REPLY_REPORT);
        check_spans(&r, in);
        if (r.what == FP_REPLY_NACK) {
            check_nack(&r.as.nack, size);
        } else if (r.what == FP_REPLY_REPORT) {
            check_report(&r, size);
        }
        check_rows(&r);
    }
    return 0;
}
