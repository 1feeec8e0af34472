# Debian's MuJoCo package names an include folder of another package, which it doesn't depend on,
# and CMake refuses a target with a folder that isn't there. Read by the build and, installed, by
# whoever builds on Tendril.
get_target_property(tendril_mujoco_includes mujoco::mujoco INTERFACE_INCLUDE_DIRECTORIES)
if(tendril_mujoco_includes)
  foreach(folder IN LISTS tendril_mujoco_includes)
    if(IS_ABSOLUTE "${folder}" AND NOT EXISTS "${folder}")
      list(REMOVE_ITEM tendril_mujoco_includes "${folder}")
    endif()
  endforeach()
  set_target_properties(mujoco::mujoco PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${tendril_mujoco_includes}")
endif()
unset(tendril_mujoco_includes)
