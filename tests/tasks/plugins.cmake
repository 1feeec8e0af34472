# Shared objects for test_plugin.c: the example of the guide, and one plugin per fault.
if(TARGET test_tasks)
  set(plugins ${CMAKE_CURRENT_BINARY_DIR}/plugins)
  function(add_plugin name source)
    add_library(plugin_${name} MODULE ${source})
    set_target_properties(plugin_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY ${plugins})
    target_include_directories(plugin_${name} PRIVATE ${PROJECT_SOURCE_DIR}/include)
    target_link_libraries(plugin_${name} PRIVATE tendril_flags)
    target_compile_definitions(plugin_${name} PRIVATE ${ARGN})
    add_dependencies(test_tasks plugin_${name})
  endfunction()

  add_plugin(crane ${PROJECT_SOURCE_DIR}/docs/examples/plugin/crane.c)
  configure_file(${PROJECT_SOURCE_DIR}/docs/examples/plugin/crane.xml ${plugins}/crane.xml COPYONLY)
  set(fault 0)
  foreach(name none abi flaw name taken twice no_tasks no_symbol)
    add_plugin(${name} ${CMAKE_CURRENT_LIST_DIR}/bad_plugins.c FAULT=${fault})
    math(EXPR fault "${fault} + 1")
  endforeach()

  # plugins find the library's functions in the program that loads them
  set_target_properties(test_tasks PROPERTIES ENABLE_EXPORTS ON)
  target_compile_definitions(test_tasks PRIVATE TENDRIL_TEST_PLUGINS="${plugins}")
endif()
