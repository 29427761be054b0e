#include "firmware-client/cli/export.h"

#include <inttypes.h>
#include <stdlib.h>

#include "firmware-client/cli/decode.h"
#include "firmware-client/cli/export_keys.h"

static void take_chain(struct fp_dec *d, struct chain *out)
{
    struct fp_bytes bytes = fp_dec_bytes(d);
    if (bytes.len == CHAIN_BYTES) {
        memcpy(out->digest, bytes.p, CHAIN_BYTES);
    } else {
        d->failed = true;
    }
}

/* One item; false: it is cut off or breaks the rules. */
static bool take_item(struct fp_bytes *in, struct fp_bytes *out, const char **out_why)
{
    struct decode_bad bad = {0};
    size_t used = 0;
    if (!decode_check(*in, &used, &bad)) {
        *out_why = bad.why;
        return false;
    }
    *out = fp_bytes_of(in->p, used);
    *in = fp_bytes_of(in->p + used, in->len - used);
    return true;
}

static bool read_head(struct fp_bytes one, struct export_head *h, struct str *why)
{
    struct fp_dec d;
    struct fp_bytes name = {0};
    uint64_t version = 0;
    unsigned seen = 0;
    fp_dec_init(&d, one);
    for (size_t pairs = fp_dec_map(&d); pairs > 0 && !d.failed; pairs--) {
        uint64_t key = fp_dec_key(&d);
        seen |= key >= EXPORT_NAME && key <= EXPORT_AFTER ? 1U << key : 0U;
        switch (key) {
        case EXPORT_NAME:
            name = fp_dec_text(&d);
            break;
        case EXPORT_VERSION:
            version = fp_dec_uint(&d);
            break;
        case EXPORT_CONV:
            h->conv = fp_dec_id(&d);
            break;
        case EXPORT_EPOCH:
            if (fp_dec_peek(&d) == FP_CBOR_NULL) {
                fp_dec_null(&d);
            } else {
                h->epoch = fp_dec_uint(&d);
            }
            break;
        case EXPORT_FROM:
            h->from = fp_dec_uint(&d);
            break;
        case EXPORT_BEFORE:
            take_chain(&d, &h->before);
            break;
        case EXPORT_TO:
            h->to = fp_dec_uint(&d);
            break;
        case EXPORT_AFTER:
            take_chain(&d, &h->after);
            break;
        default:
            fp_dec_skip(&d);
        }
    }
    bool named = !d.failed && fp_bytes_eq(name, fp_bytes_of(EXPORT_NAMED, strlen(EXPORT_NAMED)));
    if (named && version != EXPORT_VERSION_1) {
        str_format(why, "it is of version %" PRIu64 ", which this release cannot read", version);
    } else if (!named || seen != ((1U << (EXPORT_AFTER + 1)) - 2U) || h->from == 0 || h->to < h->from) {
        str_text(why, "this is no exported conversation");
    }
    return why->len == 0;
}

static void missing(const struct export_head *h, uint64_t from, uint64_t to, struct str *why)
{
    if (from == to) {
        str_format(why, "#%" PRIu64 " is missing", from);
    } else {
        str_format(why, "#%" PRIu64 " to #%" PRIu64 " are missing", from, to);
    }
    str_text(why, to == h->to ? " at the end" : "");
}

static bool comes_later(struct fp_bytes rest, uint64_t seq)
{
    struct fp_bytes one;
    while (fp_run_next(&rest, &one)) {
        if (fp_event_seq(one) == seq) {
            return true;
        }
    }
    return false;
}

/* The next event, which should be `want`; `rest` is behind it. */
static bool take_event(struct export_file *f, struct fp_bytes one, struct fp_bytes rest, uint64_t want, struct str *why)
{
    struct chain next = f->own_chains[f->count];
    uint64_t seq = 0;
    enum fp_err err = export_add(&next, &f->head.conv, one, &seq);
    f->bad_seq = want;
    if (err && (seq == want || seq == 0)) {
        str_format(why, "#%" PRIu64 " is no event of this conversation in a form that the chain covers", want);
    } else if (seq < want || seq > f->head.to || (seq > want && comes_later(rest, want))) {
        f->bad_seq = seq;
        str_format(why, "#%" PRIu64 " stands where #%" PRIu64 " should be: out of order", seq, want);
    } else if (seq > want) {
        missing(&f->head, want, seq - 1, why);
    } else {
        if ((f->count & (f->count + 1)) == 0) { /* full: there is room for 1, 2, 4, 8 ... */
            f->own_chains = keep_memory(reallocarray(f->own_chains, (size_t)(f->count + 1), 2 * sizeof *f->own_chains));
        }
        f->own_chains[++f->count] = next;
        f->bad_seq = 0;
    }
    return why->len == 0;
}

static bool take_events(struct export_file *f, struct fp_bytes in, struct str *why)
{
    struct fp_bytes one;
    const char *bad = NULL;
    for (uint64_t want = f->head.from; want <= f->head.to; want++) {
        if (in.len == 0) {
            f->bad_seq = want;
            missing(&f->head, want, f->head.to, why);
            return false;
        }
        if (!take_item(&in, &one, &bad)) {
            f->bad_seq = want;
            str_format(why, "#%" PRIu64 " cannot be read: %s", want, bad);
            return false;
        }
        if (!take_event(f, one, in, want, why)) {
            return false;
        }
    }
    if (in.len > 0) {
        str_format(why, "there is something behind the last event, #%" PRIu64, f->head.to);
    } else if (memcmp(f->own_chains[f->count].digest, f->head.after.digest, CHAIN_BYTES) != 0) {
        str_format(why, "the chain over #%" PRIu64 " to #%" PRIu64 " is another than the file says: at least one event was changed", f->head.from,
                   f->head.to);
    }
    return why->len == 0;
}

bool export_open(struct export_file *f, struct fp_bytes in, struct str *why)
{
    struct fp_bytes one;
    const char *bad = NULL;
    *f = (struct export_file){0};
    str_clear(why);
    if (!take_item(&in, &one, &bad)) {
        str_text(why, "this is no exported conversation");
        return false;
    }
    if (!read_head(one, &f->head, why)) {
        return false;
    }
    f->own_chains = keep_memory(malloc(sizeof *f->own_chains));
    f->own_chains[0] = f->head.before;
    return take_events(f, in, why);
}
