set(model ${CMAKE_CURRENT_LIST_DIR}/model)
fp_test(sim_model_states SOURCES ${model}_states.c ${model}_act.c ${model}_hub.c ${model}_peer.c LIBS fp_client LABELS sim TIMEOUT 300)
