/*
 * All orders of what can happen to one or two commands, up to so many steps: sends, acks, refusals, echoes, receipts, lost links, crashes,
 * cancels. Whatever the order: a state never goes back, failed has a code, what is sent never fails, and a command is in the outbox until it is
 * answered.
 *
 * usage: model_states [--depth N]
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/sim/model_peer.h"

#define DEPTH_MAX 12
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DEPTH 4
#else
#define DEPTH 6
#endif

static enum model_action path[DEPTH_MAX];
static size_t path_len;
static uint64_t paths, steps;

void model_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("after");
    for (size_t i = 0; i < path_len; i++) {
        printf("%s %s", i > 0 ? "," : "", model_acts[path[i]].name);
    }
    printf(": ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
    fflush(stdout);
    _Exit(1);
}

static void on_abort(int signal_number)
{
    (void)signal_number;
    model_fail("aborted");
}

/* ------------------------------------------------------------------ what is told */

static struct model_cmd *cmd_of(uint64_t ticket)
{
    for (size_t i = 0; i < model.cmd_count; i++) {
        if (model.cmds[i].accepted && model.cmds[i].ticket == ticket) {
            return &model.cmds[i];
        }
    }
    model_fail("ticket %llu is nobody's", (unsigned long long)ticket);
}

static bool is_committed(size_t cmd, uint64_t *out_seq)
{
    for (size_t n = 1; n < MODEL_NS; n++) {
        if (model.ns[n].outcome == MODEL_COMMITTED && model.ns[n].cmd == cmd) {
            *out_seq = model.ns[n].seq;
            return true;
        }
    }
    return false;
}

static void on_state(const struct fp_notice *n)
{
    struct model_cmd *c = cmd_of(n->ticket);
    uint64_t seq = 0;
    bool committed = is_committed((size_t)(c - model.cmds), &seq);

    if (c->state == FP_SEND_FAILED || n->state == c->state || (n->state != FP_SEND_FAILED && n->state < c->state) ||
        (n->state == FP_SEND_FAILED && c->state >= FP_SEND_SENT)) {
        model_fail("P6: from %s to %s", fp_send_state_name(c->state), fp_send_state_name(n->state));
    }
    c->state = n->state;
    if (n->state == FP_SEND_FAILED) {
        if (committed || c->sent) {
            model_fail("P6: what is sent is told as failed");
        }
        if (n->err == FP_OK ? !c->cancelled : n->err != FP_EDENIED) {
            model_fail("P6: failed with %s", fp_err_name(n->err));
        }
        c->failed = true;
        c->answered = true;
    }
    if (n->state >= FP_SEND_SENT && n->state != FP_SEND_FAILED) {
        if (!committed || n->seq != seq) {
            model_fail("P6: %s at %llu, but the hub has it at %llu", fp_send_state_name(n->state), (unsigned long long)n->seq,
                       (unsigned long long)seq);
        }
        if ((n->state == FP_SEND_DELIVERED && model.delivered < seq) || (n->state == FP_SEND_READ && model.read < seq)) {
            model_fail("P6: told %s, and nobody said so", fp_send_state_name(n->state));
        }
        c->sent = true;
        c->answered = true;
    }
}

void model_notify(void *ctx, const struct fp_notice *n)
{
    (void)ctx;
    if (n->kind == FP_NOTICE_STATE) {
        on_state(n);
    } else if (n->kind == FP_NOTICE_EVENT && !n->fetched) {
        if (n->seq != model.cursor + 1) {
            model_fail("L3: event %llu behind %llu", (unsigned long long)n->seq, (unsigned long long)model.cursor);
        }
        model.cursor = n->seq;
    } else if (n->kind == FP_NOTICE_RETRY) {
        (void)cmd_of(n->ticket);
    } else if (n->kind == FP_NOTICE_STORAGE || n->kind == FP_NOTICE_SKIPPED || n->kind == FP_NOTICE_SNAPSHOT || n->kind == FP_NOTICE_LEFT) {
        model_fail("a notice of kind %d, for no reason", (int)n->kind);
    }
}

/* ------------------------------------------------------------------ what is in the outbox */

struct listing {
    bool listed[MODEL_CMDS];
    bool reopened;
};

static bool note(void *arg, uint64_t ticket, enum fp_send_state state, const struct fp_command *cmd)
{
    struct listing *l = arg;
    struct model_cmd *c = cmd_of(ticket);
    (void)cmd;
    if (c->cancelled) {
        model_fail("O1: cancelled, and pending");
    }
    if (l->reopened) {
        c->state = FP_SEND_QUEUED;
        c->answered = false;
    }
    if (!c->answered && c->state != state) {
        model_fail("P6: pending as %s, told as %s", fp_send_state_name(state), fp_send_state_name(c->state));
    }
    l->listed[c - model.cmds] = true;
    return true;
}

void model_check_outbox(bool reopened)
{
    struct listing l = {.reopened = reopened};
    enum fp_err err = fp_client_each_pending(model.c, note, &l);
    if (err) {
        model_fail("each_pending: %s", fp_err_name(err));
    }
    for (size_t i = 0; i < model.cmd_count; i++) {
        const struct model_cmd *c = &model.cmds[i];
        if (c->accepted && !c->sent && !c->failed && !c->cancelled && !l.listed[i]) {
            model_fail("L1: command %zu is unanswered and not in the outbox", i);
        }
    }
}

/* ------------------------------------------------------------------ all orders */

static void settle_after(enum model_action a)
{
    model.now.us += 50000;
    if (a == MODEL_CUT) {
        model.now.us += 1000000;
    }
    model_settle();
    model_check_outbox(false);
}

/* At the end of a path the hub answers all there is, and nothing may stay behind. */
static void wind_up(void)
{
    (void)model_acts[MODEL_RECONNECT].act();
    for (int i = 0; i < 200 && fp_client_pending(model.c) > 0; i++) {
        uint64_t n = model_waiting_n();
        bool answered = n > 0 && model_acts[model.ns[n].outcome == MODEL_REFUSED ? MODEL_NACK : MODEL_ACK].act();
        model.now.us = answered || model.due.us <= model.now.us || model.due.us > model.now.us + 1000000 ? model.now.us + 100000 : model.due.us;
        model_settle();
    }
    if (fp_client_pending(model.c) > 0) {
        model_fail("L1: %u commands are never answered", fp_client_pending(model.c));
    }
    model_check_outbox(false);
    for (size_t i = 0; i < model.cmd_count; i++) {
        uint64_t seq = 0;
        const struct model_cmd *c = &model.cmds[i];
        if (!c->cancelled && !c->failed && (!c->sent || !is_committed(i, &seq))) {
            model_fail("P3: command %zu was accepted and is not at the hub", i);
        }
    }
    (void)model_acts[MODEL_RECONNECT].act(); /* the welcome names the head */
    model.now.us += 1000000;
    model_settle();
    if (model.cursor != model.head) {
        model_fail("P5: told up to %llu of %llu", (unsigned long long)model.cursor, (unsigned long long)model.head);
    }
}

static void explore(size_t depth, struct model *saves)
{
    struct model *save = &saves[path_len];
    memcpy(save, &model, sizeof(model));
    for (int a = 0; depth > 0 && a < MODEL_ACTIONS; a++) {
        path[path_len++] = (enum model_action)a;
        if (model_acts[a].act()) {
            settle_after((enum model_action)a);
            steps++;
            explore(depth - 1, saves);
        }
        path_len--;
        memcpy(&model, save, sizeof(model));
    }
    if (depth == 0) {
        paths++;
        wind_up();
        memcpy(&model, save, sizeof(model));
    }
}

int main(int argc, char **argv)
{
    size_t depth = DEPTH;
    if (argc == 3 && strcmp(argv[1], "--depth") == 0) {
        depth = strtoul(argv[2], NULL, 10);
    }
    if ((argc != 1 && argc != 3) || depth == 0 || depth > DEPTH_MAX) {
        fprintf(stderr, "usage: model_states [--depth N]\n");
        return 2;
    }
    struct model *saves = malloc((DEPTH_MAX + 1) * sizeof(*saves));
    if (!saves) {
        return 2;
    }
    (void)signal(SIGABRT, on_abort);
    model_start();
    explore(depth, saves);
    printf("%llu paths of %zu steps, %llu different steps\n", (unsigned long long)paths, depth, (unsigned long long)steps);
    free(saves);
    return 0;
}
