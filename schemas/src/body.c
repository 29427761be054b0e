#include "fp/body.h"

static void put_uint(struct fp_enc *e, uint64_t key, uint64_t v)
{
    fp_enc_uint(e, key);
    fp_enc_uint(e, v);
}

/* B1 */
static void put_some(struct fp_enc *e, uint64_t key, uint64_t v)
{
    if (v > 0) {
        put_uint(e, key, v);
    }
}

static void put_id(struct fp_enc *e, uint64_t key, const struct fp_id *id)
{
    fp_enc_uint(e, key);
    fp_enc_id(e, id);
}

static void put_text(struct fp_enc *e, uint64_t key, const char *p, size_t len)
{
    fp_enc_uint(e, key);
    fp_enc_text(e, p, len);
}

static void put_true(struct fp_enc *e, uint64_t key)
{
    fp_enc_uint(e, key);
    fp_enc_bool(e, true);
}

static void put_pair(struct fp_enc *e, const struct fp_id *id, uint64_t v)
{
    fp_enc_id(e, id);
    fp_enc_uint(e, v);
}

/* hello-body = {1 => 1, ? 2 => tstr, ? 3 => bool, ? 4 => {* id => seq}, ? 5 => bool, ? 6 => n, ? 7 => 1..3600} */
void fp_body_hello_begin(struct fp_enc *e, const struct fp_body_hello *h)
{
    fp_enc_map(e, 1 + (size_t)(h->app != NULL) + (size_t)h->fresh + (size_t)(h->cursors > 0) + (size_t)(h->next_n > 0) + (size_t)(h->alive_s > 0));
    put_uint(e, FP_HELLO_PROTOCOL, FP_WIRE_VERSION);
    if (h->app) {
        put_text(e, FP_HELLO_APP, h->app, strlen(h->app));
    }
    if (h->fresh) {
        put_true(e, FP_HELLO_FRESH);
    }
    if (h->cursors > 0) {
        fp_enc_uint(e, FP_HELLO_CURSORS);
        fp_enc_map(e, h->cursors);
    }
}

void fp_body_hello_cursor(struct fp_enc *e, const struct fp_id *conv, uint64_t seq)
{
    put_pair(e, conv, seq);
}

void fp_body_hello_end(struct fp_enc *e, const struct fp_body_hello *h)
{
    put_some(e, FP_HELLO_NEXT, h->next_n);
    put_some(e, FP_HELLO_ALIVE, h->alive_s);
}

/* get-body = {1 => seq, ? 2 => seq, ? 3 => uint, ? 4 => bool} */
void fp_body_get(struct fp_enc *e, uint64_t after, uint64_t upto, uint64_t bytes)
{
    fp_enc_map(e, 1 + (size_t)(upto > 0) + (size_t)(bytes > 0));
    put_uint(e, FP_GET_AFTER, after);
    put_some(e, FP_GET_UPTO, upto);
    put_some(e, FP_GET_BYTES, bytes);
}

/* msg-body = {? 1 => tstr, ...} */
void fp_body_text(struct fp_enc *e, const char *p, size_t len)
{
    fp_enc_map(e, 1);
    put_text(e, FP_MSG_TEXT, p, len);
}

/* react-body = {1 => tstr, ? 2 => bool} */
void fp_body_react(struct fp_enc *e, const char *emoji, size_t len, bool take_back)
{
    fp_enc_map(e, 1 + (size_t)take_back);
    put_text(e, FP_REACT_WITH, emoji, len);
    if (take_back) {
        put_true(e, FP_REACT_BACK);
    }
}

/* redact-body = {? 1 => tstr} */
void fp_body_redact(struct fp_enc *e, const char *reason, size_t len)
{
    fp_enc_map(e, len > 0);
    if (len > 0) {
        put_text(e, FP_REDACT_REASON, reason, len);
    }
}

/* receipt-body = {+ id => [seq, ? seq, ? bool]} */
void fp_body_receipt_begin(struct fp_enc *e, size_t convs)
{
    fp_enc_map(e, convs);
}

void fp_body_receipt(struct fp_enc *e, const struct fp_id *conv, uint64_t delivered, uint64_t read, bool private_read)
{
    fp_enc_id(e, conv);
    fp_enc_array(e, private_read ? 3 : read > 0 ? 2 : 1);
    fp_enc_uint(e, delivered);
    if (private_read || read > 0) {
        fp_enc_uint(e, read);
    }
    if (private_read) {
        fp_enc_bool(e, true);
    }
}

/* member-add-body = {1 => id, 2 => grant, ? 3 => seq} */
void fp_body_member(struct fp_enc *e, const struct fp_id *user, uint64_t role, bool has_from, uint64_t from)
{
    bool has_role = role != FP_ROLE_NONE;
    fp_enc_map(e, 1 + (size_t)has_role + (size_t)has_from);
    put_id(e, FP_MEMBER_USER, user);
    if (has_role) {
        put_uint(e, FP_MEMBER_ROLE, role);
    }
    if (has_from) {
        put_uint(e, FP_MEMBER_FROM, from);
    }
}

/* conv-body = {? 1 => id, ? 2 => tstr, ? 3 => {* id => grant}, ...} */
void fp_body_conv_begin(struct fp_enc *e, const struct fp_id *scope, const char *title, size_t members)
{
    fp_enc_map(e, (size_t)(scope != NULL) + (size_t)(title != NULL) + (size_t)(members > 0));
    if (scope) {
        put_id(e, FP_CONV_SCOPE, scope);
    }
    if (title) {
        put_text(e, FP_CONV_TITLE, title, strlen(title));
    }
    if (members > 0) {
        fp_enc_uint(e, FP_CONV_MEMBERS);
        fp_enc_map(e, members);
    }
}

void fp_body_conv_member(struct fp_enc *e, const struct fp_id *user, uint64_t role)
{
    put_pair(e, user, role);
}

/* status-body = {? 1 => tstr, ? 2 => at} */
void fp_body_status(struct fp_enc *e, const char *p, size_t len, uint64_t until_ms)
{
    fp_enc_map(e, (size_t)(len > 0) + (size_t)(until_ms > 0));
    if (len > 0) {
        put_text(e, FP_STATUS_TEXT, p, len);
    }
    put_some(e, FP_STATUS_UNTIL, until_ms);
}
