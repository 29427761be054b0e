#include "fp/live.h"

#include <assert.h>

#define CHAIN_LEN 32 /* SHA-256 */

static void put_uint(struct fp_enc *e, uint64_t key, uint64_t v)
{
    fp_enc_uint(e, key);
    fp_enc_uint(e, v);
}

static void put_id(struct fp_enc *e, uint64_t key, const struct fp_id *id)
{
    fp_enc_uint(e, key);
    fp_enc_id(e, id);
}

static void expect_items(struct fp_dec *d, size_t count)
{
    if (fp_dec_array(d) != count) {
        d->failed = true;
    }
}

static bool is_role(uint64_t role)
{
    return role <= FP_ROLE_OWNER || role == FP_ROLE_SERVICE;
}

static uint64_t read_role(struct fp_dec *d)
{
    uint64_t role = fp_dec_uint(d);
    d->failed = d->failed || !is_role(role);
    return role;
}

static enum fp_err open_checked(struct fp_dec *d, struct fp_bytes in)
{
    const char *why;
    fp_dec_init(d, in);
    return fp_cbor_check(in, NULL, &why);
}

/* `needed` has bit 1 << key for each key that must be there, `seen` for each that was. */
static enum fp_err close_checked(const struct fp_dec *d, uint32_t seen, uint32_t needed)
{
    return fp_dec_done(d) && (seen & needed) == needed ? FP_OK : FP_EMALFORMED;
}

static uint32_t bit(uint64_t key)
{
    return key < 32 ? 1U << key : 0;
}

/* ------------------------------------------------------------------ head = {1 => epoch, 2 => seq, 3 => seq, 4 => at, ? 5 => sha256} */

void fp_enc_head(struct fp_enc *e, const struct fp_head *h)
{
    assert(h->chain.len == 0 || h->chain.len == CHAIN_LEN);
    fp_enc_map(e, h->chain.len > 0 ? 5 : 4);
    put_uint(e, FP_HEAD_EPOCH, h->epoch);
    put_uint(e, FP_HEAD_SEQ, h->seq);
    put_uint(e, FP_HEAD_FLOOR, h->floor);
    put_uint(e, FP_HEAD_AT, h->at.ms);
    if (h->chain.len > 0) {
        fp_enc_uint(e, FP_HEAD_CHAIN);
        fp_enc_bytes(e, h->chain.p, h->chain.len);
    }
}

enum fp_err fp_head_decode(struct fp_bytes in, struct fp_head *out)
{
    *out = (struct fp_head){0};
    struct fp_dec d;
    if (open_checked(&d, in)) {
        return FP_EMALFORMED;
    }
    uint32_t seen = 0;
    for (size_t pairs = fp_dec_map(&d); pairs > 0 && !d.failed; pairs--) {
        uint64_t key = fp_dec_key(&d);
        seen |= bit(key);
        switch (key) {
        case FP_HEAD_EPOCH:
            out->epoch = fp_dec_uint(&d);
            break;
        case FP_HEAD_SEQ:
            out->seq = fp_dec_uint(&d);
            break;
        case FP_HEAD_FLOOR:
            out->floor = fp_dec_uint(&d);
            break;
        case FP_HEAD_AT:
            out->at.ms = fp_dec_uint(&d);
            break;
        case FP_HEAD_CHAIN:
            out->chain = fp_dec_bytes(&d);
            d.failed = d.failed || out->chain.len != CHAIN_LEN;
            break;
        default: /* here and below: a newer hub's key */
            fp_dec_skip(&d);
        }
    }
    return close_checked(&d, seen, bit(FP_HEAD_EPOCH) | bit(FP_HEAD_SEQ) | bit(FP_HEAD_FLOOR) | bit(FP_HEAD_AT));
}

/* ------------------------------------------------------------------ about */

/* about = {1 => uint, 2 => tstr, 3 => id, 4 => {* id => [role, seq]}, ? 5 => any} */

void fp_enc_about_begin(struct fp_enc *e, const struct fp_about *a)
{
    fp_enc_map(e, a->context.len > 0 ? 5 : 4);
    put_uint(e, FP_ABOUT_VERSION, a->version);
    fp_enc_uint(e, FP_ABOUT_TITLE);
    fp_enc_text(e, (const char *)a->title.p, a->title.len);
    put_id(e, FP_ABOUT_SCOPE, &a->scope);
    fp_enc_uint(e, FP_ABOUT_MEMBERS);
    fp_enc_map(e, a->member_count);
}

void fp_enc_about_member(struct fp_enc *e, const struct fp_id *user, uint64_t role, uint64_t joined)
{
    fp_enc_id(e, user);
    fp_enc_array(e, 2);
    fp_enc_uint(e, role);
    fp_enc_uint(e, joined);
}

void fp_enc_about_end(struct fp_enc *e, const struct fp_about *a)
{
    if (a->context.len > 0) {
        fp_enc_uint(e, FP_ABOUT_CONTEXT);
        fp_enc_raw(e, a->context);
    }
}

static void read_member(struct fp_dec *d, struct fp_id *out_user, uint64_t *out_role, uint64_t *out_joined)
{
    *out_user = fp_dec_id(d);
    expect_items(d, 2);
    *out_role = read_role(d);
    *out_joined = fp_dec_uint(d);
}

static void read_members(struct fp_dec *d, struct fp_about *out)
{
    struct fp_id user;
    uint64_t role;
    uint64_t joined;
    size_t count = fp_dec_map(d);
    out->member_count = count;
    out->members = *d;
    for (; count > 0 && !d->failed; count--) {
        read_member(d, &user, &role, &joined);
    }
}

enum fp_err fp_about_decode(struct fp_bytes in, struct fp_about *out)
{
    *out = (struct fp_about){0};
    struct fp_dec d;
    if (open_checked(&d, in)) {
        return FP_EMALFORMED;
    }
    uint32_t seen = 0;
    for (size_t pairs = fp_dec_map(&d); pairs > 0 && !d.failed; pairs--) {
        uint64_t key = fp_dec_key(&d);
        seen |= bit(key);
        switch (key) {
        case FP_ABOUT_VERSION:
            out->version = fp_dec_uint(&d);
            break;
        case FP_ABOUT_TITLE:
            out->title = fp_dec_text(&d);
            break;
        case FP_ABOUT_SCOPE:
            out->scope = fp_dec_id(&d);
            break;
        case FP_ABOUT_MEMBERS:
            read_members(&d, out);
            break;
        case FP_ABOUT_CONTEXT:
            out->context = fp_dec_raw(&d);
            break;
        default:
            fp_dec_skip(&d);
        }
    }
    return close_checked(&d, seen, bit(FP_ABOUT_VERSION) | bit(FP_ABOUT_TITLE) | bit(FP_ABOUT_SCOPE) | bit(FP_ABOUT_MEMBERS));
}

bool fp_about_member(struct fp_about *a, struct fp_id *out_user, uint64_t *out_role, uint64_t *out_joined)
{
    if (a->member_count == 0) {
        return false;
    }
    a->member_count--;
    read_member(&a->members, out_user, out_role, out_joined);
    return !a->members.failed;
}

/* ------------------------------------------------------------------ inbox */

static void begin(struct fp_enc *e, size_t pairs, uint64_t what)
{
    fp_enc_map(e, pairs);
    put_uint(e, FP_KEY_WHAT, what);
}

/* {1 => 1, 2 => [+ [id, id, seq, uint]]} */
void fp_enc_inbox_heads(struct fp_enc *e, size_t count)
{
    begin(e, 2, FP_INBOX_HEADS);
    fp_enc_uint(e, FP_HEADS_ROWS);
    fp_enc_array(e, count);
}

void fp_enc_inbox_head(struct fp_enc *e, const struct fp_inbox_head *h)
{
    fp_enc_array(e, 4);
    fp_enc_id(e, &h->conv);
    fp_enc_id(e, &h->scope);
    fp_enc_uint(e, h->head);
    fp_enc_uint(e, h->unread);
}

/* {1 => 2, 2 => id, 3 => id, 4 => role} */
void fp_enc_inbox_joined(struct fp_enc *e, const struct fp_id *conv, const struct fp_id *scope, uint64_t role)
{
    begin(e, 4, FP_INBOX_JOINED);
    put_id(e, FP_JOINED_CONV, conv);
    put_id(e, FP_JOINED_SCOPE, scope);
    put_uint(e, FP_JOINED_ROLE, role);
}

/* {1 => 3, 2 => id, 3 => id} */
void fp_enc_inbox_removed(struct fp_enc *e, const struct fp_id *conv, const struct fp_id *scope)
{
    begin(e, 3, FP_INBOX_REMOVED);
    put_id(e, FP_REMOVED_CONV, conv);
    put_id(e, FP_REMOVED_SCOPE, scope);
}
