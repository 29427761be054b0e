/*
 * main.c: a device that queues messages, sends them, and is done when the hub has answered for all of them. What it says on the host's console is one
 * line a fact, which tests/integration/test_bare_metal.py reads. The power may go at any time: run it again.
 */
#include "firmware-client/examples/mps2-an385/board.h"
#include "firmware-client/examples/mps2-an385/flash.h"
#include "firmware-client/examples/mps2-an385/secure.h"
#include "firmware-client/examples/mps2-an385/settings.h"

/* How much the client may hold; see "Memory" in the client's README. */
enum { RX_BYTES = 1024, TX_BYTES = 1024, REORDER_BYTES = 512, CONVS = 2, ENTRIES = 64, WINDOW = 16, MEMORY_BYTES = 8192, TURN_US = 100000 };

static uint64_t memory[MEMORY_BYTES / sizeof(uint64_t)];

static void say_bytes(struct fp_bytes text)
{
    char part[64];
    size_t len = text.len < sizeof part ? text.len : sizeof part - 1;
    if (len > 0) {
        memcpy(part, text.p, len);
    }
    part[len] = '\0';
    board_say(part);
}

static void say_fact(const char *name, uint64_t v, const char *end)
{
    board_say(name);
    board_say(" ");
    board_say_u64(v);
    board_say(end);
}

static void on_notice(void *ctx, const struct fp_notice *n)
{
    (void)ctx;
    if (n->kind == FP_NOTICE_STATE) {
        say_fact("state", n->ticket, " ");
        board_say(fp_send_state_name(n->state));
        say_fact(" seq", n->seq, "\n");
    } else if (n->kind == FP_NOTICE_LINK) {
        say_fact("link", (uint64_t)n->link, " ");
        say_bytes(n->text);
        board_say("\n");
    } else if (n->kind == FP_NOTICE_RETRY || n->kind == FP_NOTICE_NACK) {
        say_fact("refused", (uint64_t)n->err, " ");
        say_bytes(n->text);
        board_say("\n");
    } else if (n->kind == FP_NOTICE_STORAGE) {
        say_fact("storage", (uint64_t)n->err, "\n");
    }
}

static enum fp_err open_client(const struct settings *s, struct fp_client **out)
{
    struct fp_client_config config = {
        .user = s->user,
        .device = s->device,
        .password = *s->password ? s->password : NULL,
        .app = "mps2-an385",
        .want = 0, /* it only reports */
        .from_head = true,
        .memory = memory,
        .memory_bytes = sizeof memory,
        .rx_bytes = RX_BYTES,
        .tx_bytes = TX_BYTES,
        .reorder_bytes = REORDER_BYTES,
        .convs = CONVS,
        .entries = ENTRIES,
        .window = WINDOW,
        .random = board_random(s->device),
        .notify = on_notice,
    };
    enum fp_err err = flash_open(s->flash, s->cut, &config.storage);
    if (err) {
        board_say("the flash's file can't be opened\n");
        return err;
    }
    err = secure_over(s, board_uart(), config.random, &config.transport);
    if (err) {
        board_say("no TLS: is psk= a key?\n");
        return err;
    }
    say_fact("memory", fp_client_memory(&config), "\n");
    const char *why = "";
    err = fp_client_open(&config, board_now(), out, &why);
    if (err) {
        say_fact("the client does not open:", (uint64_t)err, " ");
        board_say(why ? why : "");
        board_say("\n");
    }
    return err;
}

/* "accepted" is said only after the library has it on the flash: from then on it must arrive. */
static enum fp_err queue_one(struct fp_client *c, const struct fp_id *conv, uint32_t number)
{
    char text[16];
    char digits[10];
    size_t len = 0;
    size_t count = 0;
    for (uint32_t v = number; count == 0 || v > 0; v /= 10) {
        digits[count++] = (char)('0' + (char)(v % 10));
    }
    text[len++] = 'm';
    while (count > 0) {
        text[len++] = digits[--count];
    }
    uint64_t ticket = 0;
    enum fp_err err = fp_client_say(c, conv, text, len, board_now(), &ticket);
    if (!err) {
        say_fact("accepted", ticket, " ");
        say_bytes(fp_bytes_of(text, len));
        board_say("\n");
    }
    return err;
}

static void sleep_until(struct fp_client *c, struct fp_mono due)
{
    uint64_t turn = board_now().us + TURN_US; /* now and then the time is looked at */
    while (!fp_client_wants_write(c)) {
        uint64_t now = board_now().us;
        if (now >= due.us || now >= turn || board_has_input()) {
            return;
        }
        board_wait();
    }
}

/* Sends what is pending, and what is queued in the meantime. */
static int run(struct fp_client *c, const struct settings *s, const struct fp_id *conv)
{
    uint32_t queued = 0;
    bool leaving = false;
    fp_client_connect(c);
    while (!leaving || fp_client_link(c) != FP_LINK_IDLE) {
        struct fp_mono now = board_now();
        if (now.us > (uint64_t)s->late_s * 1000000U) {
            say_fact("late: pending", fp_client_pending(c), "\n");
            return BOARD_EXIT_LATE;
        }
        if (queued < s->count) {
            enum fp_err err = queue_one(c, conv, s->first + queued);
            queued += err == FP_OK;
            if (err && err != FP_EFULL) {
                say_fact("not accepted:", (uint64_t)err, "\n");
                return BOARD_EXIT_FAILED;
            }
        }
        struct fp_mono due = fp_client_poll(c, board_now());
        if (queued == s->count && fp_client_pending(c) == 0 && !leaving) {
            fp_client_disconnect(c);
            leaving = true;
        } else if (queued == s->count && fp_client_link(c) != FP_LINK_IDLE) {
            sleep_until(c, due);
        }
    }
    return BOARD_EXIT_OK;
}

int main(void)
{
    struct settings s;
    struct fp_id conv;
    struct fp_client *c = NULL;

    board_init();
    if (!settings_read(&s) || !fp_id_parse(s.conv, strlen(s.conv), &conv)) {
        board_say("needs device= user= conv= flash=, and takes password= psk= first= count= cut= late=\n");
        return BOARD_EXIT_FAILED;
    }
    if (open_client(&s, &c)) {
        return BOARD_EXIT_FAILED;
    }
    say_fact("pending", fp_client_pending(c), "\n");
    int code = run(c, &s, &conv);
    fp_client_close(c);
    say_fact("stack", board_stack_used(), "\n");
    secure_report();
    board_say(code == BOARD_EXIT_OK ? "done\n" : "not done\n");
    return code;
}
