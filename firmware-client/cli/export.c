#include "firmware-client/cli/export.h"

#include <inttypes.h>
#include <stdlib.h>

#include "firmware-client/cli/export_keys.h"
#include "firmware-client/cli/json.h"

void export_put_head(struct fp_enc *e, const struct export_head *h)
{
    fp_enc_map(e, EXPORT_KEYS);
    fp_enc_uint(e, EXPORT_NAME);
    fp_enc_text(e, EXPORT_NAMED, strlen(EXPORT_NAMED));
    fp_enc_uint(e, EXPORT_VERSION);
    fp_enc_uint(e, EXPORT_VERSION_1);
    fp_enc_uint(e, EXPORT_CONV);
    fp_enc_id(e, &h->conv);
    fp_enc_uint(e, EXPORT_EPOCH);
    if (h->epoch > 0) {
        fp_enc_uint(e, h->epoch);
    } else {
        fp_enc_null(e);
    }
    fp_enc_uint(e, EXPORT_FROM);
    fp_enc_uint(e, h->from);
    fp_enc_uint(e, EXPORT_BEFORE);
    fp_enc_bytes(e, h->before.digest, CHAIN_BYTES);
    fp_enc_uint(e, EXPORT_TO);
    fp_enc_uint(e, h->to);
    fp_enc_uint(e, EXPORT_AFTER);
    fp_enc_bytes(e, h->after.digest, CHAIN_BYTES);
}

void export_show(struct str *out, bool json, bool verified, const char *path, const struct export_head *h)
{
    struct str chain = {0};
    for (size_t i = 0; i < CHAIN_BYTES; i++) {
        str_format(&chain, "%02x", h->after.digest[i]);
    }
    uint64_t count = h->to - h->from + 1;
    if (json) {
        struct json j = {.out = out};
        json_open(&j, '{');
        json_put_text(&j, "type", verified ? "verified" : "export");
        json_put_text(&j, "file", path);
        json_put_id(&j, "conv", &h->conv);
        json_put_uint(&j, "from", h->from);
        json_put_uint(&j, "to", h->to);
        json_put_uint(&j, "events", count);
        json_put_text(&j, "chain", str_get(&chain));
        json_close(&j, '}');
    } else {
        str_format(out, "%s: %" PRIu64 " event%s, %.*s #%" PRIu64 " to #%" PRIu64 ", chain %s", verified ? "verified" : path, count,
                   count > 1 ? "s" : "", (int)h->conv.len, h->conv.text, h->from, h->to, str_get(&chain));
    }
    str_char(out, '\n');
    str_fini(&chain);
}

/* The chain is computed over what we understand; so an event must hold nothing besides. */
static bool is_covered(const struct fp_event *ev, struct fp_bytes one)
{
    uint8_t *own_copy = keep_memory(malloc(one.len));
    struct fp_enc e;
    fp_enc_init(&e, own_copy, one.len);
    bool same = fp_event_encode(&e, ev) && fp_bytes_eq(fp_enc_bytes_of(&e), one);
    free(own_copy);
    return same;
}

enum fp_err export_add(struct chain *chain, const struct fp_id *conv, struct fp_bytes one, uint64_t *out_seq)
{
    struct fp_event ev;
    *out_seq = 0;
    if (fp_event_decode(one, &ev)) {
        return FP_EMALFORMED;
    }
    *out_seq = ev.seq;
    return fp_id_eq(&ev.conv, conv) && is_covered(&ev, one) ? chain_extend(chain, &ev) : FP_EMALFORMED;
}

bool export_compare(const struct export_file *a, const struct export_file *b, struct export_diff *out)
{
    uint64_t end_a = a->head.from + a->count; /* behind the last */
    uint64_t end_b = b->head.from + b->count;
    *out = (struct export_diff){.from = a->head.from > b->head.from ? a->head.from : b->head.from};
    uint64_t end = end_a < end_b ? end_a : end_b;
    if (!a->own_chains || !b->own_chains || end <= out->from || !fp_id_eq(&a->head.conv, &b->head.conv)) {
        return false;
    }
    out->to = end - 1;
    for (uint64_t seq = out->from - 1; seq <= out->to; seq++) {
        const struct chain *ca = &a->own_chains[seq + 1 - a->head.from];
        const struct chain *cb = &b->own_chains[seq + 1 - b->head.from];
        if (memcmp(ca->digest, cb->digest, CHAIN_BYTES) != 0) {
            out->earlier = seq < out->from;
            out->differs = out->earlier ? 0 : seq;
            return true;
        }
    }
    return true;
}

void export_close(struct export_file *f)
{
    free(f->own_chains);
    *f = (struct export_file){0};
}
