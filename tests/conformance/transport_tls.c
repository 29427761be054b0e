/* The suite over TLS, with both profiles, over memory in small pieces and over TCP. */
#include <signal.h>
#include <stdlib.h>

#include "tests/conformance/transport_peers.h"
#include "tests/conformance/transport_tls_peer.h"

int main(void)
{
    (void)signal(SIGPIPE, SIG_DFL); /* it would end us */
    static struct tls_world world;
    static struct fake_peer fake;
    static struct fake_peer slow = {.room = 900, .piece = 70, .stutter = 3, .open_after = 4};
    static struct tcp_peer tcp;
    tls_world_make(&world);
    const struct {
        const char *name;
        struct transport_maker inner;
        bool psk;
    } runs[] = {
        {"psk, in memory", fake_peer_maker(&fake, ""), true},   {"psk, in memory, in small pieces", fake_peer_maker(&slow, ""), true},
        {"psk, tcp", tcp_peer_maker(&tcp, ""), true},           {"ecdsa, in memory", fake_peer_maker(&fake, ""), false},
        {"ecdsa, small pieces", fake_peer_maker(&slow, ""), false}, {"ecdsa, tcp", tcp_peer_maker(&tcp, ""), false},
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        static struct tls_peer peer;
        peer = (struct tls_peer){.inner = runs[i].inner};
        if (runs[i].psk) {
            tls_peer_use_psk(&peer);
        } else {
            tls_peer_use_ecdsa(&peer, &world);
        }
        struct transport_maker maker = tls_peer_maker(&peer, runs[i].name);
        failed += transport_conformance_run(&maker);
    }
    return failed;
}
