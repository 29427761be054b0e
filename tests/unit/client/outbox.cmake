foreach(name outbox outbox_log outbox_open outbox_room)
  fp_test(test_${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c ${PROJECT_SOURCE_DIR}/tests/support/sim_flash.c LIBS fp_client)
endforeach()
fp_test(test_outbox_power SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_outbox_power.c ${PROJECT_SOURCE_DIR}/tests/support/cut_storage.c LIBS fp_client)
