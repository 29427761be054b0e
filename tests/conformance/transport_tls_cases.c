/* What only TLS has: who is refused and with which words, sessions that are taken up again, and streams that are tampered with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "firmware-client/ports/posix.h"
#include "tests/conformance/transport_peers.h"
#include "tests/conformance/transport_tls_peer.h"

static struct tls_world world;
static struct fake_peer wire;
static struct tls_peer peer;
static struct transport_maker maker;
static struct fp_transport port;

static int make_world(void **state)
{
    (void)state;
    tls_world_make(&world);
    return 0;
}

static void begin(void)
{
    maker = tls_peer_maker(&peer, "");
    port = maker.make(maker.ctx);
}

static void psk(void)
{
    peer = (struct tls_peer){.inner = fake_peer_maker(&wire, "")};
    tls_peer_use_psk(&peer);
}

static void ecdsa(void)
{
    peer = (struct tls_peer){.inner = fake_peer_maker(&wire, "")};
    tls_peer_use_ecdsa(&peer, &world);
}

static int tear_down(void **state)
{
    (void)state;
    if (maker.end) {
        maker.end(maker.ctx);
        maker.end = NULL;
    }
    return 0;
}

static enum fp_err opened(void)
{
    for (int i = 0; i < 1000; i++) {
        enum fp_err err = port.open(port.ctx);
        if (err != FP_EAGAIN) {
            maker.turn(maker.ctx);
            return err;
        }
        maker.turn(maker.ctx);
    }
    return FP_EAGAIN;
}

static void is_refused(const char *word)
{
    assert_int_equal(opened(), FP_EDENIED);
    if (!strstr(fp_tls_error(&peer.tls), word)) {
        fail_msg("\"%s\" is not in: %s", word, fp_tls_error(&peer.tls));
    }
    size_t n = 0;
    assert_int_equal(port.write(port.ctx, "x", 1, &n), FP_EIO); /* T1 */
    assert_false(fp_tls_resumed(&peer.tls));
}

static void hears(const char *text)
{
    char buf[64];
    size_t n = 0, heard = 0;
    assert_int_equal(port.write(port.ctx, text, strlen(text), &n), FP_OK);
    assert_int_equal(n, strlen(text));
    for (int i = 0; i < 100 && heard < n; i++) {
        maker.turn(maker.ctx);
        heard += maker.peer_read(maker.ctx, buf + heard, sizeof buf - heard);
    }
    assert_int_equal(heard, n);
    assert_memory_equal(buf, text, n);
}

static void is_fine(bool resumed)
{
    assert_int_equal(opened(), FP_OK);
    assert_string_equal(fp_tls_error(&peer.tls), "");
    assert_int_equal(fp_tls_resumed(&peer.tls), resumed);
    hears("hello");
}

/* ------------------------------------------------------------------ who is refused */

static void a_wrong_key_is_denied(void **state)
{
    (void)state;
    psk();
    peer.psk = "0123456789abcdeX";
    begin();
    is_refused("key");
    is_refused("key"); /* each time */
}

static void an_identity_that_the_server_does_not_know_is_denied(void **state)
{
    (void)state;
    psk();
    peer.identity = "somebody-else";
    begin();
    is_refused("identity");
}

static void a_server_of_another_ca_is_denied(void **state)
{
    (void)state;
    ecdsa();
    peer.pair = &world.stranger;
    begin();
    is_refused("not of the CA that we trust");
    assert_null(strstr(fp_tls_error(&peer.tls), "another host"));
}

static void a_server_of_another_name_is_denied(void **state)
{
    (void)state;
    ecdsa();
    peer.config.host = "other.example";
    begin();
    is_refused("another host");
    assert_null(strstr(fp_tls_error(&peer.tls), "CA"));
}

static void an_expired_certificate_is_denied(void **state)
{
    (void)state;
    ecdsa();
    peer.pair = &world.expired;
    begin();
    is_refused("expired");
}

static void a_server_without_ecdsa_is_not_spoken_to(void **state)
{
    (void)state;
    ecdsa();
    peer.pair = &world.rsa;
    begin();
    is_refused("handshake failure");
}

static void a_server_that_has_a_key_only_is_no_server_with_a_certificate(void **state)
{
    (void)state;
    ecdsa();
    struct fp_tls_config config = peer.config;
    psk();
    peer.config = config;
    begin();
    is_refused("handshake failure");
}

static void an_old_version_is_not_spoken(void **state)
{
    (void)state;
    psk();
    peer.minor = MBEDTLS_SSL_MINOR_VERSION_2;
    begin();
    enum fp_err err = opened();
    assert_true(err == FP_EIO || err == FP_EDENIED);
    assert_string_not_equal(fp_tls_error(&peer.tls), "");
}

static void a_device_with_a_certificate_is_known_to_the_server(void **state)
{
    (void)state;
    ecdsa();
    peer.clients_ca = world.ca.crt;
    peer.config.own_crt = tls_text(world.device.crt);
    peer.config.own_key = tls_text(world.device.key);
    begin();
    is_fine(false);
    assert_int_equal(mbedtls_ssl_get_verify_result(&peer.ssl), 0);
    assert_non_null(mbedtls_ssl_get_peer_cert(&peer.ssl));
}

static void a_device_without_its_certificate_does_not_get_in(void **state)
{
    (void)state;
    ecdsa();
    peer.clients_ca = world.ca.crt;
    begin();
    enum fp_err err = opened(); /* mbedTLS as a server hangs up without a word */
    assert_true(err == FP_EIO || err == FP_EDENIED);
    assert_string_not_equal(fp_tls_error(&peer.tls), "");
}

static void a_device_with_a_certificate_of_another_ca_is_told_so(void **state)
{
    (void)state;
    ecdsa();
    peer.clients_ca = world.ca.crt;
    peer.config.own_crt = tls_text(world.stranger.crt);
    peer.config.own_key = tls_text(world.stranger.key);
    begin();
    is_refused("certificate");
}

/* ------------------------------------------------------------------ sessions */

static void resumes(enum tls_resume how)
{
    peer.resume = how;
    begin();
    for (int i = 0; i < 4; i++) {
        is_fine(i > 0 && how != TLS_RESUME_NEVER);
        if (i % 2 == 0) {
            port.close(port.ctx);
        } else {
            uint8_t byte;
            size_t n = 0;
            maker.peer_close(maker.ctx);
            assert_int_equal(port.read(port.ctx, &byte, 1, &n), FP_EIO);
        }
        assert_false(fp_tls_resumed(&peer.tls));
    }
}

static void a_session_is_taken_up_by_ticket(void **state)
{
    (void)state;
    ecdsa();
    resumes(TLS_RESUME_TICKETS);
}

static void a_session_is_taken_up_by_its_id(void **state)
{
    (void)state;
    ecdsa();
    resumes(TLS_RESUME_IDS);
}

static void a_session_with_certificates_is_taken_up_by_ticket(void **state)
{
    (void)state;
    ecdsa();
    peer.clients_ca = world.ca.crt;
    peer.config.own_crt = tls_text(world.device.crt);
    peer.config.own_key = tls_text(world.device.key);
    resumes(TLS_RESUME_TICKETS);
}

static void a_server_that_forgets_sessions_makes_full_handshakes(void **state)
{
    (void)state;
    ecdsa();
    resumes(TLS_RESUME_NEVER);
}

static void forget_tickets(void)
{
    mbedtls_ssl_ticket_free(&peer.tickets);
    mbedtls_ssl_ticket_init(&peer.tickets);
    assert_int_equal(mbedtls_ssl_ticket_setup(&peer.tickets, mbedtls_ctr_drbg_random, &peer.drbg, MBEDTLS_CIPHER_AES_256_GCM, 3600), 0);
}

static void a_server_that_lost_its_tickets_makes_a_full_handshake(void **state)
{
    (void)state;
    ecdsa();
    begin();
    is_fine(false);
    port.close(port.ctx);
    forget_tickets();
    is_fine(false);
    port.close(port.ctx);
    is_fine(true);
}

static void another_server_in_its_place_is_checked_in_full(void **state)
{
    (void)state;
    ecdsa();
    begin();
    is_fine(false);
    port.close(port.ctx);
    forget_tickets();
    mbedtls_x509_crt crt;
    mbedtls_pk_context key;
    mbedtls_x509_crt_init(&crt);
    mbedtls_pk_init(&key);
    assert_int_equal(mbedtls_x509_crt_parse(&crt, (const unsigned char *)world.stranger.crt, strlen(world.stranger.crt) + 1), 0);
    assert_int_equal(mbedtls_pk_parse_key(&key, (const unsigned char *)world.stranger.key, strlen(world.stranger.key) + 1, NULL, 0), 0);
    mbedtls_x509_crt_free(&peer.crt);
    mbedtls_pk_free(&peer.key);
    peer.crt = crt; /* the server's configuration holds their addresses */
    peer.key = key;
    is_refused("not of the CA that we trust");
}

static void a_key_makes_a_full_handshake_each_time(void **state)
{
    (void)state;
    psk();
    begin();
    for (int i = 0; i < 3; i++) {
        is_fine(false);
        port.close(port.ctx);
    }
}

static void a_handshake_that_breaks_off_drops_the_session(void **state)
{
    (void)state;
    ecdsa();
    begin();
    is_fine(false);
    port.close(port.ctx);
    wire.fake.cut_after = 50; /* in the middle of what it says first */
    assert_int_equal(opened(), FP_EIO);
    assert_non_null(strstr(fp_tls_error(&peer.tls), "broke off"));
    wire.fake.cut_after = SIZE_MAX;
    is_fine(false); /* T2 */
}

/* ------------------------------------------------------------------ streams */

static void a_refusal_is_heard_although_our_last_words_did_not_go(void **state)
{
    (void)state;
    static const uint8_t ALERT[] = {21, 3, 3, 0, 2, 2, MBEDTLS_SSL_ALERT_MSG_UNKNOWN_PSK_IDENTITY};
    psk();
    begin();
    assert_int_equal(port.open(port.ctx), FP_EAGAIN);
    maker.turn(maker.ctx); /* ServerHello to ServerHelloDone */
    (void)fake_transport_peer_write(&wire.fake, ALERT, sizeof ALERT);
    fake_transport_peer_close(&wire.fake);
    assert_int_equal(port.open(port.ctx), FP_EDENIED);
    assert_non_null(strstr(fp_tls_error(&peer.tls), "identity"));
}

static void the_server_hears_that_we_close(void **state)
{
    (void)state;
    psk();
    begin();
    is_fine(false);
    size_t before = wire.fake.sent;
    port.close(port.ctx);
    size_t bye = wire.fake.sent - before;
    port.close(port.ctx);
    assert_true(bye > 0);
    assert_int_equal(wire.fake.sent - before, bye); /* once */
    assert_true(maker.peer_ended(maker.ctx));
    assert_true(peer.hung_up);
}

static void close_does_not_wait_when_there_is_no_room(void **state)
{
    (void)state;
    psk();
    begin();
    is_fine(false);
    wire.fake.room = 0;
    size_t n = 0;
    assert_int_equal(port.write(port.ctx, "x", 1, &n), FP_EAGAIN);
    port.close(port.ctx);
    wire.fake.room = FAKE_TRANSPORT_MAX;
    is_fine(false);
}

static void more_bytes_behind_those_that_wait_are_not_lost(void **state)
{
    (void)state;
    char buf[64];
    size_t n = 0, heard = 0;
    psk();
    begin();
    is_fine(false);
    wire.fake.room = 0;
    assert_int_equal(port.write(port.ctx, "abc", 3, &n), FP_EAGAIN);
    assert_int_equal(port.write(port.ctx, "abcdef", 6, &n), FP_EAGAIN);
    wire.fake.room = FAKE_TRANSPORT_MAX;
    assert_int_equal(port.write(port.ctx, "abcdefghi", 9, &n), FP_OK);
    assert_int_equal(n, 3);
    assert_int_equal(port.write(port.ctx, "defghi", 6, &n), FP_OK);
    assert_int_equal(n, 6);
    for (int i = 0; i < 10; i++) {
        maker.turn(maker.ctx);
        heard += maker.peer_read(maker.ctx, buf + heard, sizeof buf - heard);
    }
    assert_int_equal(heard, 9);
    assert_memory_equal(buf, "abcdefghi", 9);
}

static void a_changed_byte_ends_the_stream(void **state)
{
    (void)state;
    uint8_t buf[32];
    size_t n = 0;
    psk();
    begin();
    is_fine(false);
    assert_int_equal(maker.peer_write(maker.ctx, "good news", 9), 9);
    wire.fake.down.bytes[wire.fake.down.len - 1] ^= 1;
    assert_int_equal(port.read(port.ctx, buf, sizeof buf, &n), FP_EIO);
    assert_string_not_equal(fp_tls_error(&peer.tls), "");
    assert_int_equal(port.read(port.ctx, buf, sizeof buf, &n), FP_EIO);
    is_fine(false);
}

static void a_server_without_tls_is_no_refusal(void **state)
{
    (void)state;
    static const char HTTP[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    psk();
    begin();
    assert_int_equal(port.open(port.ctx), FP_EAGAIN);
    (void)fake_transport_peer_write(&wire.fake, HTTP, sizeof HTTP - 1);
    assert_int_equal(port.open(port.ctx), FP_EIO);
    assert_string_not_equal(fp_tls_error(&peer.tls), "");
}

static void a_server_that_goes_during_the_handshake_is_no_refusal(void **state)
{
    (void)state;
    ecdsa();
    begin();
    assert_int_equal(port.open(port.ctx), FP_EAGAIN);
    fake_transport_peer_close(&wire.fake);
    assert_int_equal(port.open(port.ctx), FP_EIO);
    assert_non_null(strstr(fp_tls_error(&peer.tls), "broke off"));
}

static void the_inner_refusal_is_handed_on(void **state)
{
    (void)state;
    psk();
    begin();
    wire.fake.refuse = FP_EDENIED;
    assert_int_equal(opened(), FP_EDENIED);
    wire.fake.refuse = FP_OK;
    is_fine(false);
}

static void records_are_as_short_as_asked(void **state)
{
    (void)state;
    static uint8_t buf[9000], got[9000];
    psk();
    peer.config.record_bytes = 512;
    begin();
    is_fine(false);
    size_t n = 0, heard = 0;
    for (size_t sent = 0; sent < sizeof buf; sent += n) {
        assert_int_equal(port.write(port.ctx, buf + sent, sizeof buf - sent, &n), FP_OK);
        assert_in_range(n, 1, 512);
        maker.turn(maker.ctx);
        heard += maker.peer_read(maker.ctx, got, sizeof got);
    }
    assert_int_equal(heard, sizeof buf);
    assert_in_range(peer.longest_record, 512, 512 + 64);
}

/* ------------------------------------------------------------------ what cannot be configured */

static void is_no_config(struct fp_tls_config config, const char *field)
{
    static struct fp_tls tls;
    struct fp_transport inner = {.ctx = NULL}, out;
    assert_int_equal(fp_tls_init(&tls, &config, &inner, &out), FP_ECONFIG);
    if (!strstr(fp_tls_error(&tls), field)) {
        fail_msg("\"%s\" is not in: %s", field, fp_tls_error(&tls));
    }
    fp_tls_fini(&tls);
}

static void a_wrong_configuration_is_named_by_its_field(void **state)
{
    (void)state;
    psk();
    struct fp_tls_config good = peer.config, bad = good;
    bad.psk.len = FP_TLS_PSK_MIN - 1;
    is_no_config(bad, "psk");
    bad.psk = fp_bytes_of("0123456789012345678901234567890123456789", MBEDTLS_PSK_MAX_LEN + 1);
    is_no_config(bad, "psk");
    bad = good, bad.identity.len = 0;
    is_no_config(bad, "identity");
    bad = good, bad.entropy = NULL;
    is_no_config(bad, "entropy");
    bad = good, bad.record_bytes = 700;
    is_no_config(bad, "record_bytes");
    ecdsa();
    good = bad = peer.config;
    bad.host = "";
    is_no_config(bad, "host");
    bad = good, bad.ca = tls_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
    is_no_config(bad, "ca");
    bad = good, bad.ca.len = 0;
    is_no_config(bad, "ca");
    bad = good, bad.own_crt = tls_text(world.device.crt);
    is_no_config(bad, "own_key");
    bad.own_key = tls_text(world.server.key);
    is_no_config(bad, "own_key is not the key");
    bad.own_key = tls_text("nonsense");
    is_no_config(bad, "own_key");
}

static int no_entropy(void *ctx, unsigned char *out, size_t len)
{
    (void)ctx;
    (void)out;
    (void)len;
    return -1;
}

static void without_entropy_there_is_no_tls(void **state)
{
    (void)state;
    static struct fp_tls tls;
    struct fp_transport inner = {.ctx = NULL}, out;
    psk();
    peer.config.entropy = no_entropy;
    assert_int_equal(fp_tls_init(&tls, &peer.config, &inner, &out), FP_EIO);
    assert_non_null(strstr(fp_tls_error(&tls), "entropy"));
}

static void certificates_are_read_as_der_and_behind_prose(void **state)
{
    (void)state;
    static char prose[TLS_PEM_MAX + 64];
    mbedtls_x509_crt der;
    ecdsa();
    mbedtls_x509_crt_init(&der);
    assert_int_equal(mbedtls_x509_crt_parse(&der, (const unsigned char *)world.ca.crt, strlen(world.ca.crt) + 1), 0);
    peer.config.ca = fp_bytes_of(der.raw.p, der.raw.len);
    begin();
    mbedtls_x509_crt_free(&der);
    is_fine(false);
    maker.end(maker.ctx);
    ecdsa();
    (void)snprintf(prose, sizeof prose, "Certificate:\n    Data:\n%s", world.ca.crt);
    peer.config.ca = tls_text(prose);
    begin();
    is_fine(false);
}

#define CASE(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_wrong_key_is_denied),
        CASE(an_identity_that_the_server_does_not_know_is_denied),
        CASE(a_server_of_another_ca_is_denied),
        CASE(a_server_of_another_name_is_denied),
        CASE(an_expired_certificate_is_denied),
        CASE(a_server_without_ecdsa_is_not_spoken_to),
        CASE(a_server_that_has_a_key_only_is_no_server_with_a_certificate),
        CASE(an_old_version_is_not_spoken),
        CASE(a_device_with_a_certificate_is_known_to_the_server),
        CASE(a_device_without_its_certificate_does_not_get_in),
        CASE(a_device_with_a_certificate_of_another_ca_is_told_so),
        CASE(a_session_is_taken_up_by_ticket),
        CASE(a_session_is_taken_up_by_its_id),
        CASE(a_session_with_certificates_is_taken_up_by_ticket),
        CASE(a_server_that_forgets_sessions_makes_full_handshakes),
        CASE(a_server_that_lost_its_tickets_makes_a_full_handshake),
        CASE(another_server_in_its_place_is_checked_in_full),
        CASE(a_key_makes_a_full_handshake_each_time),
        CASE(a_refusal_is_heard_although_our_last_words_did_not_go),
        CASE(a_handshake_that_breaks_off_drops_the_session),
        CASE(the_server_hears_that_we_close),
        CASE(close_does_not_wait_when_there_is_no_room),
        CASE(more_bytes_behind_those_that_wait_are_not_lost),
        CASE(a_changed_byte_ends_the_stream),
        CASE(a_server_without_tls_is_no_refusal),
        CASE(a_server_that_goes_during_the_handshake_is_no_refusal),
        CASE(the_inner_refusal_is_handed_on),
        CASE(records_are_as_short_as_asked),
        CASE(a_wrong_configuration_is_named_by_its_field),
        CASE(without_entropy_there_is_no_tls),
        CASE(certificates_are_read_as_der_and_behind_prose),
    };
    return cmocka_run_group_tests(tests, make_world, NULL);
}
