/* cmd_chat.c: chat, on a terminal and by lines. */
#include "firmware-client/cli/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "firmware-client/cli/chat.h"
#include "firmware-client/cli/clock.h"
#include "firmware-client/cli/screen.h"
#include "firmware-client/cli/terminal.h"

/* ------------------------------------------------------------------ on a terminal */

static void say_status(struct chat *c, struct str *out)
{
    uint32_t pending = fp_client_pending(c->s.client);
    bool online = fp_client_link(c->s.client) == FP_LINK_ONLINE;
    str_format(out, " %.*s  %s", (int)c->conv.len, c->conv.text, online ? "online" : "offline");
    if (pending > 0) {
        str_format(out, "  %" PRIu32 " queued", pending);
    }
    if (c->typing.len > 0) {
        str_format(out, "  %s", c->typing.p);
    }
    if (c->hint.len > 0) {
        str_format(out, "  (%s)", c->hint.p);
    }
}

static void draw(struct chat *c)
{
    struct str out = {0};
    struct str status = {0};
    size_t first = c->log.count > (size_t)c->rows ? c->log.count - (size_t)c->rows : 0; /* each takes a row at least */
    size_t count = c->log.count - first;
    struct screen_item *items = keep_memory(calloc(count + 1, sizeof *items));
    for (size_t i = 0; i < count; i++) {
        const struct log_entry *e = &c->log.entries[first + i];
        items[i] = (struct screen_item){.text = e->text, .mark = log_mark(e)};
    }
    say_status(c, &status);
    screen_draw(&out, &(struct screen){
                          .rows = c->rows, .columns = c->columns, .items = items, .item_count = count, .status = str_get(&status), .line = &c->line});
    c->broken = !app_put(&out) || c->broken;
    c->dirty = false;
    free(items);
    str_fini(&out);
    str_fini(&status);
}

static void one_key(struct chat *c, char byte)
{
    switch (line_key(&c->line, byte)) {
    case LINE_MORE:
        break;
    case LINE_CHANGED:
        fp_client_typing(c->s.client, &c->conv, c->line.text.len > 0, clock_mono());
        c->dirty = true;
        break;
    case LINE_ENTER:
        fp_client_typing(c->s.client, &c->conv, false, clock_mono());
        str_clear(&c->hint);
        chat_say(c, str_get(&c->line.text), c->line.text.len);
        line_clear(&c->line);
        c->dirty = true;
        break;
    case LINE_END:
        c->input_ended = true;
        break;
    case LINE_REDRAW:
        (void)fputs("\x1b[2J", stdout); /* written with what follows */
        c->dirty = true;
        break;
    }
}

static bool screen_turn(void *ctx)
{
    struct chat *c = ctx;
    char buf[256];
    int rows;
    int columns;
    int got = terminal_read(buf, sizeof buf);
    c->input_ended = c->input_ended || got < 0;
    for (int i = 0; i < got && !c->input_ended; i++) {
        one_key(c, buf[i]);
    }
    chat_begin(c);
    terminal_size(&rows, &columns);
    c->dirty = c->dirty || rows != c->rows || columns != c->columns;
    c->rows = rows;
    c->columns = columns;
    if (c->dirty) {
        draw(c);
    }
    return c->over || c->broken || c->input_ended;
}

/* ------------------------------------------------------------------ by lines */

static void take_lines(struct chat *c)
{
    char buf[4096];
    int got = c->input_ended ? 0 : terminal_read(buf, sizeof buf);
    c->input_ended = c->input_ended || got < 0;
    for (int i = 0; i < got; i++) {
        if (buf[i] != '\n') {
            str_char(&c->input, buf[i]);
            continue;
        }
        chat_say(c, str_get(&c->input), c->input.len);
        str_clear(&c->input);
    }
    if (got > 0) {
        fp_client_typing(c->s.client, &c->conv, c->input.len > 0, clock_mono()); /* a line is begun */
    }
    if (c->input_ended && c->input.len > 0) {
        chat_say(c, c->input.p, c->input.len);
        str_clear(&c->input);
    }
}

static bool lines_turn(void *ctx)
{
    struct chat *c = ctx;
    take_lines(c);
    chat_begin(c);
    return c->over || c->broken || c->input_ended;
}

static bool lines_rest(void *ctx)
{
    struct chat *c = ctx;
    chat_begin(c);
    return c->over || c->broken || (c->fetched && fp_client_pending(c->s.client) == 0);
}

/* ------------------------------------------------------------------ both */

static int chat_end(struct chat *c, enum session_end end)
{
    bool was_online = fp_client_link(c->s.client) == FP_LINK_ONLINE;
    if (end == SESSION_REFUSED) {
        return session_no_link(&c->s);
    }
    if (was_online && !fp_client_conv(c->s.client, &c->conv)) {
        (void)session_conv(&c->s, &c->conv); /* says so */
        return EXIT_FAILED;
    }
    if (c->code == EXIT_FINE && fp_client_pending(c->s.client) > 0) {
        (void)fputs("fieldpost: queued; will be delivered by the next run\n", stderr);
        return EXIT_QUEUED;
    }
    return c->code;
}

static int converse(struct chat *c)
{
    struct terminal t;
    c->screen = terminal_open(&t);
    c->dirty = true;
    enum session_end end = session_wait(&c->s, c->screen ? screen_turn : lines_turn, c, UINT64_MAX, STDIN_FILENO);
    terminal_close(&t);
    bool offline = fp_client_link(c->s.client) != FP_LINK_ONLINE;
    bool patient = !c->screen || !offline; /* nobody who ends a chat by hand wants to wait for a hub that is not there */
    if (end == SESSION_DONE && !c->over && !c->broken && patient) {
        end = session_wait(&c->s, lines_rest, c, c->app->set.timeout_ms, -1); /* the last line may be on its way */
    }
    int code = chat_end(c, end);
    session_leave(&c->s);
    return code;
}

int run_chat(struct app *app, const struct args *args)
{
    struct chat c = {.app = app, .last = 20};
    struct str why = {0};
    const char *self = settings_get(&app->set, SET_USER);
    if (!app_id(app, "CONV", args->words[0], &c.conv)) {
        return EXIT_USAGE;
    }
    if (!args_uint(args, "last", &c.last, &why)) {
        (void)app_usage(app, str_get(&why));
        str_fini(&why);
        return EXIT_USAGE;
    }
    const unsigned presence = app->set.json ? FP_WANT_PRESENCE : 0; /* people see it nowhere here */
    int code = session_open(&c.s, app, FP_WANT_EVENTS | FP_WANT_RECEIPTS | FP_WANT_TYPING | presence, chat_notice, &c);
    if (code) {
        return code;
    }
    (void)fp_id_parse(self, strlen(self), &c.self); /* checked with the settings */
    code = converse(&c);
    session_close(&c.s);
    log_fini(&c.log);
    line_fini(&c.line);
    str_fini(&c.typing);
    str_fini(&c.hint);
    str_fini(&c.input);
    return code;
}
