set(semantics ${CMAKE_CURRENT_LIST_DIR}/semantics)
fp_test(sim_semantics SOURCES ${CMAKE_CURRENT_LIST_DIR}/sim_semantics.c ${CMAKE_CURRENT_LIST_DIR}/fold.c ${semantics}_world.c ${semantics}_tell.c
    ${semantics}_act.c ${semantics}_check.c LIBS fp_support LABELS sim TIMEOUT 600)
