#include <signal.h>

#include "tests/conformance/transport_peers.h"

int main(void)
{
    (void)signal(SIGPIPE, SIG_DFL); /* it would end us */
    static struct fake_peer fake;
    static struct fake_peer slow = {.room = 900, .piece = 7, .stutter = 3, .open_after = 4};
    static struct tcp_peer tcp;
    static struct tcp_peer narrow = {.buffer_bytes = 4096};
    static struct pty_peer pty;
    const struct transport_maker makers[] = {
        fake_peer_maker(&fake, "in memory"), fake_peer_maker(&slow, "in memory, in small pieces"), tcp_peer_maker(&tcp, "tcp"),
        tcp_peer_maker(&narrow, "tcp, small buffers"), pty_peer_maker(&pty, "a pseudo terminal"),
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        failed += transport_conformance_run(&makers[i]);
    }
    return failed;
}
