#include "fp/event.h"

static void put_uint(struct fp_enc *e, uint64_t key, bool present, uint64_t v)
{
    if (present) {
        fp_enc_uint(e, key);
        fp_enc_uint(e, v);
    }
}

static void put_id(struct fp_enc *e, uint64_t key, const struct fp_id *id)
{
    fp_enc_uint(e, key);
    fp_enc_id(e, id);
}

static void put_composed(struct fp_enc *e, const struct fp_event *ev)
{
    fp_enc_uint(e, FP_KEY_COMPOSED);
    fp_enc_array(e, 2);
    fp_enc_uint(e, ev->composed.ms);
    fp_enc_uint(e, ev->composed_error_ms);
}

static void put_branch(struct fp_enc *e, const struct fp_event *ev)
{
    fp_enc_uint(e, FP_KEY_BRANCH);
    fp_enc_array(e, 3);
    fp_enc_id(e, &ev->branch_relay);
    fp_enc_uint(e, ev->branch_base);
    fp_enc_uint(e, ev->branch_k);
}

static void put_bytes(struct fp_enc *e, uint64_t key, struct fp_bytes bytes)
{
    if (bytes.len > 0) {
        fp_enc_uint(e, key);
        fp_enc_bytes(e, bytes.p, bytes.len);
    }
}

bool fp_event_encode(struct fp_enc *e, const struct fp_event *ev)
{
    bool has_branch = !fp_id_is_none(&ev->branch_relay);
    bool has_priority = ev->priority != FP_PRIORITY_NORMAL;
    size_t pairs = 6U + (ev->seen > 0) + has_priority + (ev->ref > 0) + (ev->version > 0) + (ev->body.len > 0) + (ev->trace.len > 0) + (ev->seq > 0) +
                   (ev->flags > 0) + ev->has_composed + has_branch + (ev->body_hash.len > 0);
    fp_enc_map(e, pairs);
    put_uint(e, FP_KEY_KIND, true, ev->kind);
    put_uint(e, FP_KEY_N, true, ev->n);
    put_id(e, FP_KEY_CONV, &ev->conv);
    put_uint(e, FP_KEY_SEEN, ev->seen > 0, ev->seen);
    put_uint(e, FP_KEY_PRIORITY, has_priority, ev->priority);
    put_uint(e, FP_KEY_REF, ev->ref > 0, ev->ref);
    put_uint(e, FP_KEY_VERSION, ev->version > 0, ev->version);
    if (ev->body.len > 0) {
        fp_enc_uint(e, FP_KEY_BODY);
        fp_enc_raw(e, ev->body);
    }
    put_bytes(e, FP_KEY_TRACE, ev->trace);
    put_uint(e, FP_KEY_SEQ, ev->seq > 0, ev->seq);
    put_uint(e, FP_KEY_AT, true, ev->at.ms);
    put_id(e, FP_KEY_USER, &ev->user);
    put_id(e, FP_KEY_DEVICE, &ev->device);
    put_uint(e, FP_KEY_FLAGS, ev->flags > 0, ev->flags);
    if (ev->has_composed) {
        put_composed(e, ev);
    }
    if (has_branch) {
        put_branch(e, ev);
    }
    put_bytes(e, FP_KEY_BODY_HASH, ev->body_hash);
    return !e->failed;
}

/* ------------------------------------------------------------------ decode */

static void expect_items(struct fp_dec *d, size_t count)
{
    if (fp_dec_array(d) != count) {
        d->failed = true;
    }
}

static uint64_t uint_up_to(struct fp_dec *d, uint64_t max)
{
    uint64_t v = fp_dec_uint(d);
    if (v > max) {
        d->failed = true;
    }
    return d->failed ? 0 : v;
}

static struct fp_bytes bytes_of_len(struct fp_dec *d, size_t len)
{
    struct fp_bytes bytes = fp_dec_bytes(d);
    if (bytes.len != len) {
        d->failed = true;
    }
    return bytes;
}

/* The keys that the hub adds. */
static void read_hub_field(struct fp_dec *d, uint64_t key, struct fp_event *ev)
{
    switch (key) {
    case FP_KEY_SEQ:
        ev->seq = fp_dec_uint(d);
        break;
    case FP_KEY_AT:
        ev->at.ms = fp_dec_uint(d);
        break;
    case FP_KEY_USER:
        ev->user = fp_dec_id(d);
        break;
    case FP_KEY_DEVICE:
        ev->device = fp_dec_id(d);
        break;
    case FP_KEY_FLAGS:
        ev->flags = (uint32_t)uint_up_to(d, UINT32_MAX);
        break;
    case FP_KEY_COMPOSED:
        expect_items(d, 2);
        ev->composed.ms = fp_dec_uint(d);
        ev->composed_error_ms = fp_dec_uint(d);
        ev->has_composed = true;
        break;
    case FP_KEY_BRANCH:
        expect_items(d, 3);
        ev->branch_relay = fp_dec_id(d);
        ev->branch_base = fp_dec_uint(d);
        ev->branch_k = fp_dec_uint(d);
        break;
    case FP_KEY_BODY_HASH:
        ev->body_hash = bytes_of_len(d, 32);
        break;
    default: /* a newer hub's key */
        fp_dec_skip(d);
    }
}

static void read_field(struct fp_dec *d, uint64_t key, struct fp_event *ev)
{
    switch (key) {
    case FP_KEY_KIND:
        ev->kind = fp_dec_uint(d);
        break;
    case FP_KEY_N:
        ev->n = fp_dec_uint(d);
        break;
    case FP_KEY_CONV:
        ev->conv = fp_dec_id(d);
        break;
    case FP_KEY_SEEN:
        ev->seen = fp_dec_uint(d);
        break;
    case FP_KEY_PRIORITY:
        ev->priority = (uint8_t)uint_up_to(d, FP_PRIORITY_BULK);
        break;
    case FP_KEY_REF:
        ev->ref = fp_dec_uint(d);
        break;
    case FP_KEY_VERSION:
        ev->version = fp_dec_uint(d);
        break;
    case FP_KEY_BODY:
        ev->body = fp_dec_raw(d);
        break;
    case FP_KEY_TRACE:
        ev->trace = bytes_of_len(d, 16);
        break;
    default:
        read_hub_field(d, key, ev);
    }
}

enum fp_err fp_event_decode(struct fp_bytes one, struct fp_event *out)
{
    *out = (struct fp_event){.priority = FP_PRIORITY_NORMAL};
    const char *why;
    if (fp_cbor_check(one, NULL, &why)) {
        return FP_EMALFORMED;
    }
    uint32_t seen = 0; /* bit 1 << key */
    struct fp_dec d;
    fp_dec_init(&d, one);
    for (size_t pairs = fp_dec_map(&d); pairs > 0 && !d.failed; pairs--) {
        uint64_t key = fp_dec_key(&d);
        read_field(&d, key, out);
        seen |= key < 32 ? 1U << key : 0;
    }
    uint32_t needed = 1U << FP_KEY_KIND | 1U << FP_KEY_N | 1U << FP_KEY_CONV | 1U << FP_KEY_AT | 1U << FP_KEY_USER | 1U << FP_KEY_DEVICE;
    bool provisional = (out->flags & FP_FLAG_PROVISIONAL) != 0;
    bool ordered = out->seq > 0 && !provisional;
    bool relayed = out->seq == 0 && provisional && !fp_id_is_none(&out->branch_relay);
    return fp_dec_done(&d) && (seen & needed) == needed && (ordered || relayed) ? FP_OK : FP_EMALFORMED;
}

uint64_t fp_event_seq(struct fp_bytes one)
{
    struct fp_dec d;
    fp_dec_init(&d, one);
    for (size_t pairs = fp_dec_map(&d); pairs > 0 && !d.failed; pairs--) {
        if (fp_dec_key(&d) == FP_KEY_SEQ) {
            return fp_dec_uint(&d);
        }
        fp_dec_skip(&d);
    }
    return 0;
}

/* ------------------------------------------------------------------ run */

bool fp_run_next(struct fp_bytes *run, struct fp_bytes *out_one)
{
    struct fp_dec d;
    fp_dec_init(&d, *run);
    *out_one = fp_dec_raw(&d);
    if (d.failed) {
        return false;
    }
    *run = fp_bytes_of(run->p + d.at, run->len - d.at);
    return true;
}

struct fp_bytes fp_run_cut(struct fp_bytes run, uint64_t from, uint64_t to, size_t *out_count)
{
    struct fp_bytes cut = {0};
    struct fp_bytes one;
    *out_count = 0;
    while (fp_run_next(&run, &one)) {
        uint64_t seq = fp_event_seq(one);
        if (seq > to) {
            break;
        }
        if (seq < from || seq == 0) {
            continue;
        }
        if (*out_count == 0) {
            cut.p = one.p;
        }
        cut.len = (size_t)(one.p + one.len - cut.p);
        ++*out_count;
    }
    return cut;
}
