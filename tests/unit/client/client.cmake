foreach(part answers backoff client entry follow hubclock inbox out packet pending receipts reorder session uplink welcome)
  fp_test(test_client_${part} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${part}.c LIBS fp_client)
endforeach()
