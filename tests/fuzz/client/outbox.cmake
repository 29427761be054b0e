fp_fuzz(fuzz_outbox SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_outbox.c ${PROJECT_SOURCE_DIR}/tests/support/cut_storage.c
  CORPUS ${CMAKE_CURRENT_LIST_DIR}/../corpus/outbox LIBS fp_client)
