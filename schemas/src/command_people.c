#include "fp/command.h"
#include "schemas/src/form.h"

/* ------------------------------------------------------------------ watch = {1 => [* id], 2 => uint} */

static void read_users(struct form *f, struct fp_watch *out)
{
    size_t count = fp_dec_array(&f->dec);
    form_need(f, true, "users: not an array");
    form_limit(f, count <= FP_WATCH_USERS_MAX, "users: more than 200");
    out->count = count;
    out->users = f->dec;
    for (; count > 0 && !f->dec.failed; count--) {
        (void)fp_dec_id(&f->dec);
        form_need(f, true, "users: one is not an id");
    }
}

enum fp_err fp_watch_decode(struct fp_bytes body, struct fp_watch *out, const char **out_why)
{
    *out = (struct fp_watch){0};
    bool has_users = false;
    bool has_ttl = false;
    struct form f;
    form_open(&f, body);
    size_t pairs = fp_dec_map(&f.dec);
    form_need(&f, true, "watch: its body is missing or no map");
    for (; pairs > 0 && !f.dec.failed; pairs--) {
        switch (fp_dec_key(&f.dec)) {
        case FP_WATCH_USERS:
            read_users(&f, out);
            has_users = true;
            break;
        case FP_WATCH_TTL:
            out->ttl_s = fp_dec_uint(&f.dec);
            has_ttl = true;
            form_need(&f, true, "ttl: not a number of seconds");
            form_limit(&f, out->ttl_s <= FP_WATCH_TTL_MAX, "ttl: more than 600 seconds");
            break;
        default: /* here and below: a newer device's key */
            fp_dec_skip(&f.dec);
        }
    }
    form_need(&f, has_users, "users: missing");
    form_need(&f, has_ttl, "ttl: missing");
    return form_close(&f, out_why);
}

bool fp_watch_next(struct fp_watch *w, struct fp_id *out_user)
{
    if (w->count == 0) {
        return false;
    }
    w->count--;
    *out_user = fp_dec_id(&w->users);
    return !w->users.failed;
}

/* ------------------------------------------------------------------ idle-body, typing-body = bool; activity-body = 0 to 2 */

enum fp_err fp_flag_decode(struct fp_bytes body, bool *out, const char **out_why)
{
    struct form f;
    form_open(&f, body);
    *out = fp_dec_bool(&f.dec);
    form_need(&f, true, "body: neither true nor false");
    return form_close(&f, out_why);
}

enum fp_err fp_activity_decode(struct fp_bytes body, uint8_t *out, const char **out_why)
{
    *out = FP_ACTIVITY_AWAY;
    struct form f;
    form_open(&f, body);
    uint64_t activity = fp_dec_uint(&f.dec);
    form_need(&f, activity <= FP_ACTIVITY_BUSY, "activity: not 0 to 2");
    if (!f.err) {
        *out = (uint8_t)activity;
    }
    return form_close(&f, out_why);
}

/* ------------------------------------------------------------------ status = {? 1 => tstr, ? 2 => at} */

enum fp_err fp_status_decode(struct fp_bytes body, struct fp_status *out, const char **out_why)
{
    *out = (struct fp_status){0};
    struct form f;
    form_open(&f, body);
    size_t pairs = fp_dec_map(&f.dec);
    form_need(&f, true, "status: its body is missing or no map");
    for (; pairs > 0 && !f.dec.failed; pairs--) {
        switch (fp_dec_key(&f.dec)) {
        case FP_STATUS_TEXT:
            out->text = fp_dec_text(&f.dec);
            form_need(&f, true, "status: not a text");
            form_limit(&f, out->text.len <= FP_STATUS_BYTES_MAX, "status: more than 200 bytes");
            break;
        case FP_STATUS_UNTIL:
            out->until.ms = fp_dec_uint(&f.dec);
            form_need(&f, true, "until: not a time");
            break;
        default:
            fp_dec_skip(&f.dec);
        }
    }
    return form_close(&f, out_why);
}

/* ------------------------------------------------------------------ policy = [* [viewer / id, level]] */

static void read_rule(struct form *f, struct fp_policy_rule *out)
{
    *out = (struct fp_policy_rule){0};
    size_t items = fp_dec_array(&f->dec);
    form_need(f, items == 2, "policy: a rule is not a viewer and a level");
    if (fp_dec_peek(&f->dec) == FP_CBOR_TEXT) {
        out->viewer = fp_dec_id(&f->dec);
        form_need(f, true, "policy: a viewer is not an id");
    } else {
        out->viewer_kind = fp_dec_uint(&f->dec);
        form_need(f, out->viewer_kind < FP_VIEWER_RESERVED, "policy: a viewer is neither an id nor 0 to 2");
    }
    out->level = fp_dec_uint(&f->dec);
    form_need(f, out->level <= FP_LEVEL_EXACT, "policy: a level is not 0 to 3");
}

enum fp_err fp_policy_decode(struct fp_bytes body, struct fp_policy *out, const char **out_why)
{
    *out = (struct fp_policy){0};
    struct form f;
    form_open(&f, body);
    size_t count = fp_dec_array(&f.dec);
    form_need(&f, true, "policy: its body is missing or no array");
    form_limit(&f, count <= FP_POLICY_RULES_MAX, "policy: more than 64 rules");
    out->count = count;
    out->rules = f.dec;
    for (; count > 0 && !f.dec.failed; count--) {
        struct fp_policy_rule rule;
        read_rule(&f, &rule);
    }
    return form_close(&f, out_why);
}

bool fp_policy_next(struct fp_policy *p, struct fp_policy_rule *out)
{
    if (p->count == 0) {
        return false;
    }
    p->count--;
    struct form f = {.dec = p->rules};
    read_rule(&f, out);
    p->rules = f.dec;
    return !f.dec.failed;
}
