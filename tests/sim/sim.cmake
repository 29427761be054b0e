# fp_sim: network, broker and storage of the simulations.
set(sim_support ${PROJECT_SOURCE_DIR}/tests/support)
add_library(fp_sim STATIC ${sim_support}/sim_net.c ${sim_support}/sim_broker.c ${sim_support}/sim_route.c ${sim_support}/sim_flash.c)
target_link_libraries(fp_sim PUBLIC fp_support fp_hub fp_mosq fp_client)
fp_test(test_sim_broker SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_sim_broker.c LIBS fp_sim LABELS sim)
fp_test(test_sim_flash SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_sim_flash.c LIBS fp_sim LABELS sim)
