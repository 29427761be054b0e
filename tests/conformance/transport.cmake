set(here ${CMAKE_CURRENT_LIST_DIR})
add_library(fp_transport_suite STATIC ${here}/transport_peers.c ${here}/transport_conformance.c)
target_link_libraries(fp_transport_suite PUBLIC fp_support fp_client_posix)
fp_test(conformance_transport SOURCES ${here}/transport_plain.c LIBS fp_transport_suite LABELS conformance)

add_library(fp_transport_suite_tls STATIC ${here}/transport_tls_peer.c ${here}/transport_tls_world.c)
target_link_libraries(fp_transport_suite_tls PUBLIC fp_transport_suite fp_client_tls)
fp_test(conformance_transport_tls SOURCES ${here}/transport_tls.c LIBS fp_transport_suite_tls LABELS conformance)
fp_test(conformance_transport_tls_cases SOURCES ${here}/transport_tls_cases.c LIBS fp_transport_suite_tls LABELS conformance)
