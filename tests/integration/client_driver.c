/*
 * client_driver: the client library as a program that tests can kill. Each fact is one line, written with write(2) as soon as the library has
 * told it, so that what a reader finds in the output is what was promised.
 *
 *   ready                         the storage is read; SIGTERM ends it cleanly from here on
 *   pending TICKET STATE          found on the storage at the start
 *   accepted TICKET TEXT          fp_client_say() returned FP_OK
 *   refused CODE TEXT             it did not; "full" comes once until there is room again
 *   state TICKET NAME CONV SEQ CODE
 *   retry TICKET CODE
 *   event CONV SEQ USER DEVICE N TEXT      fetched, skipped, snapshot, caught-up, left, conv, no-room, epoch, nack, storage: likewise
 *   link NAME CODE MS             MS: since the start
 *   idle MS                       nothing is pending and all is sent
 */
#include "firmware-client/include/fieldpost.h"
#include "firmware-client/ports/posix.h"
#include "firmware-client/ports/storage_file.h"
#include "firmware-client/ports/transport_tcp.h"
#include "tests/integration/client_power.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONVS_MAX 8
#define TURN_SENDS 32 /* commands between two calls of poll() */
#define TURN_MS 50
#define RATE_TURN_MS 5
#define BACKOFF_MAX_MS 1000

struct settings {
    const char *host, *port, *user, *password, *device, *state;
    struct fp_id convs[CONVS_MAX];
    size_t conv_count;
    uint64_t send, life, rate, text_bytes;
    uint64_t size, sector, program_bytes;
    uint64_t cut_after, seed;
    uint64_t entries, window, backoff_ms, keepalive_s;
    bool listen, until_idle, cut;
};

struct driver {
    struct settings set;
    struct fp_client *client;
    struct fp_client_config config;
    struct fp_storage_file file;
    struct fp_tcp tcp;
    uint64_t sent;
    bool full;
    uint64_t start_us;
};

static volatile sig_atomic_t asked_to_stop;

static void on_term(int number)
{
    (void)number;
    asked_to_stop = 1;
}

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "client_driver: %s: %s\n", what, why);
    _exit(2);
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    char line[4096];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof(line) - 1, format, args);
    va_end(args);
    if (len < 0) {
        die("output", "format");
    }
    size_t left = (size_t)len < sizeof(line) - 1 ? (size_t)len : sizeof(line) - 2;
    line[left++] = '\n';
    for (const char *p = line; left > 0;) {
        ssize_t n = write(STDOUT_FILENO, p, left);
        if (n < 0 && errno != EINTR) {
            die("output", strerror(errno));
        }
        p += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
}

/* ------------------------------------------------------------------ arguments */

static const char *const NUMBER_NAMES[] = {"--send",      "--life", "--rate",    "--text-bytes", "--size",       "--sector",     "--program-bytes",
                                           "--cut-after", "--seed", "--entries", "--window",     "--backoff-ms", "--keepalive-s"};

static uint64_t *number_of(struct settings *s, const char *name)
{
    uint64_t *const at[] = {&s->send,      &s->life, &s->rate,    &s->text_bytes, &s->size,       &s->sector,     &s->program_bytes,
                            &s->cut_after, &s->seed, &s->entries, &s->window,     &s->backoff_ms, &s->keepalive_s};
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        if (strcmp(name, NUMBER_NAMES[i]) == 0) {
            return at[i];
        }
    }
    return NULL;
}

static bool flag_of(struct settings *s, const char *name)
{
    const char *const names[] = {"--listen", "--until-idle"};
    bool *const at[] = {&s->listen, &s->until_idle};
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *at[i] = true;
            return true;
        }
    }
    return false;
}

static const char *password_of(const char *path)
{
    static char password[256];
    FILE *f = fopen(path, "r");
    if (!f || !fgets(password, sizeof(password), f)) {
        die(path, "no password in it");
    }
    fclose(f);
    password[strcspn(password, "\n")] = '\0';
    return password;
}

static void take_text(struct settings *s, const char *name, const char *value)
{
    if (strcmp(name, "--host") == 0) {
        s->host = value;
    } else if (strcmp(name, "--port") == 0) {
        s->port = value;
    } else if (strcmp(name, "--user") == 0) {
        s->user = value;
    } else if (strcmp(name, "--password-file") == 0) {
        s->password = password_of(value);
    } else if (strcmp(name, "--device") == 0) {
        s->device = value;
    } else if (strcmp(name, "--state") == 0) {
        s->state = value;
    } else if (strcmp(name, "--conv") == 0) {
        if (s->conv_count == CONVS_MAX || !fp_id_parse(value, strlen(value), &s->convs[s->conv_count++])) {
            die(value, "no conversation");
        }
    } else {
        die(name, "no such option");
    }
}

static struct settings read_settings(int argc, char **argv)
{
    struct settings s = {.host = "127.0.0.1", .size = 64 * 4096, .sector = 4096, .program_bytes = 8, .entries = 4096, .backoff_ms = 50};
    for (int i = 1; i < argc; i++) {
        if (flag_of(&s, argv[i])) {
            continue;
        }
        if (i + 1 == argc) {
            die(argv[i], "its value is missing, or there is no such option");
        }
        const char *name = argv[i++];
        uint64_t *number = number_of(&s, name);
        if (number) {
            *number = strtoull(argv[i], NULL, 10);
        } else {
            take_text(&s, name, argv[i]);
        }
        s.cut = s.cut || strcmp(name, "--cut-after") == 0;
    }
    if (!s.port || !s.user || !s.device || !s.state || (s.send && !s.conv_count)) {
        die("needed", "--port --user --device --state, and --conv to --send");
    }
    return s;
}

/* ------------------------------------------------------------------ what the library tells */

/* A code as one word. */
static const char *code(enum fp_err err)
{
    static char word[32];
    snprintf(word, sizeof(word), "%s", fp_err_name(err));
    for (char *p = word; *p; p++) {
        *p = *p == ' ' ? '-' : *p;
    }
    return word;
}

static uint64_t age_ms(const struct driver *d)
{
    return (fp_posix_mono().us - d->start_us) / 1000;
}

static void say_event(const struct driver *d, const struct fp_notice *n)
{
    const struct fp_event *e = n->event;
    struct fp_msg msg = {0};
    const char *why = NULL;
    if (e->kind != FP_K_MSG || fp_msg_decode(e->body, &msg, &why)) {
        msg.text = fp_bytes_of("-", 1);
    }
    int shown = msg.text.len > 200 ? 200 : (int)msg.text.len;
    say("%s %.*s %" PRIu64 " %.*s %.*s %" PRIu64 " %.*s", n->fetched ? "fetched" : "event", n->conv.len, n->conv.text, n->seq, e->user.len,
        e->user.text, e->device.len, e->device.text, e->n, shown, (const char *)msg.text.p);
    if (!n->fetched) {
        fp_client_stored(d->client, &n->conv, n->seq);
    }
}

static const char *link_name(enum fp_link link)
{
    static const char *const names[] = {"idle", "waiting", "connecting", "online"};
    return names[link];
}

static void say_conv(const char *what, const struct fp_notice *n)
{
    say("%s %.*s %" PRIu64 " %" PRIu64 " %s", what, n->conv.len, n->conv.text, n->seq, n->upto, code(n->err));
}

static void notify(void *ctx, const struct fp_notice *n)
{
    static const char *const names[] = {
        [FP_NOTICE_SKIPPED] = "skipped",     [FP_NOTICE_SNAPSHOT] = "snapshot",
        [FP_NOTICE_CONV] = "conv",           [FP_NOTICE_CAUGHT_UP] = "caught-up",
        [FP_NOTICE_LEFT] = "left",           [FP_NOTICE_NO_ROOM] = "no-room",
        [FP_NOTICE_EPOCH] = "epoch",         [FP_NOTICE_NACK] = "nack",
        [FP_NOTICE_STORAGE] = "storage",     [FP_NOTICE_PROVISIONAL] = "provisional",
        [FP_NOTICE_FETCHED] = "fetched-all", [FP_NOTICE_REPORT] = "report",
    };
    struct driver *d = ctx;
    switch (n->kind) {
    case FP_NOTICE_LINK:
        say("link %s %s %" PRIu64 " %.*s", link_name(n->link), code(n->err), age_ms(d), (int)n->text.len, n->text.p ? (const char *)n->text.p : "");
        return;
    case FP_NOTICE_STATE:
        say("state %" PRIu64 " %s %.*s %" PRIu64 " %s", n->ticket, fp_send_state_name(n->state), n->conv.len ? n->conv.len : 1,
            n->conv.len ? n->conv.text : "-", n->seq, code(n->err));
        return;
    case FP_NOTICE_RETRY:
        say("retry %" PRIu64 " %s", n->ticket, code(n->err));
        return;
    case FP_NOTICE_EVENT:
        say_event(d, n);
        return;
    case FP_NOTICE_SNAPSHOT:
        say_conv("snapshot", n);
        fp_client_stored(d->client, &n->conv, n->seq);
        return;
    case FP_NOTICE_LIVE:
        return;
    default:
        say_conv(names[n->kind], n);
    }
}

/* ------------------------------------------------------------------ the ports */

static void open_ports(struct driver *d)
{
    struct settings *s = &d->set;
    enum fp_err err = fp_storage_file_open(&d->file, s->state, (uint32_t)s->size, (uint32_t)s->sector, &d->config.storage);
    if (err) {
        die(s->state, fp_err_name(err));
    }
    d->config.storage.program_bytes = (uint16_t)s->program_bytes;
    if (s->cut) {
        d->config.storage = power_wrap(d->config.storage, s->cut_after, s->seed);
    }
    err = fp_tcp_init(&d->tcp, s->host, s->port, &d->config.transport);
    if (err) {
        die(s->host, fp_err_name(err));
    }
    d->config.random = fp_posix_random();
}

static void open_client(struct driver *d)
{
    struct settings *s = &d->set;
    const char *why = NULL;
    d->config.user = s->user;
    d->config.device = s->device;
    d->config.password = s->password;
    d->config.app = "client_driver";
    d->config.want = s->listen ? FP_WANT_EVENTS | FP_WANT_RECEIPTS : 0;
    d->config.rx_bytes = 1 << 18;
    d->config.tx_bytes = 1 << 17;
    d->config.reorder_bytes = 1 << 18;
    d->config.convs = 64;
    d->config.tracked = 64;
    d->config.entries = (uint32_t)s->entries;
    d->config.window = (uint32_t)s->window;
    d->config.backoff_min_ms = (uint32_t)s->backoff_ms;
    d->config.keepalive_s = (uint16_t)s->keepalive_s;
    d->config.backoff_max_ms = BACKOFF_MAX_MS;
    d->config.notify = notify;
    d->config.notify_ctx = d;
    d->config.memory_bytes = fp_client_memory(&d->config);
    d->config.memory = malloc(d->config.memory_bytes);
    enum fp_err err = fp_client_open(&d->config, fp_posix_mono(), &d->client, &why);
    if (err) {
        die(fp_err_name(err), why ? why : "fp_client_open");
    }
}

static bool say_pending(void *arg, uint64_t ticket, enum fp_send_state state, const struct fp_command *cmd)
{
    (void)arg;
    (void)cmd;
    say("pending %" PRIu64 " %s", ticket, fp_send_state_name(state));
    return true;
}

/* ------------------------------------------------------------------ work */

/* Numbered texts, to the conversations in turn. */
static void feed(struct driver *d, struct fp_mono now)
{
    static char text[1 << 17];
    struct settings *s = &d->set;
    for (int i = 0; i < TURN_SENDS && d->sent < s->send; i++) {
        if (s->rate && d->sent * 1000000 > (now.us - d->start_us) * s->rate) {
            return;
        }
        int len = snprintf(text, sizeof(text), "%s-%" PRIu64 "-%" PRIu64, s->device, s->life, d->sent);
        size_t want = s->text_bytes < sizeof(text) ? s->text_bytes : sizeof(text);
        size_t padded = want > (size_t)len ? want : (size_t)len;
        memset(text + len, ' ', padded - (size_t)len);
        uint64_t ticket = 0;
        enum fp_err err = fp_client_say(d->client, &s->convs[d->sent % s->conv_count], text, padded, now, &ticket);
        if (err == FP_EFULL && d->full) {
            return;
        }
        d->full = err == FP_EFULL;
        if (err) {
            say("refused %s %.*s", code(err), len, text);
        } else {
            say("accepted %" PRIu64 " %.*s", ticket, len, text);
        }
        if (err == FP_EFULL) {
            return;
        }
        d->sent++;
    }
}

static void run(struct driver *d)
{
    bool leaving = false, idle_said = false;
    fp_client_connect(d->client);
    while (!leaving || fp_client_link(d->client) != FP_LINK_IDLE) {
        struct fp_mono now = fp_posix_mono();
        if (!leaving) {
            feed(d, now);
        }
        struct fp_mono due = fp_client_poll(d->client, now);
        bool idle = d->sent == d->set.send && fp_client_pending(d->client) == 0;
        if (idle && !idle_said) {
            say("idle %" PRIu64, age_ms(d));
            idle_said = true;
        }
        if (!leaving && (asked_to_stop || (idle && d->set.until_idle))) {
            leaving = true;
            fp_client_disconnect(d->client);
            continue;
        }
        bool more = !leaving && d->sent < d->set.send && !d->full;
        uint64_t latest = now.us + 1000 * (uint64_t)(!more ? TURN_MS : d->set.rate ? RATE_TURN_MS : 0);
        struct fp_mono until = {due.us < latest ? due.us : latest};
        (void)fp_posix_wait(fp_tcp_fd(&d->tcp), fp_client_wants_write(d->client), until, now);
    }
}

int main(int argc, char **argv)
{
    static struct driver d;
    d.set = read_settings(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, on_term);
    d.start_us = fp_posix_mono().us;
    open_ports(&d);
    open_client(&d);
    say("ready");
    fp_client_each_pending(d.client, say_pending, NULL);
    run(&d);
    fp_client_close(d.client);
    fp_storage_file_close(&d.file);
    return 0;
}
