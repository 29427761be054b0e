/*
 * mbedtls_config.h: mbedTLS 2.28 cut down to TLS 1.2 with a pre-shared key: AES-128-GCM and SHA-256, no certificates, no heap but one
 * block of ours, no files, no clock.
 *
 * A pre-shared key alone gives no forward secrecy: who learns the key can read what was recorded before. Devices that can afford it use ECDHE.
 */
#ifndef FIRMWARE_CLIENT_EXAMPLES_MPS2_AN385_MBEDTLS_CONFIG_H
#define FIRMWARE_CLIENT_EXAMPLES_MPS2_AN385_MBEDTLS_CONFIG_H

/* TLS */
#define MBEDTLS_SSL_TLS_C
#define MBEDTLS_SSL_CLI_C
#define MBEDTLS_SSL_PROTO_TLS1_2
#define MBEDTLS_KEY_EXCHANGE_PSK_ENABLED
#define MBEDTLS_SSL_MAX_FRAGMENT_LENGTH
#define MBEDTLS_SSL_EXTENDED_MASTER_SECRET
#define MBEDTLS_SSL_CIPHERSUITES MBEDTLS_TLS_PSK_WITH_AES_128_GCM_SHA256
/* The client asks for records of at most 1024 bytes, so that more never comes. */
#define MBEDTLS_SSL_IN_CONTENT_LEN 1024
#define MBEDTLS_SSL_OUT_CONTENT_LEN 1024

/* Ciphers: tables in flash, and the smaller of each choice */
#define MBEDTLS_AES_C
#define MBEDTLS_AES_ROM_TABLES
#define MBEDTLS_AES_FEWER_TABLES
#define MBEDTLS_GCM_C
#define MBEDTLS_CIPHER_C
#define MBEDTLS_MD_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA224_C
#define MBEDTLS_SHA256_SMALLER
#define MBEDTLS_HAVE_ASM

/* Chance: seeded by the port from a function of ours; see psk.c */
#define MBEDTLS_CTR_DRBG_C
#define MBEDTLS_CTR_DRBG_USE_128_BIT_KEY

/* Memory: one static block; see psk.c */
#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_PLATFORM_NO_STD_FUNCTIONS
#define MBEDTLS_MEMORY_BUFFER_ALLOC_C
#define MBEDTLS_MEMORY_ALIGN_MULTIPLE 8
void psk_exit(int code);
#define MBEDTLS_PLATFORM_EXIT_MACRO psk_exit /* the block is damaged */

#include <mbedtls/check_config.h>

#endif
