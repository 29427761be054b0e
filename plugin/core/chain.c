#include "plugin/core/chain.h"

#include <assert.h>
#include <mbedtls/sha256.h>

#include "fp/limits.h"

static void sha256(const uint8_t *p, size_t len, uint8_t out[CHAIN_BYTES])
{
    static const uint8_t nothing = 0;
    int err = mbedtls_sha256_ret(p ? p : &nothing, len, out, 0);
    assert(err == 0); /* there is no hardware in it that could fail */
    (void)err;
}

void chain_body_hash(struct fp_bytes body, uint8_t out[CHAIN_BYTES])
{
    sha256(body.p, body.len, out);
}

static bool is_null(struct fp_bytes body)
{
    return body.len == 1 && body.p[0] == 0xf6;
}

static enum fp_err header_hash(struct fp_event ev, uint8_t out[CHAIN_BYTES])
{
    uint8_t header[FP_EVENT_OVERHEAD_MAX];
    struct fp_enc e;

    ev.body = (struct fp_bytes){0}; /* K1: all that a redaction changes is left out */
    ev.body_hash = (struct fp_bytes){0};
    ev.flags &= ~(uint32_t)FP_FLAG_REDACTED;
    fp_enc_init(&e, header, sizeof(header));
    if (!fp_event_encode(&e, &ev)) {
        return FP_EMALFORMED;
    }
    sha256(header, e.len, out);
    return FP_OK;
}

enum fp_err chain_extend(struct chain *c, const struct fp_event *ev)
{
    uint8_t link[3 * CHAIN_BYTES];

    if (is_null(ev->body) != (ev->body_hash.len == CHAIN_BYTES)) { /* K2 */
        return FP_EMALFORMED;
    }
    memcpy(link, c->digest, CHAIN_BYTES);
    enum fp_err err = header_hash(*ev, link + CHAIN_BYTES);
    if (err) {
        return err;
    }
    if (is_null(ev->body)) {
        memcpy(link + (size_t)(2 * CHAIN_BYTES), ev->body_hash.p, CHAIN_BYTES);
    } else {
        chain_body_hash(ev->body, link + (size_t)(2 * CHAIN_BYTES));
    }
    sha256(link, sizeof(link), c->digest);
    return FP_OK;
}

enum fp_err chain_extend_run(struct chain *c, struct fp_bytes run, uint64_t upto)
{
    struct chain next = *c;
    struct fp_bytes one;

    while (run.len > 0) {
        struct fp_event ev;
        if (!fp_run_next(&run, &one) || fp_event_decode(one, &ev)) {
            return FP_EMALFORMED;
        }
        if (ev.seq > upto) {
            break;
        }
        enum fp_err err = chain_extend(&next, &ev);
        if (err) {
            return err;
        }
    }
    *c = next;
    return FP_OK;
}
