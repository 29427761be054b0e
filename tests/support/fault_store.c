#include "tests/support/fault_store.h"

void fault_store_init(struct fault_store *f, struct store_port inner)
{
    *f = (struct fault_store){.inner = inner};
}

void fault_store_arm(struct fault_store *f, uint64_t k, enum fp_err error, bool for_good)
{
    f->calls = 0;
    f->failed = 0;
    f->fail_at = k;
    f->error = error;
    f->for_good = for_good;
}

void fault_store_disarm(struct fault_store *f)
{
    f->fail_at = 0;
}

static enum fp_err count(struct fault_store *f)
{
    f->calls++;
    bool hit = f->fail_at != 0 && (f->calls == f->fail_at || (f->for_good && f->calls > f->fail_at));
    if (!hit) {
        return FP_OK;
    }
    f->failed++;
    return f->error;
}

static enum fp_err count_save(struct fault_store *f)
{
    enum fp_err err = count(f);

    if (err) {
        f->inner.rollback(f->inner.ctx); /* T2 */
    }
    return err;
}

/* One row a function of the port: its name, its parameters, its arguments. The first list loads, the second saves. */
#define LOADS(X)                                                                                                                                     \
    X(begin, (void *ctx), (f->inner.ctx))                                                                                                            \
    X(load_conv, (void *ctx, const struct fp_id *id, struct store_conv *out, bool *out_found), (f->inner.ctx, id, out, out_found))                   \
    X(load_about, (void *ctx, uint64_t cid, struct fp_bytes *title, struct fp_bytes *context), (f->inner.ctx, cid, title, context))                  \
    X(each_conv, (void *ctx, uint64_t after, size_t limit, store_conv_fn fn, void *arg), (f->inner.ctx, after, limit, fn, arg))                      \
    X(each_run, (void *ctx, uint64_t cid, uint64_t from, uint64_t to, store_run_fn fn, void *arg), (f->inner.ctx, cid, from, to, fn, arg))           \
    X(load_member, (void *ctx, uint64_t cid, const struct fp_id *user, struct store_member *out, bool *out_found),                                   \
      (f->inner.ctx, cid, user, out, out_found))                                                                                                     \
    X(each_member, (void *ctx, uint64_t cid, store_member_fn fn, void *arg), (f->inner.ctx, cid, fn, arg))                                           \
    X(each_conv_of, (void *ctx, const struct fp_id *user, store_conv_member_fn fn, void *arg), (f->inner.ctx, user, fn, arg))                        \
    X(load_scope, (void *ctx, const struct fp_id *scope, const struct fp_id *user, uint8_t *role, bool *exists),                                     \
      (f->inner.ctx, scope, user, role, exists))                                                                                                     \
    X(load_receipt, (void *ctx, uint64_t cid, const struct fp_id *user, struct store_receipt *out), (f->inner.ctx, cid, user, out))                  \
    X(each_receipt, (void *ctx, uint64_t cid, store_receipt_fn fn, void *arg), (f->inner.ctx, cid, fn, arg))                                         \
    X(find_advance,                                                                                                                                  \
      (void *ctx, uint64_t cid, const struct fp_id *user, enum store_advance_kind kind, uint64_t seq, struct fp_wall *out_at, bool *out_found),      \
      (f->inner.ctx, cid, user, kind, seq, out_at, out_found))                                                                                       \
    X(load_target, (void *ctx, uint64_t cid, uint64_t seq, struct store_target *out, bool *out_found), (f->inner.ctx, cid, seq, out, out_found))     \
    X(each_target, (void *ctx, uint64_t cid, uint64_t from, uint64_t to, store_target_fn fn, void *arg), (f->inner.ctx, cid, from, to, fn, arg))     \
    X(each_confirm, (void *ctx, uint64_t cid, uint64_t seq, store_confirm_fn fn, void *arg), (f->inner.ctx, cid, seq, fn, arg))                      \
    X(archive, (void *ctx, struct fp_wall before, struct fp_wall overdue, bool *out_more), (f->inner.ctx, before, overdue, out_more))                \
    X(find_away, (void *ctx, uint64_t cid, uint64_t from, struct store_away *out, bool *out_found), (f->inner.ctx, cid, from, out, out_found))       \
    X(scrub, (void *ctx), (f->inner.ctx))                                                                                                            \
    X(load_person, (void *ctx, const struct fp_id *user, struct store_person *out, bool *out_found), (f->inner.ctx, user, out, out_found))           \
    X(each_timer, (void *ctx, store_timer_fn fn, void *arg), (f->inner.ctx, fn, arg))                                                                \
    X(load_device, (void *ctx, const struct fp_id *id, struct store_device *out, bool *out_found), (f->inner.ctx, id, out, out_found))               \
    X(load_answers, (void *ctx, uint64_t did, uint64_t n, struct store_answers *out, bool *out_found), (f->inner.ctx, did, n, out, out_found))       \
    X(prune_answers, (void *ctx, struct fp_wall before, size_t limit, size_t *out_removed), (f->inner.ctx, before, limit, out_removed))              \
    X(each_conv_in, (void *ctx, const struct fp_id *scope, uint64_t after, size_t limit, store_conv_fn fn, void *arg),                               \
      (f->inner.ctx, scope, after, limit, fn, arg))                                                                                                  \
    X(each_record, (void *ctx, uint8_t lane, uint64_t from, size_t limit, store_record_fn fn, void *arg),                                            \
      (f->inner.ctx, lane, from, limit, fn, arg))                                                                                                    \
    X(lane_range, (void *ctx, uint8_t lane, uint64_t *out_oldest, uint64_t *out_next), (f->inner.ctx, lane, out_oldest, out_next))                   \
    X(load_branch, (void *ctx, const struct fp_id *device, uint64_t n, struct store_branch *out, bool *out_found),                                   \
      (f->inner.ctx, device, n, out, out_found))                                                                                                     \
    X(find_branch, (void *ctx, uint8_t lane, uint64_t number, struct store_branch *out, bool *out_found),                                            \
      (f->inner.ctx, lane, number, out, out_found))                                                                                                  \
    X(each_branch, (void *ctx, uint64_t cid, store_branch_fn fn, void *arg), (f->inner.ctx, cid, fn, arg))                                           \
    X(count_branches, (void *ctx, const struct fp_id *device, uint64_t *out_open), (f->inner.ctx, device, out_open))                                 \
    X(prune_branches, (void *ctx, struct fp_wall before, size_t limit, size_t *out_removed), (f->inner.ctx, before, limit, out_removed))             \
    X(load_peer, (void *ctx, const struct fp_id *relay, struct store_peer *out, bool *out_found), (f->inner.ctx, relay, out, out_found))             \
    X(load_held, (void *ctx, const struct fp_id *relay, uint64_t cid, struct store_held *out), (f->inner.ctx, relay, cid, out))
#define SAVES(X)                                                                                                                                     \
    X(commit, (void *ctx), (f->inner.ctx))                                                                                                           \
    X(save_conv, (void *ctx, struct store_conv *c, struct fp_bytes title, struct fp_bytes context), (f->inner.ctx, c, title, context))               \
    X(append, (void *ctx, const struct store_run *run), (f->inner.ctx, run))                                                                         \
    X(save_member, (void *ctx, const struct store_member *m), (f->inner.ctx, m))                                                                     \
    X(save_read_msgs, (void *ctx, uint64_t cid, const struct fp_id *user, uint64_t msgs), (f->inner.ctx, cid, user, msgs))                           \
    X(save_receipt, (void *ctx, const struct store_receipt *r), (f->inner.ctx, r))                                                                   \
    X(add_advance, (void *ctx, const struct store_advance *a), (f->inner.ctx, a))                                                                    \
    X(trim_advances, (void *ctx, uint64_t cid, uint64_t upto, size_t limit, bool *out_more), (f->inner.ctx, cid, upto, limit, out_more))             \
    X(save_target, (void *ctx, const struct store_target *t), (f->inner.ctx, t))                                                                     \
    X(save_confirm, (void *ctx, const struct store_confirm *c), (f->inner.ctx, c))                                                                   \
    X(rewrite_run, (void *ctx, uint64_t cid, uint64_t first, struct fp_bytes events), (f->inner.ctx, cid, first, events))                            \
    X(drop_runs, (void *ctx, uint64_t cid, uint64_t upto, size_t limit, uint64_t *out_last), (f->inner.ctx, cid, upto, limit, out_last))             \
    X(save_person, (void *ctx, const struct store_person *p), (f->inner.ctx, p))                                                                     \
    X(save_timer, (void *ctx, const struct store_timer *t), (f->inner.ctx, t))                                                                       \
    X(drop_timer, (void *ctx, enum store_timer_kind kind, const struct fp_id *owner, uint64_t seq), (f->inner.ctx, kind, owner, seq))                \
    X(save_device, (void *ctx, struct store_device *d), (f->inner.ctx, d))                                                                           \
    X(save_answers, (void *ctx, const struct store_answers *a), (f->inner.ctx, a))                                                                   \
    X(skip_answers, (void *ctx, uint64_t did, uint64_t next_n), (f->inner.ctx, did, next_n))                                                         \
    X(add_record, (void *ctx, struct store_record *r), (f->inner.ctx, r))                                                                            \
    X(drop_records, (void *ctx, uint8_t lane, uint64_t upto, size_t limit, bool *out_more), (f->inner.ctx, lane, upto, limit, out_more))             \
    X(save_branch, (void *ctx, const struct store_branch *b), (f->inner.ctx, b))                                                                     \
    X(save_peer, (void *ctx, const struct store_peer *p), (f->inner.ctx, p))                                                                         \
    X(save_held, (void *ctx, const struct store_held *r), (f->inner.ctx, r))                                                                         \
    X(forget_held, (void *ctx, const struct fp_id *relay), (f->inner.ctx, relay))                                                                    \
    X(new_epoch, (void *ctx, uint64_t epoch), (f->inner.ctx, epoch))

#define DEFINE(counted, name, params, args)                                                                                                          \
    static enum fp_err fault_##name params                                                                                                           \
    {                                                                                                                                                \
        struct fault_store *f = ctx;                                                                                                                 \
        enum fp_err err = counted(f);                                                                                                                \
        return err ? err : f->inner.name args;                                                                                                       \
    }
#define DEFINE_LOAD(name, params, args) DEFINE(count, name, params, args)
#define DEFINE_SAVE(name, params, args) DEFINE(count_save, name, params, args)

LOADS(DEFINE_LOAD)
SAVES(DEFINE_SAVE)

static void fault_rollback(void *ctx)
{
    struct fault_store *f = ctx;

    f->inner.rollback(f->inner.ctx);
}

/* It cannot fail. */
static unsigned fault_percent_used(void *ctx)
{
    struct fault_store *f = ctx;

    return f->inner.percent_used(f->inner.ctx);
}

static void fault_room(void *ctx, struct store_room *out)
{
    struct fault_store *f = ctx;

    f->inner.room(f->inner.ctx, out);
}

static const char *fault_line(void *ctx)
{
    struct fault_store *f = ctx;

    return f->inner.line(f->inner.ctx);
}

struct store_port fault_store_port(struct fault_store *f)
{
#define ENTRY(name, params, args) .name = fault_##name,
    return (struct store_port){
        .ctx = f, .rollback = fault_rollback, .percent_used = fault_percent_used, .room = fault_room, .line = fault_line, LOADS(ENTRY) SAVES(ENTRY)};
}
