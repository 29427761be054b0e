set(here ${CMAKE_CURRENT_LIST_DIR})
fp_test(conformance_transport SOURCES ${here}/transport_plain.c ${here}/transport_peers.c ${here}/transport_conformance.c
  LIBS fp_support fp_client_posix LABELS conformance)
