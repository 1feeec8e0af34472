# The CMakeLists.txt of a user's project.
cmake_minimum_required(VERSION 3.25)
project(first LANGUAGES C)
find_package(tendril 0.1 REQUIRED)
add_executable(first_shared first.c)
target_link_libraries(first_shared PRIVATE tendril::tendril)
add_executable(first_static first.c)
target_link_libraries(first_static PRIVATE tendril::static)
