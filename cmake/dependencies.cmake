# What the library stands on: MuJoCo by its own CMake package (an upstream 3.x with
# -Dmujoco_DIR=<prefix>/lib/cmake/mujoco), the rest by pkg-config. Sets `dependencies`, all but
# MuJoCo; nothing of them shows in the public headers.
find_package(mujoco CONFIG REQUIRED)
include(${CMAKE_CURRENT_LIST_DIR}/mujoco-includes.cmake)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
set(tendril_packages libcjson openblas lapacke libprotobuf-c egl libpng glfw3 liblbfgs)
pkg_check_modules(tendril_deps REQUIRED IMPORTED_TARGET ${tendril_packages})

set(dependencies PkgConfig::tendril_deps Threads::Threads ${CMAKE_DL_LIBS})
# glibc's vector maths exists on some processors only; it goes before the libm that it needs
find_library(TENDRIL_MVEC mvec)
mark_as_advanced(TENDRIL_MVEC)
if(TENDRIL_MVEC)
  list(APPEND dependencies mvec)
endif()
list(APPEND dependencies m)
