#include "fp/command.h"

#include "schemas/src/form.h"

_Static_assert(FP_PROTOCOL == FP_WIRE_VERSION, "the limit and the contract name one protocol");

enum trait {
    TRAIT_KNOWN = 1,
    TRAIT_DURABLE = 2,
    TRAIT_NOW = 4,
};

#define KIND_ROW(kind, durable, now) [kind] = TRAIT_KNOWN | (durable ? TRAIT_DURABLE : 0) | (now ? TRAIT_NOW : 0),
static const uint8_t TRAITS[FP_KIND_MAX + 1] = {FP_KINDS(KIND_ROW)};

static bool has_trait(uint64_t kind, enum trait trait)
{
    return kind <= FP_KIND_MAX && (TRAITS[kind] & trait) != 0;
}

bool fp_kind_is_known(uint64_t kind)
{
    return has_trait(kind, TRAIT_KNOWN);
}

bool fp_kind_is_durable(uint64_t kind)
{
    return has_trait(kind, TRAIT_DURABLE);
}

bool fp_kind_is_now(uint64_t kind)
{
    return has_trait(kind, TRAIT_NOW);
}

/* ------------------------------------------------------------------ uplink */

/* uplink = command / [1*64 command] */
enum fp_err fp_uplink_open(struct fp_uplink *u, struct fp_bytes payload, size_t commands_max, const char **out_why)
{
    *u = (struct fp_uplink){0};
    if (payload.len > FP_BATCH_BYTES_MAX) {
        *out_why = "batch: too many bytes";
        return FP_ETOOLARGE;
    }
    enum fp_err err = fp_cbor_check(payload, NULL, out_why);
    if (err) {
        return err;
    }
    struct fp_dec dec;
    fp_dec_init(&dec, payload);
    size_t count = 1;
    if (fp_dec_peek(&dec) == FP_CBOR_ARRAY) {
        count = fp_dec_array(&dec);
    } else if (fp_dec_peek(&dec) != FP_CBOR_MAP) {
        *out_why = "uplink: neither a command nor an array of commands";
        return FP_EMALFORMED;
    }
    if (count == 0) {
        *out_why = "batch: empty";
        return FP_EMALFORMED;
    }
    if (count > commands_max) {
        *out_why = "batch: too many commands";
        return FP_ETOOLARGE;
    }
    *u = (struct fp_uplink){.dec = dec, .left = count};
    return FP_OK;
}

bool fp_uplink_next(struct fp_uplink *u, struct fp_bytes *out_one)
{
    if (u->left == 0) {
        return false;
    }
    u->left--;
    *out_one = fp_dec_raw(&u->dec);
    return !u->dec.failed;
}

/* ------------------------------------------------------------------ command */

static void read_field(struct form *f, uint64_t key, struct fp_command *c)
{
    struct fp_dec *d = &f->dec;
    uint64_t v;

    switch (key) {
    case FP_KEY_KIND:
        c->kind = fp_dec_uint(d);
        form_need(f, c->kind > 0, "kind: not a number from 1");
        break;
    case FP_KEY_N:
        c->n = fp_dec_uint(d);
        form_need(f, c->n > 0, "n: not a number from 1");
        break;
    case FP_KEY_CONV:
        c->conv = fp_dec_id(d);
        form_need(f, true, "conversation: not an id of 1 to 36 characters of A-Z a-z 0-9 . _ ~ -");
        break;
    case FP_KEY_SEEN:
        c->seen = fp_dec_uint(d);
        form_need(f, true, "seen: not a number");
        break;
    case FP_KEY_AGE:
        c->age_ms = fp_dec_uint(d);
        c->has_age = true;
        form_need(f, true, "age: not a number");
        break;
    case FP_KEY_PRIORITY:
        v = fp_dec_uint(d);
        form_need(f, v <= FP_PRIORITY_BULK, "priority: not 0 to 3");
        c->priority = (uint8_t)v;
        break;
    case FP_KEY_TTL:
        c->ttl_s = fp_dec_uint(d);
        c->has_ttl = true;
        form_need(f, true, "ttl: not a number");
        break;
    case FP_KEY_REF:
        c->ref = fp_dec_uint(d);
        form_need(f, true, "ref: not a number");
        break;
    case FP_KEY_BASE:
        c->base = fp_dec_uint(d);
        c->has_base = true;
        form_need(f, true, "base: not a number");
        break;
    case FP_KEY_BODY:
        c->body = fp_dec_raw_within(d, FP_BODY_DEPTH_MAX);
        form_need(f, true, "body: nested deeper than 5");
        break;
    case FP_KEY_TRACE:
        c->trace = fp_dec_bytes(d);
        form_need(f, c->trace.len == 16, "trace: not 16 bytes");
        break;
    default: /* a newer device's key */
        fp_dec_skip(d);
    }
}

static enum fp_err check_kind(const struct fp_command *c, const char **out_why)
{
    if (c->kind == 0) {
        *out_why = "kind: missing";
        return FP_EMALFORMED;
    }
    if (!fp_kind_is_known(c->kind)) {
        *out_why = "kind: not one that this hub knows";
        return FP_EUNSUPPORTED;
    }
    if (fp_kind_is_durable(c->kind) && c->n == 0) {
        *out_why = "n: missing, but this kind is durable";
        return FP_EMALFORMED;
    }
    if (!fp_kind_is_durable(c->kind) && c->n != 0) {
        *out_why = "n: given, but this kind is not durable";
        return FP_EMALFORMED;
    }
    return FP_OK;
}

/* The hash leaves the map's header out, because that counts the age. */
static uint64_t hash_pairs(const struct fp_dec *d, size_t pairs_at, size_t age_at, size_t age_end)
{
    uint64_t hash = fp_hash(FP_HASH_START, d->p + pairs_at, age_at - pairs_at);
    return fp_hash(hash, d->p + age_end, d->len - age_end);
}

/* What a nack and a repeat need to know of a command that was refused: kind, n and hash, as far as they are there. */
static void salvage(struct fp_bytes one, struct fp_command *out)
{
    *out = (struct fp_command){.priority = FP_PRIORITY_NORMAL};
    struct fp_dec d;
    fp_dec_init(&d, one);
    size_t pairs = fp_dec_map(&d);
    size_t pairs_at = d.at;
    size_t age_at = d.at;
    size_t age_end = d.at;

    for (; pairs > 0 && !d.failed; pairs--) {
        size_t pair_at = d.at;
        uint64_t key = fp_dec_key(&d);
        bool is_uint = fp_dec_peek(&d) == FP_CBOR_UINT;
        if (key == FP_KEY_KIND && is_uint) {
            out->kind = fp_dec_uint(&d);
        } else if (key == FP_KEY_N && is_uint) {
            out->n = fp_dec_uint(&d);
        } else {
            fp_dec_skip(&d);
        }
        if (key == FP_KEY_AGE && !d.failed) {
            age_at = pair_at;
            age_end = d.at;
        }
    }
    out->hash = hash_pairs(&d, pairs_at, age_at, age_end);
}

enum fp_err fp_command_decode(struct fp_bytes one, size_t bytes_max, struct fp_command *out, const char **out_why)
{
    if (one.len > bytes_max) {
        salvage(one, out);
        *out_why = "command: too many bytes";
        return FP_ETOOLARGE;
    }
    *out = (struct fp_command){.priority = FP_PRIORITY_NORMAL};
    struct form f;
    form_open(&f, one);
    size_t pairs = fp_dec_map(&f.dec);
    form_need(&f, true, "command: not a map");
    size_t pairs_at = f.dec.at;
    size_t age_at = f.dec.at;
    size_t age_end = f.dec.at;

    for (; pairs > 0 && !f.dec.failed; pairs--) {
        size_t pair_at = f.dec.at;
        uint64_t key = fp_dec_key(&f.dec);
        read_field(&f, key, out);
        if (key == FP_KEY_AGE) {
            age_at = pair_at;
            age_end = f.dec.at;
        }
    }
    enum fp_err err = form_close(&f, out_why);
    if (err) {
        salvage(one, out);
        return err;
    }
    out->hash = hash_pairs(&f.dec, pairs_at, age_at, age_end);
    return check_kind(out, out_why);
}

static void put_uint(struct fp_enc *e, uint64_t key, bool present, uint64_t v)
{
    if (present) {
        fp_enc_uint(e, key);
        fp_enc_uint(e, v);
    }
}

bool fp_command_encode(struct fp_enc *e, const struct fp_command *c)
{
    bool has_conv = !fp_id_is_none(&c->conv);
    bool has_priority = c->priority != FP_PRIORITY_NORMAL;
    size_t pairs = 1U + (c->n > 0) + has_conv + (c->seen > 0) + c->has_age + has_priority + c->has_ttl + (c->ref > 0) + c->has_base +
                   (c->body.len > 0) + (c->trace.len > 0);
    fp_enc_map(e, pairs);
    put_uint(e, FP_KEY_KIND, true, c->kind);
    put_uint(e, FP_KEY_N, c->n > 0, c->n);
    if (has_conv) {
        fp_enc_uint(e, FP_KEY_CONV);
        fp_enc_id(e, &c->conv);
    }
    put_uint(e, FP_KEY_SEEN, c->seen > 0, c->seen);
    put_uint(e, FP_KEY_AGE, c->has_age, c->age_ms);
    put_uint(e, FP_KEY_PRIORITY, has_priority, c->priority);
    put_uint(e, FP_KEY_TTL, c->has_ttl, c->ttl_s);
    put_uint(e, FP_KEY_REF, c->ref > 0, c->ref);
    put_uint(e, FP_KEY_BASE, c->has_base, c->base);
    if (c->body.len > 0) {
        fp_enc_uint(e, FP_KEY_BODY);
        fp_enc_raw(e, c->body);
    }
    if (c->trace.len > 0) {
        fp_enc_uint(e, FP_KEY_TRACE);
        fp_enc_bytes(e, c->trace.p, c->trace.len);
    }
    return !e->failed;
}
