#include "schemas/src/horizon.h"
#include "schemas/src/told.h"

#include "fp/trunk.h"

#define CODE_MAX 99 /* of a peer's errors */
#define CHAIN_LEN 32

static enum fp_err open_checked(struct fp_dec *d, struct fp_bytes one)
{
    const char *why;
    fp_dec_init(d, one);
    return fp_cbor_check(one, NULL, &why) ? FP_EMALFORMED : FP_OK;
}

static void put_uint(struct fp_enc *e, uint64_t key, uint64_t v)
{
    fp_enc_uint(e, key);
    fp_enc_uint(e, v);
}

/* ------------------------------------------------------------------ up = [id, id, command, ? [uint, seq, uint, ? nack-code]] */

bool fp_enc_record_up(struct fp_enc *e, const struct fp_record_up *r)
{
    bool refused = r->refused != FP_OK;
    e->failed = e->failed || (refused && !r->has_custody); /* who refuses it has had it */
    fp_enc_array(e, r->has_custody ? 4 : 3);
    fp_enc_id(e, &r->user);
    fp_enc_id(e, &r->device);
    fp_enc_raw(e, r->command);
    if (r->has_custody) {
        fp_enc_array(e, refused ? 4 : 3);
        fp_enc_uint(e, r->custody_ms);
        fp_enc_uint(e, r->base);
        fp_enc_uint(e, r->k);
    }
    if (r->has_custody && refused) {
        fp_enc_uint(e, (uint64_t)r->refused);
    }
    return !e->failed;
}

static void read_custody(struct fp_dec *d, struct fp_record_up *out)
{
    size_t items = fp_dec_array(d);
    out->has_custody = true;
    out->custody_ms = fp_dec_uint(d);
    out->base = fp_dec_uint(d);
    out->k = fp_dec_uint(d);
    if (items == 4) {
        uint64_t code = fp_dec_uint(d);
        d->failed = d->failed || code == 0 || code > CODE_MAX;
        out->refused = d->failed ? FP_OK : (enum fp_err)code;
    }
    d->failed = d->failed || items < 3 || items > 4;
}

enum fp_err fp_record_up_decode(struct fp_bytes one, struct fp_record_up *out)
{
    *out = (struct fp_record_up){0};
    struct fp_dec d;
    if (open_checked(&d, one)) {
        return FP_EMALFORMED;
    }
    size_t items = fp_dec_array(&d);
    out->user = fp_dec_id(&d);
    out->device = fp_dec_id(&d);
    d.failed = d.failed || items < 3 || items > 4 || fp_dec_peek(&d) != FP_CBOR_MAP;
    out->command = fp_dec_raw(&d);
    if (items == 4) {
        read_custody(&d, out);
    }
    return fp_dec_done(&d) ? FP_OK : FP_EMALFORMED;
}

/* ------------------------------------------------------------------ down: told-receipts = [1, id, {* id => [seq, seq]}] */

void fp_enc_told_receipts_begin(struct fp_enc *e, const struct fp_id *conv, size_t count)
{
    fp_enc_array(e, 3);
    fp_enc_uint(e, FP_TOLD_RECEIPTS_WHAT);
    fp_enc_id(e, conv);
    fp_enc_map(e, count);
}

bool fp_record_horizon(struct fp_record_down *r, struct fp_id *out_user, uint64_t *out_delivered, uint64_t *out_read)
{
    struct fp_horizon row;
    if (r->what != FP_TOLD_RECEIPTS_WHAT || !horizon_next(&r->receipts.count, &r->receipts.rows, &row)) {
        return false;
    }
    *out_user = row.id;
    *out_delivered = row.delivered;
    *out_read = row.read;
    return true;
}

/* ------------------------------------------------------------------ told-conv = [2, {1 => id, ... 8 => {* id => [role, seq, seq]}, ? 9 => any}] */

void fp_enc_told_conv_begin(struct fp_enc *e, const struct fp_conv_state *s)
{
    e->failed = e->failed || s->floor_chain.len != CHAIN_LEN;
    fp_enc_array(e, 2);
    fp_enc_uint(e, FP_TOLD_CONV_WHAT);
    fp_enc_map(e, s->context.len > 0 ? 9 : 8);
    fp_enc_uint(e, FP_STATE_CONV);
    fp_enc_id(e, &s->conv);
    fp_enc_uint(e, FP_STATE_OF_SCOPE);
    fp_enc_id(e, &s->scope);
    put_uint(e, FP_STATE_FLOOR, s->floor);
    fp_enc_uint(e, FP_STATE_FLOOR_CHAIN);
    fp_enc_bytes(e, s->floor_chain.p, s->floor_chain.len);
    put_uint(e, FP_STATE_ABOUT, s->about);
    fp_enc_uint(e, FP_STATE_TITLE);
    fp_enc_text(e, (const char *)s->title.p, s->title.len);
    put_uint(e, FP_STATE_RETENTION, s->retention_days);
    fp_enc_uint(e, FP_STATE_MEMBERS);
    fp_enc_map(e, s->member_count);
}

void fp_enc_told_conv_member(struct fp_enc *e, const struct fp_id *user, uint64_t role, uint64_t joined, uint64_t from)
{
    fp_enc_id(e, user);
    fp_enc_array(e, 3);
    fp_enc_uint(e, role);
    fp_enc_uint(e, joined);
    fp_enc_uint(e, from);
}

void fp_enc_told_conv_end(struct fp_enc *e, const struct fp_conv_state *s)
{
    if (s->context.len > 0) {
        fp_enc_uint(e, FP_STATE_CONTEXT);
        fp_enc_raw(e, s->context);
    }
}

static void read_member(struct fp_dec *d, struct fp_id *out_user, uint64_t *out_role, uint64_t *out_joined, uint64_t *out_from)
{
    *out_user = fp_dec_id(d);
    told_items(d, 3);
    *out_role = fp_dec_uint(d);
    *out_joined = fp_dec_uint(d);
    *out_from = fp_dec_uint(d);
    d->failed = d->failed || (*out_role > FP_ROLE_OWNER && *out_role != FP_ROLE_SERVICE);
}

bool fp_conv_state_member(struct fp_conv_state *s, struct fp_id *out_user, uint64_t *out_role, uint64_t *out_joined, uint64_t *out_from)
{
    if (s->member_count == 0) {
        return false;
    }
    s->member_count--;
    read_member(&s->members, out_user, out_role, out_joined, out_from);
    return !s->members.failed;
}

static void read_members(struct fp_dec *d, struct fp_conv_state *out)
{
    struct fp_id user;
    uint64_t role;
    uint64_t joined;
    uint64_t from;
    size_t count = fp_dec_map(d);
    out->member_count = count;
    out->members = *d;
    for (; count > 0 && !d->failed; count--) {
        read_member(d, &user, &role, &joined, &from);
    }
}

static void state_field(struct fp_dec *d, uint64_t key, struct fp_conv_state *out)
{
    switch (key) {
    case FP_STATE_CONV:
        out->conv = fp_dec_id(d);
        break;
    case FP_STATE_OF_SCOPE:
        out->scope = fp_dec_id(d);
        break;
    case FP_STATE_FLOOR:
        out->floor = fp_dec_uint(d);
        break;
    case FP_STATE_FLOOR_CHAIN:
        out->floor_chain = fp_dec_bytes(d);
        d->failed = d->failed || out->floor_chain.len != CHAIN_LEN;
        break;
    case FP_STATE_ABOUT:
        out->about = fp_dec_uint(d);
        break;
    case FP_STATE_TITLE:
        out->title = fp_dec_text(d);
        break;
    case FP_STATE_RETENTION:
        out->retention_days = fp_dec_uint(d);
        break;
    case FP_STATE_MEMBERS:
        read_members(d, out);
        break;
    case FP_STATE_CONTEXT:
        out->context = fp_dec_raw(d);
        break;
    default: /* here and below: a newer hub's key */
        fp_dec_skip(d);
    }
}

static void read_state(struct fp_dec *d, struct fp_conv_state *out)
{
    uint32_t needed = 1U << FP_STATE_CONV | 1U << FP_STATE_OF_SCOPE | 1U << FP_STATE_FLOOR | 1U << FP_STATE_FLOOR_CHAIN | 1U << FP_STATE_ABOUT |
                      1U << FP_STATE_TITLE | 1U << FP_STATE_RETENTION | 1U << FP_STATE_MEMBERS;
    uint32_t seen = 0;
    for (size_t pairs = fp_dec_map(d); pairs > 0 && !d->failed; pairs--) {
        uint64_t key = fp_dec_key(d);
        state_field(d, key, out);
        seen |= key < 32 ? 1U << key : 0;
    }
    d->failed = d->failed || (seen & needed) != needed;
}

/* ------------------------------------------------------------------ told-person = [3, id, {1 => uint, ? 2 => tstr, ? 3 => at, ? 4 => policy}] */

void fp_enc_told_person(struct fp_enc *e, const struct fp_person_facts *f)
{
    fp_enc_array(e, 3);
    fp_enc_uint(e, FP_TOLD_PERSON_WHAT);
    fp_enc_id(e, &f->user);
    fp_enc_map(e, 1U + (f->text.len > 0) + (f->until.ms > 0) + (f->policy.len > 0));
    put_uint(e, FP_FACTS_VERSION, f->version);
    if (f->text.len > 0) {
        fp_enc_uint(e, FP_FACTS_TEXT);
        fp_enc_text(e, (const char *)f->text.p, f->text.len);
    }
    if (f->until.ms > 0) {
        put_uint(e, FP_FACTS_UNTIL, f->until.ms);
    }
    if (f->policy.len > 0) {
        fp_enc_uint(e, FP_FACTS_POLICY);
        fp_enc_raw(e, f->policy);
    }
}

static void read_facts(struct fp_dec *d, struct fp_person_facts *out)
{
    bool has_version = false;
    for (size_t pairs = fp_dec_map(d); pairs > 0 && !d->failed; pairs--) {
        switch (fp_dec_key(d)) {
        case FP_FACTS_VERSION:
            out->version = fp_dec_uint(d);
            has_version = true;
            break;
        case FP_FACTS_TEXT:
            out->text = fp_dec_text(d);
            break;
        case FP_FACTS_UNTIL:
            out->until.ms = fp_dec_uint(d);
            break;
        case FP_FACTS_POLICY:
            out->policy = fp_dec_raw(d);
            break;
        default:
            fp_dec_skip(d);
        }
    }
    d->failed = d->failed || !has_version;
}

/* ------------------------------------------------------------------ any of them */

/* items: with the discriminator, which has been read. */
static void read_told(struct fp_dec *d, size_t items, struct fp_record_down *out)
{
    if (out->what == FP_TOLD_RECEIPTS_WHAT) {
        out->receipts.conv = fp_dec_id(d);
        out->receipts.count = horizons_read(d, &out->receipts.rows);
    } else if (out->what == FP_TOLD_CONV_WHAT) {
        read_state(d, &out->conv);
    } else {
        out->person.user = fp_dec_id(d);
        read_facts(d, &out->person);
    }
    d->failed = d->failed || items != (out->what == FP_TOLD_CONV_WHAT ? 2 : 3);
}

enum fp_err fp_record_down_decode(struct fp_bytes one, struct fp_record_down *out)
{
    *out = (struct fp_record_down){0};
    struct fp_dec d;
    if (open_checked(&d, one)) {
        return FP_EMALFORMED;
    }
    if (fp_dec_peek(&d) == FP_CBOR_MAP) {
        return FP_OK; /* an event */
    }
    size_t items = fp_dec_array(&d);
    out->what = fp_dec_uint(&d);
    if (d.failed || out->what == 0) {
        return FP_EMALFORMED;
    }
    if (out->what > FP_TOLD_PERSON_WHAT) {
        return FP_EUNSUPPORTED;
    }
    read_told(&d, items, out);
    return fp_dec_done(&d) ? FP_OK : FP_EMALFORMED;
}
