set(sim ${CMAKE_CURRENT_LIST_DIR})
fp_test(sim_storm SOURCES ${sim}/sim_storm.c ${sim}/storm_world.c ${sim}/storm_app.c ${sim}/storm_act.c ${sim}/storm_check.c ${sim}/storm_mirror.c
    LIBS fp_sim LABELS sim TIMEOUT 300)
