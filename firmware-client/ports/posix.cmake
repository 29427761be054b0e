# The ports of a POSIX system: TCP, a serial line, clocks and chance.
add_library(fp_client_posix STATIC
  ${CMAKE_CURRENT_LIST_DIR}/posix.c
  ${CMAKE_CURRENT_LIST_DIR}/transport_serial.c
  ${CMAKE_CURRENT_LIST_DIR}/transport_tcp.c)
target_link_libraries(fp_client_posix PUBLIC fp_client)
