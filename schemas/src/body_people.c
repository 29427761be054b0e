#include "fp/body.h"

/* policy-body = [* [viewer / id, level]] */
void fp_body_policy_begin(struct fp_enc *e, size_t count)
{
    fp_enc_array(e, count);
}

void fp_body_policy_rule(struct fp_enc *e, const struct fp_policy_rule *rule)
{
    fp_enc_array(e, 2);
    if (fp_id_is_none(&rule->viewer)) {
        fp_enc_uint(e, rule->viewer_kind);
    } else {
        fp_enc_id(e, &rule->viewer);
    }
    fp_enc_uint(e, rule->level);
}

/* watch-body = {1 => [* id], 2 => uint} */
void fp_body_watch_begin(struct fp_enc *e, size_t users)
{
    fp_enc_map(e, 2);
    fp_enc_uint(e, FP_WATCH_USERS);
    fp_enc_array(e, users);
}

void fp_body_watch_user(struct fp_enc *e, const struct fp_id *user)
{
    fp_enc_id(e, user);
}

void fp_body_watch_end(struct fp_enc *e, uint64_t ttl_s)
{
    fp_enc_uint(e, FP_WATCH_TTL);
    fp_enc_uint(e, ttl_s);
}

/* digest-body = {1 => seq} */
void fp_body_digest(struct fp_enc *e, uint64_t seq)
{
    fp_enc_map(e, 1);
    fp_enc_uint(e, FP_DIGEST_SEQ);
    fp_enc_uint(e, seq);
}
