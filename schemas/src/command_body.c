#include "fp/command.h"
#include "schemas/src/form.h"

#define WHY_ROLE "role: not 0 to 3"
#define WHY_USER "user: not an id"

/* The grants of the contract: observer to owner. Service is the operator's to give, not a peer's. */
static bool is_grant(uint64_t role)
{
    return role <= FP_ROLE_OWNER;
}

/* ------------------------------------------------------------------ hello */

static void read_cursors(struct form *f, struct fp_hello *out)
{
    size_t count = fp_dec_map(&f->dec);
    form_need(f, true, "cursors: not a map");
    form_limit(f, count <= FP_CURSORS_MAX, "cursors: more than 1000");
    out->cursor_count = count;
    out->cursors = f->dec;
    for (; count > 0 && !f->dec.failed; count--) {
        (void)fp_dec_id(&f->dec);
        form_need(f, true, "cursors: a conversation is not an id");
        (void)fp_dec_uint(&f->dec);
        form_need(f, true, "cursors: a seq is not a number");
    }
}

static void read_hello(struct form *f, uint64_t key, struct fp_hello *out)
{
    switch (key) {
    case FP_HELLO_PROTOCOL:
        out->protocol = fp_dec_uint(&f->dec);
        form_need(f, true, "protocol: not a number");
        break;
    case FP_HELLO_APP:
        out->app = fp_dec_text(&f->dec);
        form_need(f, true, "application: not a text");
        break;
    case FP_HELLO_FRESH:
        out->fresh = fp_dec_bool(&f->dec);
        form_need(f, true, "fresh: neither true nor false");
        break;
    case FP_HELLO_CURSORS:
        read_cursors(f, out);
        break;
    case FP_HELLO_ZLIB:
        out->zlib = fp_dec_bool(&f->dec);
        form_need(f, true, "zlib: neither true nor false");
        break;
    case FP_HELLO_NEXT:
        out->next_n = fp_dec_uint(&f->dec);
        form_need(f, out->next_n > 0, "next: a command number counts from 1");
        break;
    case FP_HELLO_ALIVE:
        out->alive_s = fp_dec_uint(&f->dec);
        form_need(f, out->alive_s >= 1 && out->alive_s <= FP_ALIVE_MAX, "alive: not 1 to 3600 s");
        break;
    default: /* a newer device's key */
        fp_dec_skip(&f->dec);
    }
}

/* hello-body = {1 => 1, ? 2 => tstr, ? 3 => bool, ? 4 => {* id => seq}, ? 5 => bool, ? 6 => n, ? 7 => 1..3600} */
enum fp_err fp_hello_decode(struct fp_bytes body, struct fp_hello *out, const char **out_why)
{
    *out = (struct fp_hello){0};
    struct form f;
    form_open(&f, body);
    size_t pairs = fp_dec_map(&f.dec);
    form_need(&f, true, "hello: its body is missing or no map");
    for (; pairs > 0 && !f.dec.failed; pairs--) {
        read_hello(&f, fp_dec_key(&f.dec), out);
    }
    if (!f.dec.failed && out->protocol != FP_PROTOCOL) {
        form_refuse(&f, out->protocol == 0 ? FP_EMALFORMED : FP_EUNSUPPORTED, "protocol: not version 1");
    }
    return form_close(&f, out_why);
}

bool fp_hello_cursor(struct fp_hello *h, struct fp_id *out_conv, uint64_t *out_seq)
{
    if (h->cursor_count == 0) {
        return false;
    }
    h->cursor_count--;
    *out_conv = fp_dec_id(&h->cursors);
    *out_seq = fp_dec_uint(&h->cursors);
    return !h->cursors.failed;
}

/* ------------------------------------------------------------------ get */

static void read_get(struct form *f, uint64_t key, struct fp_get *out)
{
    switch (key) {
    case FP_GET_AFTER:
        out->after = fp_dec_uint(&f->dec);
        form_need(f, true, "after: not a number");
        break;
    case FP_GET_UPTO:
        out->upto = fp_dec_uint(&f->dec);
        form_need(f, true, "up to: not a number");
        break;
    case FP_GET_BYTES:
        out->bytes = fp_dec_uint(&f->dec);
        form_need(f, true, "bytes: not a number");
        break;
    case FP_GET_ZLIB:
        out->zlib = fp_dec_bool(&f->dec);
        form_need(f, true, "zlib: neither true nor false");
        break;
    default: /* a newer device's key */
        fp_dec_skip(&f->dec);
    }
}

/* get-body = {1 => seq, ? 2 => seq, ? 3 => uint, ? 4 => bool} */
enum fp_err fp_get_decode(struct fp_bytes body, struct fp_get *out, const char **out_why)
{
    *out = (struct fp_get){0};
    bool has_after = false;
    struct form f;
    form_open(&f, body);
    size_t pairs = fp_dec_map(&f.dec);
    form_need(&f, true, "get: its body is missing or no map");
    for (; pairs > 0 && !f.dec.failed; pairs--) {
        uint64_t key = fp_dec_key(&f.dec);
        has_after = has_after || key == FP_GET_AFTER;
        read_get(&f, key, out);
    }
    form_need(&f, has_after, "after: missing");
    return form_close(&f, out_why);
}

/* ------------------------------------------------------------------ conversation */

/* context = {1 => tstr, 2 => id, ? 3 => any} */
static void read_context(struct form *f, struct fp_conv_body *out)
{
    size_t from = f->dec.at;
    bool has_class = false;
    bool has_id = false;
    size_t pairs = fp_dec_map(&f->dec);
    form_need(f, true, "context: not a map");
    for (; pairs > 0 && !f->dec.failed; pairs--) {
        switch (fp_dec_key(&f->dec)) {
        case FP_CONTEXT_CLASS:
            (void)fp_dec_text(&f->dec);
            form_need(f, true, "context: its class is not a text");
            has_class = true;
            break;
        case FP_CONTEXT_ID:
            (void)fp_dec_id(&f->dec);
            form_need(f, true, "context: its id is not an id");
            has_id = true;
            break;
        default: /* details, and a newer device's keys */
            fp_dec_skip(&f->dec);
        }
    }
    form_need(f, has_class && has_id, "context: needs a class and an id");
    out->context = fp_bytes_of(f->dec.p + from, f->dec.at - from);
    out->has_context = true;
    form_limit(f, out->context.len <= FP_CONTEXT_BYTES_MAX, "context: more than 4096 bytes");
}

static void read_members(struct form *f, struct fp_conv_body *out)
{
    size_t count = fp_dec_map(&f->dec);
    form_need(f, true, "members: not a map");
    out->member_count = count;
    out->members = f->dec;
    out->has_members = true;
    for (; count > 0 && !f->dec.failed; count--) {
        (void)fp_dec_id(&f->dec);
        form_need(f, true, "members: a user is not an id");
        uint64_t role = fp_dec_uint(&f->dec);
        form_need(f, is_grant(role), "members: a role is not 0 to 3");
    }
}

static void read_conv(struct form *f, uint64_t key, size_t title_max, struct fp_conv_body *out)
{
    switch (key) {
    case FP_CONV_SCOPE:
        out->scope = fp_dec_id(&f->dec);
        form_need(f, true, "scope: not an id");
        break;
    case FP_CONV_TITLE:
        out->title = fp_dec_text(&f->dec);
        out->has_title = true;
        form_need(f, true, "title: not a text");
        form_limit(f, out->title.len <= title_max, "title: too many bytes");
        break;
    case FP_CONV_MEMBERS:
        read_members(f, out);
        break;
    case FP_CONV_CONTEXT:
        read_context(f, out);
        break;
    case FP_CONV_RETENTION:
        out->retention_days = fp_dec_uint(&f->dec);
        out->has_retention = true;
        form_need(f, true, "retention: not a number of days");
        break;
    default: /* a newer device's key */
        fp_dec_skip(&f->dec);
    }
}

/* conv-body = {? 1 => id, ? 2 => tstr, ? 3 => {* id => grant}, ? 4 => context, ? 5 => uint} */
enum fp_err fp_conv_body_decode(struct fp_bytes body, size_t title_max, struct fp_conv_body *out, const char **out_why)
{
    *out = (struct fp_conv_body){0};
    struct form f;
    form_open(&f, body);
    size_t pairs = fp_dec_map(&f.dec);
    form_need(&f, true, "conversation: its body is missing or no map");
    for (; pairs > 0 && !f.dec.failed; pairs--) {
        read_conv(&f, fp_dec_key(&f.dec), title_max, out);
    }
    return form_close(&f, out_why);
}

bool fp_conv_body_member(struct fp_conv_body *b, struct fp_id *out_user, uint64_t *out_role)
{
    if (b->member_count == 0) {
        return false;
    }
    b->member_count--;
    *out_user = fp_dec_id(&b->members);
    *out_role = fp_dec_uint(&b->members);
    return !b->members.failed;
}

/* ------------------------------------------------------------------ member */

/* member-add-body = {1 => id, 2 => grant, ? 3 => seq}, and the same with fewer keys for remove and role */
enum fp_err fp_member_body_decode(struct fp_bytes body, struct fp_member_body *out, const char **out_why)
{
    *out = (struct fp_member_body){.role = FP_ROLE_NONE};
    struct form f;
    form_open(&f, body);
    size_t pairs = fp_dec_map(&f.dec);
    form_need(&f, true, "member: its body is missing or no map");
    for (; pairs > 0 && !f.dec.failed; pairs--) {
        switch (fp_dec_key(&f.dec)) {
        case FP_MEMBER_USER:
            out->user = fp_dec_id(&f.dec);
            form_need(&f, true, WHY_USER);
            break;
        case FP_MEMBER_ROLE:
            out->role = fp_dec_uint(&f.dec);
            form_need(&f, is_grant(out->role), WHY_ROLE);
            break;
        case FP_MEMBER_FROM:
            out->has_from = true;
            out->from = fp_dec_uint(&f.dec);
            form_need(&f, true, "from: not a number");
            break;
        default: /* a newer device's key */
            fp_dec_skip(&f.dec);
        }
    }
    form_need(&f, !fp_id_is_none(&out->user), "user: missing");
    return form_close(&f, out_why);
}
