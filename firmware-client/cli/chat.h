/*
 * chat.h: what the two forms of `chat` share: the conversation as it is known, without a terminal.
 */
#ifndef FIRMWARE_CLIENT_CLI_CHAT_H
#define FIRMWARE_CLIENT_CLI_CHAT_H

#include "firmware-client/cli/line.h"
#include "firmware-client/cli/log.h"
#include "firmware-client/cli/session.h"

struct chat {
    struct session s;
    const struct app *app;
    struct fp_id conv;
    struct fp_id self;
    uint64_t last; /* how many events to show first */
    bool screen;   /* a terminal on both sides */
    bool asked;    /* for these events */
    bool fetched;  /* they are all here */
    bool over;
    int code;
    struct log log;
    struct str typing;
    struct str hint; /* the last refusal of what has no ticket */
    struct line line;
    struct str input; /* without a terminal: what has no line feed yet */
    bool input_ended;
    bool broken; /* stdout takes nothing more */
    bool dirty;  /* to be drawn again */
    int rows, columns;
};

void chat_notice(void *ctx, const struct fp_notice *n);
/* Queues a text; what is wrong with it is shown. */
void chat_say(struct chat *c, const char *text, size_t len);
/* Asks for the last events, once; and ends when the conversation is not ours. */
void chat_begin(struct chat *c);

#endif
