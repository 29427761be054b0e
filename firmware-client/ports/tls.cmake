# TLS between the client and another port.
add_library(fp_client_tls STATIC
  ${CMAKE_CURRENT_LIST_DIR}/tls_setup.c
  ${CMAKE_CURRENT_LIST_DIR}/tls_why.c
  ${CMAKE_CURRENT_LIST_DIR}/transport_tls.c)
target_link_libraries(fp_client_tls PUBLIC fp_client fp::mbedtls)
