# For machines without libcbor: what is behind fp/cbor.h, instead of schemas/src/cbor_*.c. Needs fp_id_parse() of schemas/src/bytes.c.
add_library(fp_cbor_small STATIC
  ${CMAKE_CURRENT_LIST_DIR}/cbor_small.c
  ${CMAKE_CURRENT_LIST_DIR}/cbor_small_check.c
  ${CMAKE_CURRENT_LIST_DIR}/cbor_utf8.c)
target_include_directories(fp_cbor_small PUBLIC ${PROJECT_SOURCE_DIR}/schemas/include)
