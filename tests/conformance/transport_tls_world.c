#include <mbedtls/x509_crt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "firmware-client/ports/posix.h"
#include "tests/conformance/transport_tls_peer.h"

struct order {
    const char *name, *from, *until;
    const struct tls_pair *issuer; /* NULL: itself */
    const char *issuer_name;
    bool ca, rsa;
};

static void make_key(mbedtls_pk_context *key, mbedtls_ctr_drbg_context *drbg, bool rsa)
{
    if (rsa) {
        assert_int_equal(mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)), 0);
        assert_int_equal(mbedtls_rsa_gen_key(mbedtls_pk_rsa(*key), mbedtls_ctr_drbg_random, drbg, 2048, 65537), 0);
        return;
    }
    assert_int_equal(mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), 0);
    assert_int_equal(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), mbedtls_ctr_drbg_random, drbg), 0);
}

static void write_crt(mbedtls_x509write_cert *crt, const struct order *o, mbedtls_ctr_drbg_context *drbg, char *out)
{
    mbedtls_mpi serial;
    mbedtls_mpi_init(&serial);
    assert_int_equal(mbedtls_mpi_fill_random(&serial, 8, mbedtls_ctr_drbg_random, drbg), 0);
    mbedtls_x509write_crt_set_md_alg(crt, MBEDTLS_MD_SHA256);
    assert_int_equal(mbedtls_x509write_crt_set_serial(crt, &serial), 0);
    assert_int_equal(mbedtls_x509write_crt_set_subject_name(crt, o->name), 0);
    assert_int_equal(mbedtls_x509write_crt_set_issuer_name(crt, o->issuer_name), 0);
    assert_int_equal(mbedtls_x509write_crt_set_validity(crt, o->from, o->until), 0);
    assert_int_equal(mbedtls_x509write_crt_set_basic_constraints(crt, o->ca, -1), 0);
    assert_int_equal(mbedtls_x509write_crt_pem(crt, (unsigned char *)out, TLS_PEM_MAX, mbedtls_ctr_drbg_random, drbg), 0);
    mbedtls_mpi_free(&serial);
}

static void make_pair(struct tls_pair *out, const struct order *o, mbedtls_ctr_drbg_context *drbg)
{
    mbedtls_pk_context key, issuer;
    mbedtls_x509write_cert crt;
    mbedtls_pk_init(&key);
    mbedtls_pk_init(&issuer);
    mbedtls_x509write_crt_init(&crt);
    make_key(&key, drbg, o->rsa);
    if (o->issuer) {
        assert_int_equal(mbedtls_pk_parse_key(&issuer, (const unsigned char *)o->issuer->key, strlen(o->issuer->key) + 1, NULL, 0), 0);
    }
    mbedtls_x509write_crt_set_subject_key(&crt, &key);
    mbedtls_x509write_crt_set_issuer_key(&crt, o->issuer ? &issuer : &key);
    write_crt(&crt, o, drbg, out->crt);
    assert_int_equal(mbedtls_pk_write_key_pem(&key, (unsigned char *)out->key, TLS_PEM_MAX), 0);
    mbedtls_x509write_crt_free(&crt);
    mbedtls_pk_free(&key);
    mbedtls_pk_free(&issuer);
}

void tls_world_make(struct tls_world *w)
{
    static const char CA[] = "CN=test CA", OTHER[] = "CN=other CA", HUB[] = "CN=hub.example";
    static const char FROM[] = "20000101000000", UNTIL[] = "20991231235959";
    const struct {
        struct tls_pair *out;
        struct order order;
    } orders[] = {
        {&w->ca, {.name = CA, .from = FROM, .until = UNTIL, .issuer_name = CA, .ca = true}},
        {&w->other_ca, {.name = OTHER, .from = FROM, .until = UNTIL, .issuer_name = OTHER, .ca = true}},
        {&w->server, {.name = HUB, .from = FROM, .until = UNTIL, .issuer = &w->ca, .issuer_name = CA}},
        {&w->expired, {.name = HUB, .from = FROM, .until = "20010101000000", .issuer = &w->ca, .issuer_name = CA}},
        {&w->device, {.name = "CN=device-1", .from = FROM, .until = UNTIL, .issuer = &w->ca, .issuer_name = CA}},
        {&w->stranger, {.name = HUB, .from = FROM, .until = UNTIL, .issuer = &w->other_ca, .issuer_name = OTHER}},
        {&w->rsa, {.name = HUB, .from = FROM, .until = UNTIL, .issuer = &w->ca, .issuer_name = CA, .rsa = true}},
    };
    mbedtls_ctr_drbg_context drbg;
    mbedtls_ctr_drbg_init(&drbg);
    assert_int_equal(mbedtls_ctr_drbg_seed(&drbg, fp_posix_entropy, NULL, NULL, 0), 0);
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        make_pair(orders[i].out, &orders[i].order, &drbg);
    }
    mbedtls_ctr_drbg_free(&drbg);
}
