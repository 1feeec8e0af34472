# Recordings in a real browser: tests/browser/browser_<subject>.c, plain programs. They need
# Debian's chromium and chromium-driver and are skipped where these are not.
file(GLOB browsers CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/browser_*.c)
foreach(file IN LISTS browsers)
  cmake_path(GET file STEM name)
  add_inside_program(${name} ${file} ${CMAKE_CURRENT_LIST_DIR}/webdriver.c)
  add_test(NAME ${name} COMMAND ${name})
  judge(${name} browser 300)
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
endforeach()
