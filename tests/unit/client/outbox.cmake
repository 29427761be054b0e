foreach(name outbox outbox_log outbox_open)
  fp_test(test_${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c ${PROJECT_SOURCE_DIR}/tests/support/sim_flash.c LIBS fp_client)
endforeach()
# Thousands of power cuts: too slow for memcheck.
fp_test(test_outbox_room SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_outbox_room.c ${PROJECT_SOURCE_DIR}/tests/support/sim_flash.c LIBS fp_client
  LABELS fault)
fp_test(test_outbox_power SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_outbox_power.c ${PROJECT_SOURCE_DIR}/tests/support/cut_storage.c LIBS fp_client
  LABELS fault)
