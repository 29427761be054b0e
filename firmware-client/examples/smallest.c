/*
 * smallest.c: sends each line that it reads, prints what it hears, and may be killed at any time; started again it goes on. It ends with its input.
 * usage: smallest HOST PORT USER DEVICE CONVERSATION FILE      (the file keeps what the hub has not answered yet)
 */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "firmware-client/include/fieldpost.h"
#include "firmware-client/ports/posix.h"
#include "firmware-client/ports/storage_file.h"
#include "firmware-client/ports/transport_tcp.h"

static uint64_t memory[65536];
static struct fp_client *client;
static struct fp_client_config config = {
    .want = FP_WANT_EVENTS, .rx_bytes = 65536, .tx_bytes = 32768, .reorder_bytes = 65536, .convs = 16, .tracked = 16, .entries = 1000};

static void on_notice(void *user, const struct fp_notice *n)
{
    struct fp_msg msg;
    const char *why = "";
    if (n->kind == FP_NOTICE_STATE) {
        printf("%s %llu\n", fp_send_state_name(n->state), (unsigned long long)n->ticket);
    } else if (n->kind == FP_NOTICE_EVENT) {
        const struct fp_id *from = &n->event->user;
        if ((from->len != strlen(user) || memcmp(from->text, user, from->len) != 0) && n->event->kind == FP_K_MSG &&
            fp_msg_decode(n->event->body, &msg, &why) == FP_OK) {
            printf("%.*s: %.*s\n", from->len, from->text, (int)msg.text.len, (const char *)msg.text.p);
        }
        fp_client_stored(client, &n->conv, n->seq); /* it is printed, and this program keeps nothing else */
    }
}

/* False: the outbox is full, and the line has to wait. */
static bool send_line(const struct fp_id *conv, const char *text)
{
    uint64_t ticket = 0;
    size_t len = strcspn(text, "\n");
    enum fp_err err = fp_client_say(client, conv, text, len, fp_posix_mono(), &ticket);
    if (err != FP_EFULL) {
        printf("%s %llu %.*s\n", err ? "refused" : "queued", (unsigned long long)ticket, (int)len, text);
    }
    return err != FP_EFULL;
}

int main(int argc, char **argv)
{
    static struct fp_tcp tcp;
    static struct fp_storage_file file;
    char text[4096];
    struct fp_id conv;
    bool input = true, held = false; /* held: text[] waits for room in the outbox */
    const char *why = "";
    if (argc != 7 || !fp_id_parse(argv[5], strlen(argv[5]), &conv) || fp_tcp_init(&tcp, argv[1], argv[2], &config.transport) ||
        fp_storage_file_open(&file, argv[6], 1 << 20, 1 << 16, &config.storage)) {
        return fprintf(stderr, "usage: smallest HOST PORT USER DEVICE CONVERSATION FILE\n"), 2;
    }
    config.user = config.notify_ctx = argv[3], config.device = argv[4], config.notify = on_notice, config.random = fp_posix_random();
    config.memory = memory, config.memory_bytes = sizeof memory;
    if (fp_client_open(&config, fp_posix_mono(), &client, &why)) {
        return fprintf(stderr, "the client does not open: %s\n", why), 1;
    }
    setvbuf(stdin, NULL, _IONBF, 0);  /* so that poll() sees all that was not read */
    setvbuf(stdout, NULL, _IOLBF, 0); /* so that what was said is out when the power goes */
    for (fp_client_connect(client); input || held || fp_client_pending(client) > 0;) {
        struct fp_mono now = fp_posix_mono(), due = fp_client_poll(client, now);
        struct pollfd fds[] = {{.fd = fp_tcp_fd(&tcp), .events = (short)(POLLIN | (fp_client_wants_write(client) ? POLLOUT : 0))},
                               {.fd = input && !held ? STDIN_FILENO : -1, .events = POLLIN}};
        if (poll(fds, 2, due.us > now.us ? 20 : 0) > 0 && fds[1].revents) {
            input = held = fgets(text, sizeof text, stdin) != NULL;
        }
        held = held && !send_line(&conv, text);
    }
    return fp_client_close(client), 0;
}
