fp_test(conformance_storage SOURCES ${CMAKE_CURRENT_LIST_DIR}/storage_conformance.c ${CMAKE_CURRENT_LIST_DIR}/storage_ports.c LIBS fp_client_storage
  LABELS conformance)
