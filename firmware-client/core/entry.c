#include "firmware-client/core/entry.h"

enum { AT_KIND, AT_A, AT_B, AT_C, AT_LEN_A, AT_LEN_B, AT_LEN_C, PREFIX };

#define TRACE_PAIR_MAX 24

static void put(struct fp_enc *e, uint8_t *count, uint64_t key, uint64_t v)
{
    fp_enc_uint(e, key);
    fp_enc_uint(e, v);
    (*count)++;
}

size_t fp_entry_head(const struct fp_command *cmd, uint64_t seen, uint8_t buf[FP_ENTRY_HEAD_MAX])
{
    struct fp_enc e;
    fp_enc_init(&e, buf + PREFIX, FP_ENTRY_HEAD_MAX - PREFIX);
    memset(buf, 0, PREFIX);
    buf[AT_KIND] = (uint8_t)cmd->kind;
    if (!fp_id_is_none(&cmd->conv)) {
        fp_enc_uint(&e, FP_KEY_CONV);
        fp_enc_id(&e, &cmd->conv);
        buf[AT_A]++;
    }
    if (seen > 0) {
        put(&e, &buf[AT_A], FP_KEY_SEEN, seen);
    }
    buf[AT_LEN_A] = (uint8_t)e.len;
    if (cmd->priority != FP_PRIORITY_NORMAL) {
        put(&e, &buf[AT_B], FP_KEY_PRIORITY, cmd->priority);
    }
    if (cmd->has_ttl) {
        put(&e, &buf[AT_B], FP_KEY_TTL, cmd->ttl_s);
    }
    if (cmd->ref > 0) {
        put(&e, &buf[AT_B], FP_KEY_REF, cmd->ref);
    }
    if (cmd->has_base) {
        put(&e, &buf[AT_B], FP_KEY_BASE, cmd->base);
    }
    buf[AT_LEN_B] = (uint8_t)(e.len - buf[AT_LEN_A]);
    if (cmd->trace.len > 0) {
        fp_enc_uint(&e, FP_KEY_TRACE);
        fp_enc_bytes(&e, cmd->trace.p, cmd->trace.len);
        buf[AT_C] = 1;
    }
    buf[AT_LEN_C] = (uint8_t)(e.len - buf[AT_LEN_A] - buf[AT_LEN_B]);
    return e.failed ? 0 : PREFIX + e.len;
}

/* Everything moves towards the front, so that nothing is overwritten before it has been moved; only the trace goes behind the body. */
size_t fp_entry_build(uint8_t *buf, size_t stored_len, const struct fp_attempt *at)
{
    const uint8_t *s = buf + FP_ENTRY_SLACK;
    if (stored_len < PREFIX) {
        return 0;
    }
    uint8_t h[PREFIX];
    uint8_t trace[TRACE_PAIR_MAX];
    memcpy(h, s, PREFIX);
    size_t used = (size_t)PREFIX + h[AT_LEN_A] + h[AT_LEN_B] + h[AT_LEN_C];
    if (used > stored_len || h[AT_LEN_C] > sizeof(trace)) {
        return 0;
    }
    struct fp_bytes a = {s + PREFIX, h[AT_LEN_A]};
    struct fp_bytes b = {a.p + a.len, h[AT_LEN_B]};
    struct fp_bytes c = {trace, h[AT_LEN_C]};
    struct fp_bytes body = {s + used, stored_len - used};
    memcpy(trace, b.p + b.len, c.len);

    struct fp_enc e;
    fp_enc_init(&e, buf, FP_ENTRY_SLACK);
    fp_enc_map(&e, 2U + h[AT_A] + at->has_age + h[AT_B] + (body.len > 0) + h[AT_C]);
    fp_enc_uint(&e, FP_KEY_KIND);
    fp_enc_uint(&e, h[AT_KIND]);
    fp_enc_uint(&e, FP_KEY_N);
    fp_enc_uint(&e, at->n);
    memmove(buf + e.len, a.p, a.len);
    e.len += a.len;
    e.cap += a.len;
    if (at->has_age) {
        fp_enc_uint(&e, FP_KEY_AGE);
        fp_enc_uint(&e, at->age_ms);
    }
    memmove(buf + e.len, b.p, b.len);
    e.len += b.len;
    if (body.len > 0) {
        buf[e.len++] = FP_KEY_BODY;
        memmove(buf + e.len, body.p, body.len);
        e.len += body.len;
    }
    memcpy(buf + e.len, c.p, c.len);
    return e.failed ? 0 : e.len + c.len;
}
