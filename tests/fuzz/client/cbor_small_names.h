/*
 * cbor_small_names.h: forced into the small CBOR codec, so that it and the one with libcbor fit into one program.
 */
#ifndef TESTS_FUZZ_CLIENT_CBOR_SMALL_NAMES_H
#define TESTS_FUZZ_CLIENT_CBOR_SMALL_NAMES_H

#define fp_cbor_check small_cbor_check
#define fp_dec_init small_dec_init
#define fp_dec_peek small_dec_peek
#define fp_dec_uint small_dec_uint
#define fp_dec_map small_dec_map
#define fp_dec_array small_dec_array
#define fp_dec_text small_dec_text
#define fp_dec_bytes small_dec_bytes
#define fp_dec_bool small_dec_bool
#define fp_dec_null small_dec_null
#define fp_dec_number small_dec_number
#define fp_dec_id small_dec_id
#define fp_dec_raw small_dec_raw
#define fp_dec_raw_within small_dec_raw_within
#define fp_dec_key small_dec_key
#define fp_dec_skip small_dec_skip
#define fp_dec_done small_dec_done
#define fp_enc_init small_enc_init
#define fp_enc_uint small_enc_uint
#define fp_enc_map small_enc_map
#define fp_enc_array small_enc_array
#define fp_enc_text small_enc_text
#define fp_enc_bytes small_enc_bytes
#define fp_enc_bool small_enc_bool
#define fp_enc_null small_enc_null
#define fp_enc_id small_enc_id
#define fp_enc_raw small_enc_raw
#define cbor_drive cbor_drive_small

#endif
