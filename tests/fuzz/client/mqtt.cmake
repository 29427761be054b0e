fp_fuzz(fuzz_mqtt SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_mqtt.c CORPUS ${CMAKE_CURRENT_LIST_DIR}/../corpus/mqtt LIBS fp_client)
