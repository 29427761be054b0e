/*
 * session.h: a client of the library with its ports, for the length of one command.
 *
 * Shape       open, queue, connect, wait for a condition, close. What happens comes to `on`, after the session has looked at it.
 * Errors      exit codes (app.h); what is wrong has been said by then
 */
#ifndef FIRMWARE_CLIENT_CLI_SESSION_H
#define FIRMWARE_CLIENT_CLI_SESSION_H

#include "firmware-client/cli/app.h"
#include "firmware-client/cli/wire.h"

typedef void (*session_fn)(void *ctx, const struct fp_notice *n);
typedef bool (*session_done_fn)(void *ctx);

struct session {
    const struct app *app;
    struct fp_client *client;
    struct wire *wire;
    void *memory;
    char *password;
    struct str folder;
    struct str device;
    session_fn on;
    void *ctx;
    bool told; /* something has happened in this turn */
    bool was_online;
    enum fp_err link_err; /* of the last time that the link went down */
    struct str link_text;
    enum fp_err nack; /* what has no ticket was refused: FP_NOTICE_NACK */
    struct str nack_text;
};

enum session_end {
    SESSION_DONE,
    SESSION_LATE,    /* the time is up */
    SESSION_REFUSED, /* the broker does not let us in: another attempt would not either */
    SESSION_STOPPED, /* a signal */
};

/* want: bits of enum fp_want. Waits for the outbox while another process has it. EXIT_FINE, or the exit code. */
int session_open(struct session *s, const struct app *app, uint32_t want, session_fn on, void *ctx);
void session_close(struct session *s);
/* Wants to be online and works until done(ctx). timeout_ms UINT64_MAX: for ever. done() is also asked when extra_fd (-1: none) is readable. */
enum session_end session_wait(struct session *s, session_done_fn done, void *ctx, uint64_t timeout_ms, int extra_fd);
/* Online within the time of the settings; says why if not. Waits until all that is queued is answered, too, as far as the time goes. */
int session_online(struct session *s);
/* Passes a command that is not durable, and waits until the hub must have read it: EXIT_FINE unless it was refused. */
int session_pass(struct session *s, const struct fp_command *cmd);
/* The same for a question of which the hub makes a report: its value (CBOR) into *out. A refusal that is `expected` is not said: see s->nack. */
int session_ask(struct session *s, const struct fp_command *cmd, enum fp_err expected, struct str *out);
/* Good-bye to the hub, as far as that takes less than a second. */
void session_leave(struct session *s);
/* Says why there is no link. Returns EXIT_FAILED. */
int session_no_link(struct session *s);
/* The conversation, once what this device is behind has come, as far as the time goes; or NULL: said already. */
const struct fp_conv *session_caught_up(struct session *s, const struct fp_id *conv);
/*
 * Asks for after+1 to upto in as many pages as it takes; what comes is told to `on` with `fetched`. Ends early once stop(ctx), or when there is
 * nothing of this to be had any more: EXIT_FINE as well.
 */
int session_fetch(struct session *s, const struct fp_id *conv, uint64_t after, uint64_t upto, session_done_fn stop, void *ctx);
/* The conversation, or NULL: said already. */
const struct fp_conv *session_conv(struct session *s, const struct fp_id *conv);

#endif
