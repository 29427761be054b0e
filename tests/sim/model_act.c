#include "fp/command.h"
#include "tests/sim/model_peer.h"

static bool do_send(void)
{
    uint8_t body[32];
    struct fp_enc e;
    if (model.cmd_count == MODEL_CMDS) {
        return false;
    }
    struct model_cmd *c = &model.cmds[model.cmd_count++];
    fp_enc_init(&e, body, sizeof(body));
    fp_enc_map(&e, 2);
    fp_enc_uint(&e, FP_MSG_TEXT);
    fp_enc_text(&e, "hi", 2);
    fp_enc_uint(&e, MODEL_TOKEN_KEY);
    fp_enc_uint(&e, model.cmd_count);
    struct fp_command cmd = {.kind = FP_K_MSG, .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&e)};
    (void)fp_id_parse("kitchen", 7, &cmd.conv);
    enum fp_err err = fp_client_send(model.c, &cmd, model.now, &c->ticket);
    if (err) {
        model_fail("send: %s", fp_err_name(err));
    }
    c->accepted = true;
    return true;
}

static bool do_ack(void)
{
    uint64_t n = model_waiting_n();
    if (n == 0 || model.ns[n].outcome == MODEL_REFUSED) {
        return false;
    }
    if (model.ns[n].outcome == MODEL_OPEN) {
        model_commit(n);
    }
    model.ns[n].here = false;
    model_tell_ack(n, false);
    return true;
}

static bool do_ack_again(void)
{
    for (uint64_t n = 1; n < model.next_n; n++) {
        if (model.ns[n].outcome == MODEL_COMMITTED && !model.ns[n].here) {
            model_tell_ack(n, false);
            return model.open;
        }
    }
    return false;
}

static bool do_ack_relay(void)
{
    uint64_t n = model_waiting_n();
    if (n == 0 || model.ns[n].outcome == MODEL_REFUSED) {
        return false;
    }
    model_tell_ack(n, true);
    return true;
}

static bool do_nack(void)
{
    uint64_t n = model_waiting_n();
    if (n == 0 || model.ns[n].outcome == MODEL_COMMITTED) {
        return false;
    }
    model.ns[n].outcome = MODEL_REFUSED;
    model.ns[n].here = false;
    model.next_n = n >= model.next_n ? n + 1 : model.next_n;
    model_tell_nack(n, FP_EDENIED, false, 0);
    return true;
}

static bool do_nack_retry(void)
{
    uint64_t n = model_waiting_n();
    if (n == 0 || model.ns[n].outcome != MODEL_OPEN) {
        return false;
    }
    model.ns[n].here = false;
    model_tell_nack(n, FP_EBUSY, true, 0);
    return true;
}

static bool do_commit(void)
{
    uint64_t n = model_waiting_n();
    if (n == 0 || model.ns[n].outcome != MODEL_OPEN) {
        return false;
    }
    model_commit(n);
    return true;
}

/* The newest event of ours; the hub may not even have told its ack. */
static bool tell_own(bool page)
{
    uint64_t n = model_waiting_n();
    if (n > 0 && model.ns[n].outcome == MODEL_OPEN) {
        model_commit(n);
    }
    if (model.head == 1 || !model.open || model.broken) {
        return false;
    }
    model_tell_event(model.head, page);
    return true;
}

static bool do_page(void)
{
    return tell_own(true);
}

static bool do_echo(void)
{
    return tell_own(false);
}

static bool do_delivered(void)
{
    if (!model.open || model.delivered == model.head) {
        return false;
    }
    model.delivered = model.head;
    model_tell_receipts(model.delivered, model.read);
    return true;
}

static bool do_read(void)
{
    if (!model.open || model.read == model.head) {
        return false;
    }
    model.delivered = model.head;
    model.read = model.head;
    model_tell_receipts(model.delivered, model.read);
    return true;
}

static bool do_cut(void)
{
    if (model.refuse) {
        return false;
    }
    model.refuse = true;
    model.broken = true;
    return true;
}

static bool do_reconnect(void)
{
    model.broken = true;
    model.refuse = false;
    model_settle();
    if (!model_online()) {
        model_fail("does not come online again (link %d)", (int)fp_client_link(model.c));
    }
    return true;
}

static bool crash(bool losing)
{
    memcpy(losing ? model.flash : model.safe, losing ? model.safe : model.flash, MODEL_FLASH);
    model.open = false;
    model.broken = false;
    memset(model.memory, 0xa5, sizeof(model.memory));
    model_open();
    model_check_outbox(true);
    model.cursor = 0;
    struct fp_id id;
    (void)fp_id_parse("kitchen", 7, &id);
    const struct fp_conv *v = fp_client_conv(model.c, &id);
    model.cursor = v ? v->cursor : 0;
    fp_client_connect(model.c);
    if (!model.refuse && !model_online()) {
        model_fail("does not come online after a crash");
    }
    return true;
}

static bool do_crash_losing(void)
{
    return memcmp(model.flash, model.safe, MODEL_FLASH) != 0 && crash(true);
}

static bool do_crash_keeping(void)
{
    return crash(false);
}

static bool do_cancel(void)
{
    for (size_t i = 0; i < model.cmd_count; i++) {
        struct model_cmd *c = &model.cmds[i];
        if (c->cancelled || c->answered) {
            continue;
        }
        c->cancelled = true;
        enum fp_err err = fp_client_cancel(model.c, c->ticket);
        if (err != FP_OK && err != FP_EBUSY) {
            model_fail("cancel: %s", fp_err_name(err));
        }
        c->cancelled = err == FP_OK;
        if (c->cancelled && !c->failed) {
            model_fail("cancelled, and not told so");
        }
        return c->cancelled;
    }
    return false;
}

const struct model_act model_acts[MODEL_ACTIONS] = {
    [MODEL_SEND] = {"send", do_send},
    [MODEL_ACK] = {"ack", do_ack},
    [MODEL_ACK_AGAIN] = {"ack again", do_ack_again},
    [MODEL_ACK_RELAY] = {"relay ack", do_ack_relay},
    [MODEL_NACK] = {"nack", do_nack},
    [MODEL_NACK_RETRY] = {"nack retry", do_nack_retry},
    [MODEL_COMMIT] = {"commit untold", do_commit},
    [MODEL_PAGE] = {"page", do_page},
    [MODEL_ECHO] = {"echo", do_echo},
    [MODEL_DELIVERED] = {"delivered", do_delivered},
    [MODEL_READ] = {"read", do_read},
    [MODEL_CUT] = {"cut", do_cut},
    [MODEL_RECONNECT] = {"reconnect", do_reconnect},
    [MODEL_CRASH_LOSING] = {"crash, losing", do_crash_losing},
    [MODEL_CRASH_KEEPING] = {"crash, keeping", do_crash_keeping},
    [MODEL_CANCEL] = {"cancel", do_cancel},
};
