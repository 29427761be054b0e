#include "plugin/hub/trunk.h"

#define ANSWER_BYTES_MAX 128     /* a row or an ack entry: a hash, an id, three numbers */
#define NACK_BYTES_MAX 512       /* without its current value */
#define HASH_UNKNOWN 0           /* it travelled another way and was not seen here */
#define REMEMBERED_NACK_MAX 4096 /* a longer one is repeated without its current value */

static enum fp_err add_encoded(struct hub *h, struct piece_list *list, const struct fp_enc *e)
{
    struct fp_bytes kept = arena_copy(&h->arena, fp_enc_bytes_of(e));
    return kept.p && piece_add(h, list, kept) ? FP_OK : FP_ENOMEM;
}

/* Remembers the row under the command's n, which is used up by that. */
static enum fp_err remember(struct hub *h, struct command_ctx *x, struct dedupe_row *row)
{
    struct hub_device *dev = x->dev;
    size_t cap = ANSWER_BYTES_MAX + row->nack.len;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    if (!buf) {
        return FP_ENOMEM;
    }
    struct fp_enc e;
    fp_enc_init(&e, buf, cap);
    row->hash = x->cmd->hash;
    dedupe_encode_row(&e, row);
    if (e.failed || !piece_add(h, &dev->rows, fp_enc_bytes_of(&e))) {
        return FP_ENOMEM;
    }
    if (dev->rows.count == 1) {
        dev->rows_first = x->cmd->n;
    }
    dev->d.next_n = x->cmd->n + 1;
    stage_device(h, dev);
    return FP_OK;
}

static enum fp_err tell_ack(struct hub *h, struct hub_device *dev, const struct fp_answer *a)
{
    uint8_t buf[ANSWER_BYTES_MAX];
    struct fp_enc e;
    bool relayed = site_is(h) && a->seq == 0;
    if (dev->acks_relayed != relayed) { /* a message is of one sort, and the order stays */
        enum fp_err err = answer_tell_acks(h, dev);
        if (err) {
            return err;
        }
        dev->acks_relayed = relayed;
    }
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_answer(&e, a);
    enum fp_err err = add_encoded(h, &dev->acks, &e);
    stage_device(h, dev);
    if (!err && dev->acks.count == FP_ACKS_MAX) {
        err = answer_tell_acks(h, dev);
    }
    h->stats.acks++;
    return err;
}

enum fp_err answer_tell_acks(struct hub *h, struct hub_device *dev)
{
    if (dev->acks.count == 0 || context_is_hub(&dev->d.id)) { /* nobody listens there */
        dev->acks = (struct piece_list){0};
        return FP_OK;
    }
    size_t cap = dev->acks.bytes + 24 + h->config.relay.len;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    if (!buf) {
        return FP_ENOMEM;
    }
    struct fp_enc e;
    fp_enc_init(&e, buf, cap);
    if (dev->acks_relayed) {
        fp_enc_ack_relayed_begin(&e, dev->acks.count);
    } else {
        fp_enc_ack_begin(&e, dev->acks.count);
    }
    for (const struct piece *p = dev->acks.first; p; p = p->next) {
        fp_enc_raw(&e, p->bytes);
    }
    if (dev->acks_relayed) {
        fp_enc_ack_relayed_end(&e, &h->config.relay);
    }
    dev->acks = (struct piece_list){0};
    return tells_down(h, &dev->d.id, fp_enc_bytes_of(&e));
}

enum fp_err answer_save(struct hub *h, struct hub_device *dev)
{
    if (dev->rows.count == 0) {
        return FP_OK;
    }
    uint8_t *buf = arena_alloc(&h->arena, dev->rows.bytes);
    if (!buf) {
        return FP_ENOMEM;
    }
    piece_join(&dev->rows, buf);
    struct store_answers a = {
        .did = dev->d.did,
        .first = dev->rows_first,
        .last = dev->rows_first + dev->rows.count - 1,
        .at = h->wall,
        .rows = fp_bytes_of(buf, dev->rows.bytes),
    };
    enum fp_err err = stage_begin(h);
    return err ? err : h->store.save_answers(h->store.ctx, &a);
}

enum fp_err answer_ack(struct hub *h, struct command_ctx *x, const struct fp_id *conv, uint64_t seq, struct fp_wall at)
{
    if (x->canonical) {
        return FP_OK; /* site_said() answers whoever waits for it */
    }
    struct dedupe_row row = {.accepted = true, .answer = {.n = x->cmd->n, .conv = *conv, .seq = seq, .at = at}};
    enum fp_err err = remember(h, x, &row);
    return err ? err : tell_ack(h, x->dev, &row.answer);
}

enum fp_err answer_relayed(struct hub *h, struct command_ctx *x, const struct fp_id *conv, struct fp_wall at)
{
    struct dedupe_row row = {.accepted = true, .answer = {.n = x->cmd->n, .conv = *conv, .at = at}};
    enum fp_err err = x->late ? FP_OK : remember(h, x, &row);
    return err ? err : tell_ack(h, x->dev, &row.answer);
}

enum fp_err answer_again(struct hub *h, struct hub_device *dev, const struct fp_answer *a)
{
    return tell_ack(h, dev, a);
}

enum fp_err answer_known(struct hub *h, struct hub_device *dev, const struct fp_answer *a)
{
    struct fp_command cmd = {.n = a->n}; /* its hash is not known */
    struct command_ctx x = {.dev = dev, .cmd = &cmd};
    struct dedupe_row row = {.accepted = true, .answer = *a};
    return remember(h, &x, &row);
}

static struct fp_bytes encode_nack(struct hub *h, const struct fp_nack *nack)
{
    size_t cap = NACK_BYTES_MAX + nack->reason.len + nack->current.len;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_nack(&e, nack);
    return fp_enc_bytes_of(&e);
}

/* Whatever is told to a device goes out after the acks of what it sent before. */
static enum fp_err tell_after_acks(struct hub *h, const struct fp_id *device, struct fp_bytes reply)
{
    struct hub_device *dev = NULL;
    if (reply.len == 0) {
        return FP_ENOMEM;
    }
    HASH_FIND(hh, h->devices, device->text, device->len, dev);
    enum fp_err err = dev ? answer_tell_acks(h, dev) : FP_OK;
    return err ? err : tells_down(h, device, reply);
}

enum fp_err answer_nack(struct hub *h, const struct fp_id *device, const struct fp_nack *nack)
{
    h->stats.nacks++;
    return tell_after_acks(h, device, encode_nack(h, nack));
}

static struct fp_nack nack_of(const struct command_ctx *x, enum fp_err code)
{
    const char *why = x->why ? x->why : fp_err_name(code);
    return (struct fp_nack){.n = x->cmd->n, .code = code, .reason = fp_bytes_of(why, strlen(why)), .current = x->current};
}

/* The device, and the relay that has brought its command. */
static enum fp_err nack_both(struct hub *h, struct command_ctx *x, const struct fp_nack *nack)
{
    enum fp_err err = x->relayed ? relays_refused(h, x, nack->code) : FP_OK;
    return err ? err : answer_nack(h, &x->item->device, nack);
}

enum fp_err answer_refuse(struct hub *h, struct command_ctx *x, enum fp_err code)
{
    struct fp_nack nack = nack_of(x, code);
    if (x->cmd->n > 0 && !x->late) {
        struct fp_nack kept = nack;
        if (kept.current.len > REMEMBERED_NACK_MAX) {
            kept.current = (struct fp_bytes){0};
        }
        struct dedupe_row row = {.nack = encode_nack(h, &kept)};
        enum fp_err err = row.nack.len > 0 ? remember(h, x, &row) : FP_ENOMEM;
        if (err) {
            return err;
        }
    }
    return nack_both(h, x, &nack);
}

enum fp_err answer_retry(struct hub *h, struct command_ctx *x, enum fp_err code)
{
    struct fp_nack nack = nack_of(x, code);
    nack.retry = true;
    if (code == FP_EGAP) {
        nack.next_n = x->dev->d.next_n;
    } else if (x->cmd->n > 0 && x->cmd->n == x->dev->d.next_n) {
        x->dev->turned_away = x->cmd->n;
    }
    return nack_both(h, x, &nack);
}

/* The row of an n that is below the next one: staged by this batch, or on disk. */
static enum fp_err find_row(struct hub *h, struct command_ctx *x, struct dedupe_row *out, bool *out_found)
{
    struct hub_device *dev = x->dev;
    uint64_t n = x->cmd->n;

    *out_found = true;
    if (dev->rows.count > 0 && n >= dev->rows_first) {
        const struct piece *p = dev->rows.first;
        for (uint64_t i = dev->rows_first; i < n; i++) {
            p = p->next;
        }
        return dedupe_decode_row(p->bytes, out);
    }
    struct store_answers a;
    enum fp_err err = h->store.load_answers(h->store.ctx, dev->d.did, n, &a, out_found);
    if (err || !*out_found) {
        return err;
    }
    return dedupe_find_row(a.rows, n - a.first, out);
}

static enum fp_err repeat_nack(struct hub *h, struct command_ctx *x, struct fp_bytes row)
{
    struct fp_reply r;
    struct fp_bytes reply = arena_copy(&h->arena, row);
    enum fp_err err = FP_OK;

    h->stats.nacks++;
    if (x->relayed && reply.p && fp_reply_decode(reply, &r) == FP_OK && r.what == FP_REPLY_NACK) {
        err = relays_refused(h, x, r.as.nack.code);
    }
    return err ? err : tell_after_acks(h, &x->item->device, reply);
}

enum fp_err answer_repeat(struct hub *h, struct command_ctx *x)
{
    struct dedupe_row row;
    bool found = false;
    bool answered = false;
    h->stats.repeats++;
    enum fp_err err = site_is(h) ? site_second(h, x, &answered) : FP_OK;
    if (err || answered) {
        return err;
    }
    err = find_row(h, x, &row, &found);
    if (err) {
        return err;
    }
    bool by_number = x->relayed && x->relayed->refused; /* what a relay could not bring: nobody here knows what it was */
    bool same = found && (row.hash == HASH_UNKNOWN || row.hash == x->cmd->hash || by_number);
    if (site_is(h) && (!found || (same && row.accepted && row.answer.seq == 0))) {
        x->late = !found;
        err = site_repeat(h, x, &answered);
        if (err || answered) {
            return err;
        }
    }
    struct fp_nack nack = {.n = x->cmd->n};
    if (!found) {
        x->why = "the answer to this command is no longer kept";
        nack = nack_of(x, FP_ETOOLATE);
    } else if (!same) {
        x->why = "this number was used for another command";
        nack = nack_of(x, FP_ECONFLICT);
    } else if (row.accepted) {
        row.answer.n = x->cmd->n;
        err = x->relayed ? relays_known(h, &row.answer) : FP_OK;
        return err ? err : tell_ack(h, x->dev, &row.answer);
    } else {
        return repeat_nack(h, x, row.nack);
    }
    return nack_both(h, x, &nack);
}
