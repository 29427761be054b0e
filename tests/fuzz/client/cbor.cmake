# The small codec, and what drives it, under names of their own.
add_library(fuzz_cbor_renamed OBJECT
  ${CMAKE_CURRENT_LIST_DIR}/cbor_drive.c
  ${PROJECT_SOURCE_DIR}/firmware-client/core/cbor_small.c
  ${PROJECT_SOURCE_DIR}/firmware-client/core/cbor_small_check.c
  ${PROJECT_SOURCE_DIR}/firmware-client/core/cbor_utf8.c)
target_compile_options(fuzz_cbor_renamed PRIVATE -include ${CMAKE_CURRENT_LIST_DIR}/cbor_small_names.h)
fp_fuzz(fuzz_cbor_small
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_cbor_small.c ${CMAKE_CURRENT_LIST_DIR}/cbor_drive.c $<TARGET_OBJECTS:fuzz_cbor_renamed>
  CORPUS ${CMAKE_CURRENT_LIST_DIR}/../corpus/cbor_small
  LIBS fp_schemas)
