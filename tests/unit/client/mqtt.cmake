foreach(name mqtt_read mqtt_write cbor_utf8)
  fp_test(test_${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c LIBS fp_client)
endforeach()
